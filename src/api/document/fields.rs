//! What each field is: the bounds of what the server answers, and examples where no object shows one.
//!
//! A name means the same wherever it stands, so bounds go by name. What comes in has its bounds from its type, which enforces them.

use std::collections::BTreeSet;

use super::examples::{in_order, resolved};
use super::node::{Node, Object};
use crate::api::schema::PRINTABLE;

/// A bound of a schema.
enum Bound {
    /// A number, a length or a number of items from … to.
    From(i64, i64),
    /// A number without an upper bound but its format's.
    AtLeast(i64),
    /// A text of this form.
    Like(&'static str),
}
use Bound::{AtLeast, From, Like};

/// By `Schema.field`, or by the field's name alone.
const BOUNDS: &[(&str, Bound)] = &[
    ("amount_minor", AtLeast(0)),
    ("attempts", AtLeast(1)),
    ("available", From(0, SEATS_MAX)),
    ("blocked", From(0, SEATS_MAX)),
    ("capacity", From(1, SEATS_MAX)),
    ("changed", From(0, SEATS_MAX)),
    ("currency", Like("^[A-Z]{3}$")),
    ("customer_id", From(1, 200)),
    ("dead_letters", From(0, 1000)),
    ("detail", From(1, 1000)),
    ("event_id", AtLeast(1)),
    ("events", From(0, 100)),
    ("field", From(1, 200)),
    ("held", From(0, SEATS_MAX)),
    ("label", From(1, 20)),
    ("last_error", From(0, 2000)),
    ("name", From(1, 200)),
    ("next", AtLeast(1)),
    ("orders", From(0, 100)),
    ("price_minor", From(0, 1_000_000_000_000)),
    ("provider", From(1, 100)),
    ("provider_reference", From(1, 200)),
    ("refunds", From(0, 1000)),
    ("request_id", From(1, 128)),
    ("revenue_minor", AtLeast(0)),
    ("revision", AtLeast(0)),
    ("row", From(1, 20)),
    ("seat", From(1, SEATS_MAX)),
    ("seats", From(1, SEATS_MAX)),
    ("seats_per_customer", From(1, 1000)),
    ("section", From(1, 20)),
    ("sections", From(1, 500)),
    ("sold", From(0, SEATS_MAX)),
    ("status", From(400, 599)),
    ("taken", From(1, 100)),
    ("title", From(1, 100)),
    ("type", Like("^/errors#[a-z_]+$")),
    ("venue", From(0, 200)),
    ("version", Like("^[0-9]+[.][0-9]+[.][0-9]+")),
    ("window_ms", From(1000, 86_400_000)),
    ("Order.seats", From(1, 100)),
    ("SectionAvailability.seats", From(4, SEATS_MAX)),
    ("webhook-id", From(1, 200)),
    ("webhook-signature", Like("^v1,")),
    ("webhook-timestamp", Like("^[0-9]{1,10}$")),
];
const SEATS_MAX: i64 = 1_000_000;

/// How many properties an object of a request has, where it is not any number of them.
const PROPERTIES: &[(&str, &str, i64)] =
    &[("Claim", "minProperties", 1), ("Claim", "maxProperties", 1), ("SeatSelection", "minProperties", 1)];
/// Lists whose items differ from each other.
const DISTINCT: &[&str] = &["Claim.seats"];

/// Gives each property of each schema its bounds and its example.
pub fn describe(document: &mut Node) {
    let incoming = incoming(document);
    let Some(known) = document.at_mut(&["components", "schemas"]) else { return };
    let schemas = known.clone();
    for (name, schema) in known.entries_mut() {
        if let Some(example) = schema.get("example").cloned() {
            let example = in_order(example, schema, &schemas);
            schema.set("example", example);
        }
        let is_incoming = incoming.contains(name);
        if is_incoming && schema.get("properties").is_some() {
            schema.set("additionalProperties", false);
            PROPERTIES.iter().filter(|(known, ..)| *known == name).for_each(|(_, key, count)| schema.set(key, *count));
        }
        let whole = schema.get("example").cloned();
        for (property, schema) in schema.at_mut(&["properties"]).into_iter().flat_map(Node::entries_mut) {
            let shown = whole.as_ref().and_then(|whole| whole.get(property));
            show(property, schema, shown, &schemas);
            let path = format!("{name}.{property}");
            if DISTINCT.contains(&path.as_str()) {
                schema.set("uniqueItems", true);
            }
            if is_incoming {
                say_printable(schema);
            } else {
                bound(&[&path, property], schema);
            }
        }
    }
}

/// Gives a parameter the bounds that its type has no words for.
pub fn bound_parameter(name: &str, schema: &mut Node) {
    bound(&[name], schema);
}

/// Names of the schemas that requests are made of.
fn incoming(document: &mut Node) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let paths = document.at_mut(&["paths"]).cloned().unwrap_or(Node::Object(Object::new()));
    let operations = paths.entries().flat_map(|(_, methods)| methods.entries());
    let mut to_see: Vec<Node> = operations.filter_map(|(_, operation)| operation.get("requestBody").cloned()).collect();
    while let Some(node) = to_see.pop() {
        if let Some(name) = node.text("$ref").and_then(|path| path.rsplit('/').next())
            && found.insert(name.to_owned())
            && let Some(schema) = document.at_mut(&["components", "schemas", name])
        {
            to_see.push(schema.clone());
        }
        to_see.extend(node.entries().map(|(_, value)| value.clone()));
        to_see.extend(node.items().iter().cloned());
    }
    found
}

