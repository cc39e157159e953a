//! The document keeps the promises of the last release, or the changelog says what it breaks.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::breaking::{Break, breaks};
use crate::drift::in_project;
use crate::harness::Scratch;

/// The beginning of a changelog line that admits a break; the line names the operations in backticks.
const MARKER: &str = "- **Breaking (API)**";

fn now() -> Value {
    serde_json::from_str(&rowlock::spec()).expect("a document")
}

#[test]
fn nothing_breaks_that_the_changelog_does_not_own_up_to() {
    let Some((tag, released)) = document_of_last_tag(&in_project("")) else {
        eprintln!("there is no release yet: no tag v0.1.0 or later to compare the document with");
        return;
    };
    let changelog = std::fs::read_to_string(in_project("CHANGELOG.md")).expect("a changelog");
    let broken = not_owned(breaks(&released, &now()), &changelog);
    let listed: Vec<_> = broken.iter().map(ToString::to_string).collect();
    assert!(
        listed.is_empty(),
        "clients of {tag} would break:\n{}\nKeep it as it was, or say so under [Unreleased] in CHANGELOG.md, in a line that begins with \
         `{MARKER}` and names each operation in backticks.",
        listed.join("\n")
    );
}

/// Those breaks whose operation no line of the changelog's first section names.
fn not_owned(found: Vec<Break>, changelog: &str) -> Vec<Break> {
    let unreleased = changelog.split("\n## ").find(|section| section.starts_with("[Unreleased]")).unwrap_or_default();
    // A wrapped line is one line.
    let joined = unreleased.replace("\n  ", " ");
    let owned: Vec<_> = joined.lines().filter(|line| line.starts_with(MARKER)).collect();
    found.into_iter().filter(|broken| !owned.iter().any(|line| line.contains(&format!("`{}`", broken.operation)))).collect()
}

/// The last version tag in this clone, and its document; a shallow clone has no tags.
fn document_of_last_tag(repository: &Path) -> Option<(String, Value)> {
    let git = |args: &[&str]| {
        let output = Command::new("git").arg("-C").arg(repository).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let tag = git(&["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"])?;
    let document = git(&["show", &format!("{tag}:openapi/openapi.json")])?;
    Some((tag, serde_json::from_str(&document).ok()?))
}

#[test]
fn the_document_of_the_last_tag_is_found_in_a_clone_that_has_it() {
    let scratch = Scratch::new();
    let repository = scratch.path();
    assert!(document_of_last_tag(repository).is_none(), "no repository");
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"];
        let done = Command::new("git").arg("-C").arg(repository).args(identity).args(args).output().expect("git runs");
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    std::fs::create_dir(repository.join("openapi")).expect("a folder");
    let write = |version: &str| {
        scratch.file("openapi/openapi.json", json!({"info": {"version": version}}).to_string());
        git(&["add", "."]);
        git(&["commit", "-q", "-m", version]);
    };
    git(&["init", "-q"]);
    write("0.1.0");
    assert!(document_of_last_tag(repository).is_none(), "no tag");
    git(&["tag", "-m", "v0.1.0", "v0.1.0"]);
    write("0.2.0");
    git(&["tag", "-m", "not a version", "nightly"]);
    let (tag, document) = document_of_last_tag(repository).expect("a tag");
    assert_eq!((tag.as_str(), &document["info"]["version"]), ("v0.1.0", &json!("0.1.0")));
}

#[test]
fn the_changelog_lets_pass_only_what_it_names_and_only_before_the_release() {
    let broken = || vec![Break { operation: "claimSeats".to_owned(), what: "x".to_owned() }];
    let changelog = |unreleased: &str, older: &str| format!("# Changelog\n\n## [Unreleased]\n\n{unreleased}\n\n## [0.1.0]\n\n{older}\n");
    let line = format!("{MARKER}: `listSeats` and\n  `claimSeats` want a key.");
    assert!(not_owned(broken(), &changelog(&line, "")).is_empty());
    assert_eq!(not_owned(broken(), &changelog("", &line)), broken());
    assert_eq!(not_owned(broken(), &changelog("- `claimSeats` wants a key.", "")), broken());
    assert_eq!(not_owned(broken(), &changelog(&format!("{MARKER}: `listSeats` wants a key."), "")), broken());
}

/// A change of a document.
type Mutation = (&'static str, &'static str, fn(&mut Value));

fn operation<'a>(document: &'a mut Value, method: &str, path: &str) -> &'a mut Value {
    &mut document["paths"][path][method]
}

fn schema<'a>(document: &'a mut Value, name: &str) -> &'a mut Value {
    &mut document["components"]["schemas"][name]
}

