//! The document is complete for every operation and every field.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::api::Tag;
use crate::problem::CONTENT_TYPE;
use crate::problem::code::Code;
use crate::types::{self, text};

mod form;

fn document() -> Value {
    serde_json::from_str(&spec()).unwrap()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Every operation, named by its method and path.
fn each_operation(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    entries(&document["paths"]).flat_map(|(path, methods)| {
        entries(methods).map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    })
}

fn has_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

/// The schema itself, or the one it refers to.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    reference.map_or(schema, |path| document.pointer(path.trim_start_matches('#')).unwrap_or(&Value::Null))
}

/// Whether the schema limits its values beyond their type.
fn is_bounded(document: &Value, schema: &Value) -> bool {
    let schema = resolved(document, schema);
    let has = |key: &str| !schema[key].is_null();
    match schema["type"].as_str() {
        Some("integer") => has("minimum") && (has("maximum") || schema["format"] == "int64" || schema["format"] == "int32"),
        Some("string") => has("maxLength") || has("pattern") || has("format") || has("enum"),
        Some("array") => has("maxItems") && is_bounded(document, &schema["items"]),
        Some("object") => has("properties"),
        _ => schema["type"] == "boolean",
    }
}

#[test]
fn the_document_is_stable_and_its_tags_follow_the_sale() {
    assert_eq!(spec(), enrich::enriched(&described().spec()));
    let names: Vec<_> = document()["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, Tag::ORDER);
    assert!(document()["tags"].as_array().unwrap().iter().all(|tag| has_text(&tag["description"])));
    assert!(!spec().contains("127.0.0.1") && !spec().contains("localhost"));
}

#[test]
fn it_says_whose_it_is_and_where_it_is_served() {
    let info = &document()["info"];
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(info["license"]["name"], env!("CARGO_PKG_LICENSE"));
    assert!(has_text(&info["title"]) && has_text(&info["description"]) && has_text(&info["contact"]["name"]), "{info}");
    assert_eq!(document()["servers"][0]["url"], "/");
}

#[test]
fn every_operation_has_an_id_a_summary_a_description_one_known_tag_and_says_who_may_call() {
    let document = document();
    let schemes: BTreeSet<_> = entries(&document["components"]["securitySchemes"]).map(|(name, _)| name.as_str()).collect();
    for (name, operation) in each_operation(&document) {
        for key in ["operationId", "summary", "description"] {
            assert!(has_text(&operation[key]), "{name}: no {key}");
        }
        assert!(operation["description"].as_str().unwrap().contains("**Who may call**: "), "{name}");
        let tags = operation["tags"].as_array().unwrap();
        assert!(tags.len() == 1 && Tag::ORDER.contains(&tags[0].as_str().unwrap()), "{name}: {tags:?}");
        let security = operation["security"].as_array().unwrap_or_else(|| panic!("{name} does not say whether it needs credentials"));
        for scheme in security.iter().flat_map(entries).map(|(scheme, _)| scheme.as_str()) {
            assert!(schemes.contains(scheme), "{name}: {scheme}");
        }
        assert_eq!(security.is_empty(), operation["responses"]["401"].is_null(), "{name}: credentials and 401 go together");
    }
}

#[test]
fn every_security_scheme_is_described_with_all_its_headers() {
    let document = document();
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(entries(schemes).count(), 3);
    assert!(entries(schemes).all(|(_, scheme)| has_text(&scheme["description"])));
    assert_eq!((&schemes["CustomerToken"]["type"], &schemes["CustomerToken"]["scheme"]), (&"http".into(), &"bearer".into()));
    assert_eq!(schemes["AdminKey"]["name"], "X-Api-Key");
    for header in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        assert!(schemes["GatewaySignature"]["description"].as_str().unwrap().contains(header), "{header}");
    }
}

#[test]
fn every_parameter_and_header_is_described_and_has_an_example_and_what_comes_in_is_bounded() {
    let document = document();
    for (name, operation) in each_operation(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = format!("{name}: {}", parameter["name"]);
            assert!(has_text(&parameter["description"]), "{name} is not described");
            assert!(!parameter["example"].is_null(), "{name} has no example");
            // Tags and signatures are free; the size of a request's head bounds them.
            let is_free =
                ["If-None-Match", "webhook-id", "webhook-timestamp", "webhook-signature"].iter().any(|free| parameter["name"] == *free);
            assert!(is_free || is_bounded(&document, &parameter["schema"]), "{name} is not bounded");
        }
        for (status, response) in entries(&operation["responses"]) {
            assert!(response["headers"]["X-Request-Id"]["required"] == true, "{name} {status}: no X-Request-Id");
            for (header, described) in entries(&response["headers"]) {
                let schema = &described["schema"];
                assert!(has_text(&described["description"]) && !schema["example"].is_null(), "{name} {status}: {header}");
                assert!(is_bounded(&document, schema) && schema["example"] != "", "{name} {status}: {header}");
            }
        }
    }
}

