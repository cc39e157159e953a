//! Every request that the document shows is sent, and answered as the document shows.

use std::collections::BTreeSet;

use serde_json::Value;

use super::attempt::Attempt;
use super::stage;
use crate::harness::{Document, Operation, TestServer, entries};

/// The operations that change nothing; they share a server.
fn only_reads(operation: &Operation<'_>) -> bool {
    operation.method == "get"
}

#[tokio::test]
async fn every_example_of_a_read_succeeds_as_written() {
    let server = stage::server().await;
    for operation in Document::published().operations().into_iter().filter(only_reads) {
        for (name, attempt) in Attempt::shown_by(&operation) {
            succeeds(&server, &operation, &name, &attempt).await;
        }
    }
}

#[tokio::test]
async fn every_example_of_a_change_succeeds_as_written() {
    let mut names = vec![];
    for operation in Document::published().operations().into_iter().filter(|operation| !only_reads(operation)) {
        for (name, attempt) in Attempt::shown_by(&operation) {
            let server = stage::server().await;
            succeeds(&server, &operation, &name, &attempt).await;
            server.assert_invariants().await;
            names.push(name);
        }
    }
    assert!(names.len() >= 10, "{names:?}");
}

/// The harness has compared the answer with status, headers, content type and schema; here it is compared with the example.
async fn succeeds(server: &TestServer, operation: &Operation<'_>, name: &str, attempt: &Attempt) {
    let (status, response) = entries(&operation.json["responses"]).next().expect("a response");
    assert!(status.starts_with('2'), "{name}: the first response is a success");
    let answer = attempt.send(server).await;
    let body = answer.expect(status.parse().expect("a status"));
    for (_, content) in entries(&response["content"]).filter(|(media_type, _)| media_type.ends_with("json")) {
        let (shown, found) = (keys(&content["example"]), keys(&body));
        let surplus: Vec<_> = found.difference(&shown).collect();
        assert!(surplus.is_empty(), "{name}: the example does not show {surplus:?}");
        assert!(found.len() > 1 || shown.len() == 1, "{name}: the answer is as good as empty: {body}");
    }
}

/// Every field of some JSON by its path; all items of a list count as one.
fn keys(json: &Value) -> BTreeSet<String> {
    match json {
        Value::Object(object) => {
            let below = |(key, value): (&String, &Value)| -> Vec<String> {
                let deeper = keys(value).into_iter().map(|path| format!("{key}.{path}"));
                std::iter::once(key.clone()).chain(deeper).collect()
            };
            object.iter().flat_map(below).collect()
        }
        Value::Array(items) => items.iter().flat_map(keys).collect(),
        _ => BTreeSet::new(),
    }
}

#[tokio::test]
async fn the_examples_of_every_schema_and_parameter_are_valid() {
    let document = Document::published();
    for (name, schema) in entries(&document.json["components"]["schemas"]) {
        for example in [schema, &schema["properties"]].into_iter().filter_map(|schema| schema.get("example")) {
            document.matches(schema, example).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    for operation in document.operations() {
        for parameter in operation.json["parameters"].as_array().into_iter().flatten() {
            let matches = document.matches(&parameter["schema"], &parameter["example"]);
            matches.unwrap_or_else(|error| panic!("{}: {}: {error}", operation.id(), parameter["name"]));
        }
        let contents = entries(&operation.json["responses"]).flat_map(|(_, response)| entries(&response["content"]));
        let requests = entries(&operation.json["requestBody"]["content"]);
        for (media_type, content) in contents.chain(requests).filter(|(media_type, _)| media_type.ends_with("json")) {
            let several = entries(&content["examples"]).map(|(_, example)| &example["value"]);
            for example in several.chain(content.get("example")) {
                let matches = document.matches(&content["schema"], example);
                matches.unwrap_or_else(|error| panic!("{} {media_type}: {error}: {example}", operation.id()));
            }
        }
    }
}