fn remove(object: &mut Value, key: &str) {
    object.as_object_mut().expect("an object").remove(key).unwrap_or_else(|| panic!("no {key}"));
}

fn leave_out(list: &mut Value, item: &str) {
    let list = list.as_array_mut().expect("a list");
    let before = list.len();
    list.retain(|known| known != item);
    assert!(list.len() < before, "no {item}");
}

const EVENTS: &str = "/v1/events";
const ORDERS: &str = "/v1/events/{event_id}/orders";

/// What breaks a client: the operation, a name, the change.
const BREAKING: &[Mutation] = &[
    ("listEvents", "a path is gone", |d| remove(&mut d["paths"], EVENTS)),
    ("createEvent", "an operation is gone", |d| remove(&mut d["paths"][EVENTS], "post")),
    ("listEvents", "an operationId is another", |d| operation(d, "get", EVENTS)["operationId"] = json!("events")),
    ("listEvents", "credentials are asked for", |d| operation(d, "get", EVENTS)["security"] = json!([{"AdminKey": []}])),
    ("claimSeats", "other credentials are asked for", |d| operation(d, "post", ORDERS)["security"] = json!([{"AdminKey": []}])),
    ("claimSeats", "a status is gone", |d| remove(&mut operation(d, "post", ORDERS)["responses"], "409")),
    ("claimSeats", "a code is gone", |d| {
        remove(&mut operation(d, "post", ORDERS)["responses"]["409"]["content"]["application/problem+json"]["examples"], "sold_out");
    }),
    ("claimSeats", "a header may be missing", |d| {
        operation(d, "post", ORDERS)["responses"]["201"]["headers"]["Location"]["required"] = json!(false);
    }),
    ("listEvents", "a content type is another", |d| {
        let content = &mut operation(d, "get", EVENTS)["responses"]["200"]["content"];
        content["application/hal+json"] = content["application/json"].take();
        remove(content, "application/json");
    }),
    ("listEvents", "a parameter is gone", |d| {
        operation(d, "get", EVENTS)["parameters"].as_array_mut().expect("parameters").retain(|parameter| parameter["name"] != "after");
    }),
    ("listEvents", "a new parameter is required", |d| {
        let parameter = json!({"name": "venue", "in": "query", "required": true, "schema": {"type": "string"}});
        operation(d, "get", EVENTS)["parameters"].as_array_mut().expect("parameters").push(parameter);
    }),
    ("listEvents", "a parameter became required", |d| operation(d, "get", EVENTS)["parameters"][0]["required"] = json!(true)),
    ("listEvents", "a parameter's bound is narrower", |d| operation(d, "get", EVENTS)["parameters"][1]["schema"]["maximum"] = json!(50)),
    ("listEvents", "a parameter's default is another", |d| operation(d, "get", EVENTS)["parameters"][1]["schema"]["default"] = json!(10)),
    ("claimSeats", "a request's media type is gone", |d| {
        remove(&mut operation(d, "post", ORDERS)["requestBody"]["content"], "application/json");
    }),
    ("redriveDeadLetter", "a body became required", |d| {
        let path = "/v1/admin/dead-letters/{event_id}/{order_id}/redrive";
        operation(d, "post", path)["requestBody"] = json!({"required": true, "content": {}});
    }),
    ("createEvent", "a field of a request is gone", |d| remove(&mut schema(d, "NewEvent")["properties"], "venue")),
    ("createEvent", "a field of a request became required", |d| {
        schema(d, "NewEvent")["required"].as_array_mut().expect("a list").push(json!("venue"));
    }),
    ("createEvent", "a new field of a request is required", |d| {
        schema(d, "NewEvent")["properties"]["promoter"] = json!({"type": "string"});
        schema(d, "NewEvent")["required"].as_array_mut().expect("a list").push(json!("promoter"));
    }),
    ("createEvent", "a field deep in a request has another type", |d| schema(d, "NewRow")["properties"]["row"]["type"] = json!("integer")),
    ("createEvent", "a minimum rose", |d| schema(d, "NewEvent")["properties"]["window_ms"]["minimum"] = json!(2000)),
    ("createEvent", "a maximum fell", |d| schema(d, "NewEvent")["properties"]["sections"]["maxItems"] = json!(499)),
    ("createEvent", "a length is limited", |d| schema(d, "NewEvent")["properties"]["venue"]["maxLength"] = json!(100)),
    ("createEvent", "a pattern is another", |d| schema(d, "NewEvent")["properties"]["currency"]["pattern"] = json!("^(TWD|EUR)$")),
    ("blockSeats", "items must differ", |d| schema(d, "SeatSelection")["properties"]["seats"]["uniqueItems"] = json!(true)),
    ("changeEvent", "null is not taken any more", |d| schema(d, "EventChange")["properties"]["starts_at"]["nullable"] = json!(false)),
    ("changeEvent", "a value of a request is gone", |d| leave_out(&mut schema(d, "EventStatusChange")["enum"], "paused")),
    ("notifyPayment", "only some values are taken", |d| schema(d, "PaymentNotice")["properties"]["provider"]["enum"] = json!(["acmepay"])),
    ("getOrder", "a field of an answer is gone", |d| remove(&mut schema(d, "Order")["properties"], "expires_at")),
    ("getOrder", "a field of an answer may be missing", |d| leave_out(&mut schema(d, "Order")["required"], "expires_at")),
    ("getOrder", "a field deep in an answer has another type", |d| {
        schema(d, "OrderSeat")["properties"]["price_minor"]["type"] = json!("number");
    }),
    ("getOrder", "a field of an answer may be null", |d| schema(d, "Order")["properties"]["currency"]["nullable"] = json!(true)),
    ("getOrder", "an answer is a choice of forms", |d| schema(d, "Order")["oneOf"] = json!([{"type": "object"}])),
];

