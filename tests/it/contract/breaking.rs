//! Finds what in a new document would break a client that was written against an old one.
//!
//! A valid request must stay valid, and an answer must keep what clients read in it. Operations are compared as they are on the
//! wire: the names of schemas do not matter. New values in an answer's enum are not counted: clients are told to expect them.

mod schemas;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::harness::entries;

/// One reason why a client of the old document fails with the new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// The operation it would fail with, by its old id.
    pub operation: String,
    /// What is different.
    pub what: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.what)
    }
}

/// The direction in which a value is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From the client: the server must not become stricter.
    In,
    /// To the client: the answer must not become smaller or different.
    Out,
}

/// Everything in `new` that breaks clients of `old`.
pub fn breaks(old: &Value, new: &Value) -> Vec<Break> {
    let mut found = vec![];
    for (path, methods) in entries(&old["paths"]) {
        for (method, operation) in entries(methods) {
            let now = &new["paths"][path][method];
            let id = operation["operationId"].as_str().unwrap_or(path);
            let mut comparison = Comparison { old, new, id, found: &mut found };
            if now.is_null() {
                comparison.note("the operation is gone");
            } else {
                comparison.operation(operation, now);
            }
        }
    }
    found
}

struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    id: &'a str,
    found: &'a mut Vec<Break>,
}

/// The credentials of which an operation takes one; the empty string stands for none.
fn schemes(operation: &Value) -> BTreeSet<String> {
    let word = |needed: &Value| entries(needed).map(|(name, _)| name.to_owned()).collect::<Vec<_>>().join(" ");
    let listed: BTreeSet<String> = operation["security"].as_array().into_iter().flatten().map(word).collect();
    if listed.is_empty() { BTreeSet::from([String::new()]) } else { listed }
}

impl Comparison<'_> {
    fn note(&mut self, what: impl Into<String>) {
        self.found.push(Break { operation: self.id.to_owned(), what: what.into() });
    }

    fn operation(&mut self, old: &Value, new: &Value) {
        if old["operationId"] != new["operationId"] {
            self.note(format!("its operationId became {}", new["operationId"]));
        }
        if !schemes(new).is_superset(&schemes(old)) {
            self.note(format!("other credentials are asked for: {:?}", schemes(new)));
        }
        self.parameters(&old["parameters"], &new["parameters"]);
        self.request(&old["requestBody"], &new["requestBody"]);
        for (status, response) in entries(&old["responses"]) {
            match new["responses"].get(status) {
                None => self.note(format!("the status {status} is gone")),
                Some(now) => self.response(status, response, now),
            }
        }
    }

    fn parameters(&mut self, old: &Value, new: &Value) {
        let list = |parameters: &Value| parameters.as_array().cloned().unwrap_or_default();
        let same = |one: &Value, other: &Value| one["name"] == other["name"] && one["in"] == other["in"];
        for parameter in list(new) {
            let name = format!("parameter {}", parameter["name"]);
            match list(old).iter().find(|known| same(known, &parameter)) {
                None if parameter["required"] == true => self.note(format!("{name} is new and required")),
                Some(known) if parameter["required"] == true && known["required"] != true => self.note(format!("{name} became required")),
                Some(known) => self.schema(&known["schema"], &parameter["schema"], Way::In, &name),
                None => {}
            }
        }
        for known in list(old).iter().filter(|known| !list(new).iter().any(|parameter| same(known, parameter))) {
            self.note(format!("parameter {} is gone", known["name"]));
        }
    }

    fn request(&mut self, old: &Value, new: &Value) {
        if new["required"] == true && old["required"] != true {
            self.note("a body became required");
        }
        for (media_type, content) in entries(&old["content"]) {
            match new["content"].get(media_type) {
                None => self.note(format!("a body of {media_type} is not taken any more")),
                Some(now) => self.schema(&content["schema"], &now["schema"], Way::In, "body"),
            }
        }
    }

    fn response(&mut self, status: &str, old: &Value, new: &Value) {
        for (name, header) in entries(&old["headers"]).filter(|(_, header)| header["required"] == true) {
            if new["headers"][name]["required"] != true {
                self.note(format!("{status}: the header {name} may be missing"));
            }
            self.schema(&header["schema"], &new["headers"][name]["schema"], Way::Out, &format!("{status} {name}"));
        }
        for (media_type, content) in entries(&old["content"]) {
            let Some(now) = new["content"].get(media_type) else {
                self.note(format!("{status}: the content type {media_type} is gone"));
                continue;
            };
            self.schema(&content["schema"], &now["schema"], Way::Out, status);
            // A problem has an example of each of its codes.
            if media_type == "application/problem+json" {
                let gone = entries(&content["examples"]).filter(|(code, _)| now["examples"].get(code).is_none());
                gone.for_each(|(code, _)| self.note(format!("{status}: the code {code} is gone")));
            }
        }
    }
}
