//! Details of each field: an example, and what holds for all requests. Bounds are stated at the types alone. An example is that of the
//! object; of what it leaves out there is one for each name, which is shorter than another type for each field.

use std::collections::BTreeSet;

use serde_json::Value;

use super::examples::{in_order, resolved};
use super::node::Node;
use crate::types::text;

/// Gives each property of each schema its example, and says what requests may contain.
pub(crate) fn describe(document: &mut Node) {
    let incoming = incoming(document);
    let known = document.part_mut(&["components", "schemas"]);
    let schemas = known.clone();
    for (name, schema) in known.entries_mut() {
        if let Some(example) = schema.get("example").cloned() {
            let example = in_order(example, schema, &schemas);
            schema.set("example", example);
        }
        let is_incoming = incoming.contains(name);
        if is_incoming && schema.get("properties").is_some() {
            schema.set("additionalProperties", false);
        }
        let whole = schema.get("example").cloned();
        for (property, schema) in schema.at_mut(&["properties"]).into_iter().flat_map(Node::entries_mut) {
            let shown = whole.as_ref().and_then(|whole| whole.get(property));
            show(property, schema, shown, &schemas);
            if is_incoming {
                say_readable(schema);
            }
        }
    }
}

/// Names of the schemas that are part of requests.
fn incoming(document: &mut Node) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let paths = document.part_mut(&["paths"]).clone();
    let operations = paths.entries().flat_map(|(_, methods)| methods.entries());
    let mut to_see: Vec<Node> = operations.filter_map(|(_, operation)| operation.get("requestBody").cloned()).collect();
    while let Some(node) = to_see.pop() {
        if let Some(name) = node.text("$ref").and_then(|path| path.rsplit('/').next())
            && found.insert(name.to_owned())
        {
            to_see.push(document.part_mut(&["components", "schemas", name]).clone());
        }
        to_see.extend(node.entries().map(|(_, value)| value.clone()));
        to_see.extend(node.items().iter().cloned());
    }
    found
}

/// Gives the property an example, unless it consists of objects, which have their own.
fn show(name: &str, schema: &mut Node, shown: Option<&Node>, schemas: &Node) {
    let is_reference = schema.get("$ref").is_some();
    let of_objects = |schema: &Node| resolved(schema, schemas).get("properties").is_some();
    if is_reference || of_objects(schema) || schema.get("items").is_some_and(of_objects) {
        return;
    }
    let fallback = || left_out(name).filter(|_| schema.get("example").is_none()).map(|value| Node::of(&value));
    if let Some(example) = shown.cloned().or_else(fallback) {
        schema.set("example", example);
    }
}

/// An example of a field that its object's example leaves out.
fn left_out(name: &str) -> Option<Value> {
    Some(match name {
        "cooldown_ms" => 120_000.into(),
        "customer_id" => "alice".into(),
        "detail" => "somebody's transaction keeps sections locked, and claims for them fail: A of event 7".into(),
        "field" => "seats[1].seat".into(),
        "label" => "12".into(),
        "name" => "Spring Tour, Taipei".into(),
        "recorded_outcome" => "refund_due".into(),
        "seats_per_customer" => 4.into(),
        "unpaid_orders_max" => 5.into(),
        "unpaid_window_ms" => 600_000.into(),
        "venue" => "Taipei Arena".into(),
        _ => return None,
    })
}

/// A free text in a request must be readable, whatever its field; the check of requests has the same rule.
fn say_readable(schema: &mut Node) {
    if is_free(schema) {
        schema.set("pattern", text::pattern(schema.get("minLength").is_none()));
    }
}

/// Whether a schema describes a text that may be anything.
pub(crate) fn is_free(schema: &Node) -> bool {
    schema.text("type") == Some("string") && ["pattern", "format", "enum"].iter().all(|key| schema.get(key).is_none())
}
