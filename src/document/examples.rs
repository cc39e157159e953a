//! Examples of requests, parameters and answers. A test sends them to a server exactly as they are here.

use poem_openapi::types::{Example, ToJSON};
use serde_json::{Value, json};

use super::node::{Node, Object};
use crate::api::admin::seat_selection::SeatSelection;
use crate::api::events::new_sections::{RowIn, SectionIn};
use crate::api::events::requests::{EventIn, EventPatch};
use crate::api::orders::claim::{BestAvailable, ClaimIn};
use crate::api::orders::types::{OrderPatch, OrderSeat};
use crate::api::payments::PaymentIn;
use crate::types::{OrderId, SectionCode, Whole};

/// The example of a parameter, where the type has none or a different one is needed.
pub(crate) fn of_parameter(operation_id: &str, name: &str) -> Option<Value> {
    Some(match (operation_id, name) {
        ("listEvents", "after") => 6.into(),
        ("listEvents", "status") => "open".into(),
        ("listEvents", "name") => "tour".into(),
        // A draft: the event of the other examples is on sale.
        ("deleteEvent", "event_id") => 8.into(),
        (_, "after") => OrderId::example().to_json()?,
        (_, "limit") => 20.into(),
        (_, "status") => "pending_payment".into(),
        ("listDeadLetters", "event_id") => 7.into(),
        ("createEvent", "Idempotency-Key") => "spring-tour-2026-11-22".into(),
        (_, "If-None-Match") => "W/\"4710\"".into(),
        (_, "webhook-id") => "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W".into(),
        (_, "webhook-signature") => "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=".into(),
        (_, "webhook-timestamp") => "1788235205".into(),
        _ => return None,
    })
}

/// Examples of the operation's request: a name, what it shows, the body.
pub(crate) fn of_request(operation_id: &str) -> Vec<(&'static str, &'static str, Option<Value>)> {
    match operation_id {
        "createEvent" => vec![
            ("row_length", "A thousand seats in rows of 50", EventIn::example().to_json()),
            ("rows", "Rows of different lengths", by_rows().to_json()),
        ],
        "changeEvent" => vec![("open", "Open the sale, with 15 s to pay", EventPatch::example().to_json())],
        "claimSeats" => {
            let best = ClaimIn { seats: None, best_available: Some(BestAvailable::example()) };
            vec![
                ("seats", "Exactly these seats", ClaimIn::example().to_json()),
                ("best_available", "Any two seats of a section, together if possible", best.to_json()),
            ]
        }
        "changeOrder" => vec![("keep", "Keep one of two seats", OrderPatch::example().to_json())],
        "notifyPayment" => vec![("succeeded", "The payment succeeded", PaymentIn::example().to_json())],
        "blockSeats" | "unblockSeats" => vec![("seats", "Two seats and a range", SeatSelection::example().to_json())],
        _ => vec![],
    }
}

fn by_rows() -> EventIn {
    let row = |row: &str, seats| RowIn { row: row.into(), seats: Whole(seats) };
    let balcony = SectionIn {
        section: SectionCode("B".into()),
        name: "Balcony".into(),
        price_minor: Whole(180_000),
        seats: None,
        row_length: None,
        rows: Some(vec![row("1", 42), row("2", 44)]),
        ..SectionIn::example()
    };
    EventIn { sections: vec![balcony], ..EventIn::example() }
}

/// The example of an answer: that of its schema, changed where this operation answers differently.
pub(crate) fn of_answer(operation_id: &str, content: &Node, schemas: &Node) -> Option<Node> {
    const METRICS: &str = "# HELP rowlock_claims Claims answered, by outcome.\n# TYPE rowlock_claims counter\n\
                           rowlock_claims_total{outcome=\"claimed\"} 4711\n# EOF\n";
    if operation_id == "getMetrics" {
        return Some(Node::of(&METRICS));
    }
    let schema = content.get("schema")?;
    let mut example = resolved(schema, schemas).get("example")?.clone();
    let (place, key, value): (&[&str], &str, Value) = match operation_id {
        "createEvent" => (&[], "status", json!("draft")),
        "changeEvent" => (&[], "window_ms", json!(15_000)),
        "cancelOrder" => (&[], "status", json!("cancelled")),
        "changeOrder" => {
            example.set("amount_minor", OrderSeat::example().price_minor.0);
            (&[], "seats", json!([OrderSeat { seat: Whole(14), label: "14".into(), ..OrderSeat::example() }]))
        }
        "listAllOrders" => (&["orders", "0"], "customer_id", json!("alice")),
        _ => return Some(example),
    };
    example.at_mut(place)?.set(key, value);
    Some(in_order(example, schema, schemas))
}

/// The example with its keys in the order in which the schema lists them.
pub(crate) fn in_order(example: Node, schema: &Node, schemas: &Node) -> Node {
    let schema = resolved(schema, schemas);
    match example {
        Node::Object(mut object) => {
            let mut ordered = Object::new();
            for (name, property) in schema.get("properties").into_iter().flat_map(Node::entries) {
                if let Some(value) = object.shift_remove(name) {
                    ordered.insert(name.to_owned(), in_order(value, property, schemas));
                }
            }
            ordered.extend(object);
            Node::Object(ordered)
        }
        Node::List(items) => match schema.get("items") {
            Some(schema) => Node::List(items.into_iter().map(|item| in_order(item, schema, schemas)).collect()),
            None => Node::List(items),
        },
        leaf @ Node::Leaf(_) => leaf,
    }
}

/// The schema that a reference names, directly or next to a description of its own.
pub(crate) fn resolved<'a>(schema: &'a Node, schemas: &'a Node) -> &'a Node {
    let reference = schema.text("$ref").or_else(|| schema.get("allOf")?.items().first()?.text("$ref"));
    reference.and_then(|path| schemas.get(path.rsplit('/').next()?)).unwrap_or(schema)
}