/// An example of the property's own, unless it is of objects, which have theirs.
fn show(name: &str, schema: &mut Node, shown: Option<&Node>, schemas: &Node) {
    let is_reference = schema.get("$ref").is_some();
    let of_objects = |schema: &Node| resolved(schema, schemas).get("properties").is_some();
    if is_reference || of_objects(schema) || schema.get("items").is_some_and(of_objects) {
        return;
    }
    if let Some(example) = shown.cloned().or_else(|| left_out(name).filter(|_| schema.get("example").is_none())) {
        schema.set("example", example);
    }
}

/// An example of a field that its object's example leaves out.
fn left_out(name: &str) -> Option<Node> {
    Some(match name {
        "customer_id" => "alice".into(),
        "field" => "seats[1].seat".into(),
        "label" => "12".into(),
        "name" => "Spring Tour, Taipei".into(),
        "recorded_outcome" => "refund_due".into(),
        "seats_per_customer" => 4.into(),
        "venue" => "Taipei Arena".into(),
        _ => return None,
    })
}

/// A free text in a request has no control characters, whatever its field.
fn say_printable(schema: &mut Node) {
    let is_free = ["pattern", "format", "enum"].iter().all(|key| schema.get(key).is_none());
    if schema.text("type") == Some("string") && is_free {
        schema.set("pattern", PRINTABLE);
    }
}

fn bound(names: &[&str], schema: &mut Node) {
    let Some((_, bound)) = names.iter().find_map(|name| BOUNDS.iter().find(|(known, _)| known == name)) else { return };
    let keys = match schema.text("type") {
        Some("integer") => ("minimum", "maximum"),
        Some("string") => ("minLength", "maxLength"),
        Some("array") => ("minItems", "maxItems"),
        _ => return,
    };
    let is_free = schema.get("format").is_none() || schema.text("type") == Some("integer");
    let is_bounded = [keys.0, keys.1, "pattern"].iter().any(|key| schema.get(key).is_some());
    match bound {
        _ if is_bounded || !is_free => {}
        From(least, most) => {
            schema.set(keys.0, *least);
            schema.set(keys.1, *most);
        }
        AtLeast(least) => schema.set(keys.0, *least),
        Like(pattern) => schema.set("pattern", *pattern),
    }
}
