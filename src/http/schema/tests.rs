//! Bodies that a schema takes, and the path of what it refuses.

use poem_openapi::Object;
use poem_openapi::types::MaybeUndefined;
use serde_json::json;

use super::*;
use crate::domain::EventStatus;
use crate::types::{Currency, OrderId, SectionCode};

#[derive(Object)]
struct Sample {
    #[oai(validator(min_length = 1, max_length = 3))]
    name: String,
    /// A described reference becomes an `allOf`.
    status: Option<EventStatus>,
    currency: Option<Currency>,
    order_id: Option<OrderId>,
    at: Option<Time>,
    #[oai(nullable)]
    until: MaybeUndefined<Time>,
    #[oai(validator(min_items = 1, max_items = 2))]
    parts: Option<Vec<Part>>,
}

#[derive(Object)]
struct Part {
    section: SectionCode,
    #[oai(validator(minimum(value = "1"), maximum(value = "10")))]
    seat: i32,
}

#[derive(Object)]
struct Unknown {
    share: Option<f64>,
    #[oai(validator(pattern = "^x$"))]
    text: Option<String>,
    address: Option<std::net::Ipv4Addr>,
}

#[test]
fn what_no_rule_checks_is_a_fault_and_not_taken() {
    for (body, expected) in [
        (json!({"share": 0.5}), "nothing checks the type number of share"),
        (json!({"text": "x"}), "nothing checks the pattern ^x$ of text"),
        (json!({"address": "::1"}), "nothing checks the format ipv4 of address"),
    ] {
        let problem = format!("{:?}", Schema::of::<Unknown>().check(&body).unwrap_err());
        assert!(problem.contains("InternalError") && problem.contains(expected), "{problem}");
    }
}

fn field_of(body: Value) -> Option<String> {
    Schema::of::<Sample>().check(&body).err().and_then(|problem| problem.field().map(str::to_owned))
}

#[test]
fn a_field_without_a_name_is_told_by_what_it_is_in() {
    for (body, field) in [
        (json!({"": 1}), "body"),
        (json!({"name": "a", " ": 1}), "body"),
        (json!({"name": "a", "parts": [{"": 1}]}), "parts[0]"),
        (json!({"name": "a", "other": 1}), "other"),
    ] {
        assert_eq!(field_of(body), Some(field.to_owned()));
    }
}

#[test]
fn a_good_body_passes_and_null_only_where_it_means_something() {
    assert_eq!(field_of(json!({"name": "日本語", "status": "open", "at": "2026-11-22T10:00:00Z"})), None);
    assert_eq!(field_of(json!({"name": "a", "until": null})), None);
    assert_eq!(field_of(json!({"name": "a", "currency": null})).as_deref(), Some("currency"));
    assert_eq!(field_of(json!({"name": "a", "status": null})).as_deref(), Some("status"));
    assert_eq!(field_of(json!({"name": "a", "parts": [{"section": "A", "seat": 10}]})), None);
}

#[test]
fn each_fault_is_named_by_its_path() {
    let faults = [
        (json!([]), "body"),
        (json!({}), "name"),
        (json!({"name": null}), "name"),
        (json!({"name": 5}), "name"),
        (json!({"name": ""}), "name"),
        (json!({"name": "abcd"}), "name"),
        (json!({"name": "a\u{0}"}), "name"),
        (json!({"name": "\u{200b} "}), "name"),
        (json!({"name": "a\u{202e}"}), "name"),
        (json!({"name": "a", "nmae": 1}), "nmae"),
        (json!({"name": "a", "status": "opened"}), "status"),
        (json!({"name": "a", "currency": "twd"}), "currency"),
        (json!({"name": "a", "currency": "XXX"}), "currency"),
        (json!({"name": "a", "order_id": "123"}), "order_id"),
        (json!({"name": "a", "at": "tomorrow"}), "at"),
        (json!({"name": "a", "parts": []}), "parts"),
        (json!({"name": "a", "parts": {}}), "parts"),
        (json!({"name": "a", "parts": [{"section": "A"}]}), "parts[0].seat"),
        (json!({"name": "a", "parts": [{"section": "A", "seat": 1}, {"section": "A", "seat": 11}]}), "parts[1].seat"),
        (json!({"name": "a", "parts": [{"section": "A", "seat": 1.5}]}), "parts[0].seat"),
        (json!({"name": "a", "parts": [{"section": "A", "seat": 1e300}]}), "parts[0].seat"),
        (json!({"name": "a", "parts": [{"section": "A", "seat": 1, "row": "1"}]}), "parts[0].row"),
        (json!({"name": "a", "parts": [{"section": "A B", "seat": 1}]}), "parts[0].section"),
    ];
    for (body, field) in faults {
        assert_eq!(field_of(body.clone()).as_deref(), Some(field), "{body}");
    }
}