/// What breaks nobody.
const HARMLESS: &[Mutation] = &[
    ("", "nothing", |_| {}),
    ("", "a new operation", |d| d["paths"]["/v1/venues"] = json!({"get": {"operationId": "listVenues", "responses": {}}})),
    ("", "a new status", |d| operation(d, "get", EVENTS)["responses"]["410"] = json!({"description": "Slowly."})),
    ("", "a new optional parameter", |d| {
        let parameter = json!({"name": "venue", "in": "query", "required": false, "schema": {"type": "string"}});
        operation(d, "get", EVENTS)["parameters"].as_array_mut().expect("parameters").push(parameter);
    }),
    ("", "a new optional field of a request", |d| schema(d, "NewEvent")["properties"]["promoter"] = json!({"type": "string"})),
    ("", "a new field of an answer", |d| schema(d, "Order")["properties"]["paid_at"] = json!({"type": "string"})),
    ("", "a new value in an answer", |d| schema(d, "OrderStatus")["enum"].as_array_mut().expect("a list").push(json!("on_hold"))),
    ("", "wider bounds of a request", |d| schema(d, "NewEvent")["properties"]["window_ms"]["maximum"] = json!(172_800_000)),
    ("", "a bound of a request is gone", |d| remove(&mut schema(d, "NewEvent")["properties"]["venue"], "maxLength")),
    ("", "a description is another", |d| schema(d, "Order")["description"] = json!("An order.")),
    ("", "a schema is called otherwise", |d| {
        let text = d.to_string().replace("schemas/Order\"", "schemas/SeatOrder\"");
        *d = serde_json::from_str(&text).expect("JSON");
        let order = schema(d, "Order").take();
        d["components"]["schemas"]["SeatOrder"] = order;
        remove(&mut d["components"]["schemas"], "Order");
    }),
];

#[test]
fn every_kind_of_break_is_noticed() {
    for (id, name, mutate) in BREAKING {
        let mut mutated = now();
        mutate(&mut mutated);
        let found = breaks(&now(), &mutated);
        assert!(found.iter().any(|broken| broken.operation == *id), "{name}: not noticed for {id}: {found:?}");
    }
}

#[test]
fn what_breaks_nobody_is_let_pass() {
    for (_, name, mutate) in HARMLESS {
        let mut mutated = now();
        mutate(&mut mutated);
        assert_eq!(breaks(&now(), &mutated), vec![], "{name}");
    }
}

#[test]
fn a_form_that_is_taken_away_breaks_requests_and_one_that_is_added_breaks_answers() {
    let document = |forms: Value, place: &str| {
        let schema = json!({"oneOf": forms});
        let content = json!({"content": {"application/json": {"schema": schema}}});
        let mut operation = json!({"operationId": "choose", "responses": {"200": {}}});
        if place == "request" {
            operation["requestBody"] = content
        } else {
            operation["responses"]["200"] = content
        }
        json!({"paths": {"/": {"post": operation}}})
    };
    let form = |name: &str| json!({"type": "object", "required": [name], "properties": {name: {"type": "string"}}});
    let (one, two) = (json!([form("a")]), json!([form("b"), form("a")]));
    let count = |old: &Value, new: &Value, place| breaks(&document(old.clone(), place), &document(new.clone(), place)).len();
    assert_eq!((count(&two, &one, "request"), count(&one, &two, "request")), (1, 0));
    assert_eq!((count(&two, &one, "answer"), count(&one, &two, "answer")), (0, 1));
}