#[test]
fn every_request_and_every_answer_has_examples_and_every_problem_one_of_each_code() {
    let document = document();
    for (name, operation) in each_operation(&document) {
        for (_, content) in entries(&operation["requestBody"]["content"]) {
            assert!(entries(&content["examples"]).count() > 0, "{name}: no example of a request");
            for (example, described) in entries(&content["examples"]) {
                assert!(has_text(&described["summary"]) && described["value"].is_object(), "{name}: {example}");
            }
        }
        for (status, response) in entries(&operation["responses"]) {
            assert!(has_text(&response["description"]), "{name} {status}");
            assert_eq!(response["content"].is_null(), ["204", "304"].contains(&status.as_str()), "{name} {status}: a body");
            for (media_type, content) in entries(&response["content"]) {
                if media_type != CONTENT_TYPE {
                    assert!(!content["example"].is_null(), "{name} {status}: no example");
                    continue;
                }
                let text = response["description"].as_str().unwrap();
                let described: Vec<_> = text.lines().map(|line| line.split('`').nth(1).unwrap()).collect();
                let shown: Vec<_> = entries(&content["examples"]).map(|(code, _)| code.as_str()).collect();
                assert_eq!(BTreeSet::from_iter(described), BTreeSet::from_iter(shown), "{name} {status}");
                for (code, example) in entries(&content["examples"]) {
                    let known = Code::from_name(code).unwrap_or_else(|| panic!("{name} {status}: {code}"));
                    assert_eq!(known.status().as_str(), status, "{name}: {code}");
                    assert_eq!((&example["value"]["code"], &example["value"]["status"].to_string()), (&code.as_str().into(), status));
                }
            }
        }
    }
}

#[test]
fn every_schema_is_described_and_every_field_is_described_and_bounded_and_has_an_example() {
    let document = document();
    for (name, schema) in entries(&document["components"]["schemas"]) {
        assert!(has_text(&schema["description"]), "{name} is not described");
        if !schema["properties"].is_null() {
            assert!(schema["example"].is_object(), "{name} has no example");
        }
        for (property, schema) in entries(&schema["properties"]) {
            assert!(has_text(&schema["description"]) || !schema["$ref"].is_null(), "{name}.{property} is not described");
            assert!(is_bounded(&document, schema), "{name}.{property} is not bounded: {schema}");
            let target = resolved(&document, schema);
            let item = resolved(&document, &target["items"]);
            let shown = [schema, target, item].iter().any(|schema| !schema["example"].is_null());
            assert!(shown, "{name}.{property} has no example");
        }
    }
}

#[test]
fn every_amount_and_every_duration_names_its_unit() {
    let document = document();
    for (name, schema) in entries(&document["components"]["schemas"]) {
        for (property, schema) in entries(&schema["properties"]) {
            let text = schema["description"].as_str().unwrap_or_default();
            assert!(!property.ends_with("_minor") || text.contains("minor units"), "{name}.{property}: {text}");
            assert!(!property.ends_with("_ms") || text.contains("milliseconds"), "{name}.{property}: {text}");
            assert!(!property.ends_with("_at") || schema["format"] == "date-time", "{name}.{property}: {schema}");
        }
    }
}

#[test]
fn what_comes_in_is_bounded_by_its_type_alone_and_takes_no_other_field() {
    let (document, bare): (Value, Value) = (document(), serde_json::from_str(&described().spec()).unwrap());
    let mut seen = 0;
    for (name, schema) in entries(&document["components"]["schemas"]).filter(|(_, schema)| schema["additionalProperties"] == false) {
        seen += 1;
        for (property, schema) in entries(&schema["properties"]) {
            let enforced = &bare["components"]["schemas"][name]["properties"][property];
            for key in ["minimum", "maximum", "minLength", "maxLength", "pattern", "minItems", "maxItems"] {
                // `schema` enforces it for every free text.
                let readable = text::pattern(schema["minLength"].is_null());
                let is_readable = key == "pattern" && schema[key] == readable && enforced[key].is_null();
                let same = schema[key] == enforced[key] || schema[key].as_f64().is_some_and(|bound| enforced[key] == bound) || is_readable;
                assert!(same, "{name}.{property}: {key} is documented as {}, enforced as {}", schema[key], enforced[key]);
            }
            assert!(enforced["pattern"].as_str().is_none_or(|pattern| types::rule_of(pattern).is_some()), "{name}.{property}: {enforced}");
        }
    }
    assert!(seen >= 9, "only {seen} schemas of requests");
}

#[test]
fn every_code_is_documented_somewhere_but_those_that_any_path_may_answer() {
    let everywhere =
        BTreeSet::from([Code::NotFound, Code::MethodNotAllowed, Code::UriTooLong, Code::HeadTooLarge, Code::UnsupportedTransferCoding]);
    let spec = spec();
    let missing: Vec<_> = Code::ALL.iter().filter(|code| !spec.contains(&format!("`{}`: ", code.as_str()))).copied().collect();
    assert_eq!(missing.into_iter().collect::<BTreeSet<_>>(), everywhere);
    assert!(everywhere.iter().all(|code| DESCRIPTION.contains(code.as_str())));
}
