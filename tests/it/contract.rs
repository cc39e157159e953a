//! The API as it is published: the committed document is the one this server serves, it keeps what the released one promised, and
//! server and document agree.

mod attempt;
mod breaking;
mod compatibility;
mod conformance;
mod examples;
mod lint;
mod problems;
mod stage;
mod tools;

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::drift::assert_up_to_date;

const REMEDY: &str = "make openapi";

fn with_one_newline(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

#[test]
fn the_committed_document_is_the_one_the_server_serves() {
    assert_up_to_date("openapi/openapi.json", &with_one_newline(&rowlock::api::spec()), REMEDY);
}

#[test]
fn the_committed_list_of_operations_is_complete() {
    assert_up_to_date("openapi/operations.txt", &with_one_newline(&rowlock::api::operations()), REMEDY);
}

#[test]
fn every_operation_has_an_id_of_its_own() {
    let document: Value = serde_json::from_str(&rowlock::api::spec()).expect("JSON");
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no operationId"));
            assert!(ids.insert(id.to_owned()), "{method} {path}: another operation is called {id}, too");
        }
    }
    assert_eq!(ids.len(), rowlock::api::operations().lines().count());
}

#[test]
fn no_key_of_the_document_stands_twice() {
    serde_json::from_str::<DistinctKeys>(&rowlock::api::spec()).expect("a document without repeated keys");
    assert!(serde_json::from_str::<DistinctKeys>(r#"[{"a": {"b": 1, "b": 2}}]"#).is_err());
}

/// Reads any JSON and fails at a key that an object has twice; parsers keep the last one and say nothing.
struct DistinctKeys;

impl<'de> Deserialize<'de> for DistinctKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for DistinctKeys {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value::<Self>()?;
            if let Some(twice) = keys.replace(key) {
                return Err(A::Error::custom(format!("{twice} stands twice")));
            }
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }
}
