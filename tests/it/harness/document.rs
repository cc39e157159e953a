//! The published document, against which every answer in every test is checked.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use jsonschema::{Draft, Validator};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// The document that the server publishes.
pub struct Document {
    /// It, as JSON.
    pub json: Value,
    /// By the schema's own text.
    validators: Mutex<HashMap<String, &'static Validator>>,
}

/// An operation of the document.
#[derive(Clone, Copy)]
pub struct Operation<'a> {
    pub method: &'a str,
    /// With its variables in braces.
    pub path: &'a str,
    /// Its description in the document.
    pub json: &'a Value,
}

impl<'a> Operation<'a> {
    pub fn id(&self) -> &'a str {
        self.json["operationId"].as_str().unwrap_or_default()
    }

    /// The security scheme that it needs, if any.
    pub fn scheme(&self) -> Option<&'a str> {
        self.json["security"][0].as_object()?.keys().next().map(String::as_str)
    }
}

impl Operation<'_> {
    /// Whether its security scheme is optional.
    pub fn needs_no_credentials(&self) -> bool {
        self.json["security"].as_array().is_some_and(|schemes| schemes.iter().any(|scheme| entries(scheme).next().is_none()))
    }
}

/// The keys and values of a JSON object.
pub fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

impl Document {
    /// The one that this code publishes.
    pub fn published() -> &'static Self {
        static PUBLISHED: LazyLock<Document> =
            LazyLock::new(|| Document { json: serde_json::from_str(&rowlock::spec()).expect("a document"), validators: Mutex::default() });
        &PUBLISHED
    }

    pub fn operations(&self) -> Vec<Operation<'_>> {
        let operations = entries(&self.json["paths"])
            .flat_map(|(path, methods)| entries(methods).map(move |(method, json)| Operation { method, path, json }));
        operations.collect()
    }

    /// The operation of that id.
    pub fn operation(&self, id: &str) -> Operation<'_> {
        self.operations().into_iter().find(|operation| operation.id() == id).unwrap_or_else(|| panic!("no operation {id}"))
    }

    /// The operation that a request calls, if it is one of the document's.
    pub(super) fn called(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let asked: Vec<_> = path.split('/').collect();
        let fits = |template: &str| {
            let parts: Vec<_> = template.split('/').collect();
            let same = |(part, asked): (&&str, &&str)| if part.starts_with('{') { !asked.is_empty() } else { part == asked };
            parts.len() == asked.len() && parts.iter().zip(&asked).all(same)
        };
        self.operations().into_iter().find(|operation| operation.method.eq_ignore_ascii_case(method) && fits(operation.path))
    }

    /// Checks that an answer is one that the document promises.
    ///
    /// # Errors
    /// The first difference from the document.
    pub fn check(&self, method: &str, path: &str, status: u16, headers: &HeaderMap, body: &[u8]) -> Result<(), String> {
        let Some(operation) = self.called(method, path) else { return Ok(()) };
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let response = &operation.json["responses"][status.to_string()];
        if response.is_null() {
            return Err(format!("{} does not document {status}", operation.id()));
        }
        if let Some((name, _)) = entries(&response["headers"]).find(|(name, header)| header["required"] == true && text(name).is_none()) {
            return Err(format!("{} {status}: the header {name} is missing", operation.id()));
        }
        let Some(content) = response.get("content") else {
            return if body.is_empty() { Ok(()) } else { Err(format!("{} {status}: a body", operation.id())) };
        };
        let media_type = text("content-type").unwrap_or_default();
        let Some(content) = content.get(media_type) else {
            return Err(format!("{} {status}: the content type {media_type:?} is not documented", operation.id()));
        };
        if !media_type.ends_with("json") || text("content-encoding").is_some() {
            return Ok(());
        }
        let body: Value = serde_json::from_slice(body).map_err(|error| format!("{} {status}: {error}", operation.id()))?;
        if let Some(code) = body["code"].as_str().filter(|code| content["examples"].get(code).is_none()) {
            return Err(format!("{} {status}: the code {code} is not documented", operation.id()));
        }
        self.matches(&content["schema"], &body).map_err(|error| format!("{} {status}: {error}", operation.id()))
    }

    /// Checks a value against a schema of the document.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn matches(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let key = schema.to_string();
        let known = self.validators.lock().expect("validators").get(&key).copied();
        let validator = known.unwrap_or_else(|| {
            let made: &'static Validator = Box::leak(Box::new(self.validator(schema)));
            self.validators.lock().expect("validators").insert(key, made);
            made
        });
        validator.validate(value).map_err(|error| format!("{}: {error}", error.instance_path()))
    }

    fn validator(&self, schema: &Value) -> Validator {
        let mut whole = json!({"allOf": [schema], "components": {"schemas": self.json["components"]["schemas"]}});
        to_json_schema(&mut whole);
        jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true).build(&whole).expect("a schema")
    }
}

/// OpenAPI 3.0 writes "or null" as `nullable`, JSON Schema as one more type.
fn to_json_schema(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.remove("nullable") == Some(Value::Bool(true))
                && let Some(ty) = object.get("type").cloned()
            {
                object.insert("type".to_owned(), json!([ty, "null"]));
            }
            // Data, not a schema.
            object.remove("example");
            object.values_mut().for_each(to_json_schema);
        }
        Value::Array(items) => items.iter_mut().for_each(to_json_schema),
        _ => {}
    }
}

#[test]
fn an_answer_that_the_document_does_not_promise_is_noticed() {
    let document = Document::published();
    let headers = |media_type: &str| {
        let pairs = [("content-type", media_type), ("x-request-id", "r"), ("retry-after", "1"), ("www-authenticate", "Bearer")];
        HeaderMap::from_iter(pairs.map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))))
    };
    let check =
        |status, media_type, body: Value| document.check("GET", "/v1/events/7", status, &headers(media_type), body.to_string().as_bytes());
    let event = &document.operation("getEvent").json["responses"]["200"]["content"]["application/json"]["example"];
    let with = |key: &str, value: Value| {
        let mut event = event.clone();
        event[key] = value;
        event
    };
    assert_eq!(check(200, "application/json", event.clone()), Ok(()));
    assert!(check(409, "application/json", event.clone()).unwrap_err().contains("does not document 409"));
    assert!(check(200, "text/html", event.clone()).unwrap_err().contains("content type"));
    assert!(check(200, "application/json", with("window_ms", json!("10 s"))).unwrap_err().contains("/window_ms"));
    assert!(check(200, "application/json", with("window_ms", json!(5))).unwrap_err().contains("/window_ms"));
    assert!(check(200, "application/json", with("status", json!("opened"))).unwrap_err().contains("/status"));
    assert!(check(200, "application/json", with("starts_at", json!("tomorrow"))).unwrap_err().contains("/starts_at"));
    let problem = |code: &str| json!({"type": "/errors#x", "title": "t", "status": 404, "code": code, "detail": "d", "request_id": "r"});
    assert_eq!(check(404, "application/problem+json", problem("event_not_found")), Ok(()));
    assert!(check(404, "application/problem+json", problem("order_not_found")).unwrap_err().contains("order_not_found"));
    let bare = HeaderMap::from_iter([("content-type".parse().expect("a name"), "application/json".parse().expect("a value"))]);
    assert!(document.check("GET", "/v1/events/7", 200, &bare, event.to_string().as_bytes()).unwrap_err().contains("X-Request-Id"));
}
