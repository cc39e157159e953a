//! The published API: the committed document is the one that this server serves, it keeps the promises of the last release, and server
//! and document agree.

mod attempt;
mod breaking;
mod compatibility;
mod conformance;
mod examples;
mod fuzz;
mod lint;
mod problems;
mod stage;
mod tools;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::drift::assert_up_to_date;

const REMEDY: &str = "make openapi";

fn with_one_newline(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

#[test]
fn the_committed_document_is_the_one_the_server_serves() {
    assert_up_to_date("openapi/openapi.json", &with_one_newline(&rowlock::spec()), REMEDY);
}

#[test]
fn the_committed_list_of_operations_is_complete() {
    assert_up_to_date("openapi/operations.txt", &with_one_newline(&rowlock::operations()), REMEDY);
}

#[test]
fn every_operation_has_an_id_of_its_own() {
    let document: Value = serde_json::from_str(&rowlock::spec()).expect("JSON");
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no operationId"));
            assert!(ids.insert(id.to_owned()), "{method} {path}: another operation is called {id}, too");
        }
    }
    assert_eq!(ids.len(), rowlock::operations().lines().count());
}
