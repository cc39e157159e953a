//! Adds to the framework's document what it cannot express: who may call, examples, and details of each field.

use super::examples::{self, in_order};
use super::fields;
use super::node::Node;
use super::problems;
use crate::api::Tag;
use crate::http::challenges::Credential;
use crate::problem::code::Code;
use crate::types::text;

/// The finished document.
///
/// # Panics
/// When the framework's document lacks a part that it always has; the message names it.
pub(crate) fn enriched(spec: &str) -> String {
    let mut document = serde_json::from_str::<Node>(spec).expect("the framework writes JSON").with_whole_numbers();
    order_tags(&mut document);
    plain_references(&mut document);
    fields::describe(&mut document);
    let schemas = document.part_mut(&["components", "schemas"]).clone();
    let paths = document.part_mut(&["paths"]).entries_mut();
    for operation in paths.flat_map(|(_, methods)| methods.entries_mut()).map(|(_, operation)| operation) {
        let id = operation.text("operationId").expect("an operation has an id").to_owned();
        say_who_may_call(operation);
        show_parameters(operation, &id);
        show_requests(operation, &id, &schemas);
        show_answers(operation, &id, &schemas);
    }
    serde_json::to_string_pretty(&document).expect("a document can be written")
}

/// The framework sorts tags by name; readers need them in the order of a sale.
fn order_tags(document: &mut Node) {
    if let Node::List(tags) = document.part_mut(&["tags"]) {
        tags.sort_by_key(|tag| Tag::ORDER.iter().position(|name| tag.text("name") == Some(name)));
    }
}

/// The framework writes the description of a reference twice: beside it and again within its `allOf`. Generators read a single reference
/// as the type it names, and more than one part as a new type.
fn plain_references(node: &mut Node) {
    if let Some(Node::List(all)) = node.at_mut(&["allOf"]) {
        all.retain(|part| part.get("$ref").is_some());
    }
    match node {
        Node::Object(object) => object.values_mut().for_each(plain_references),
        Node::List(items) => items.iter_mut().for_each(plain_references),
        Node::Leaf(_) => {}
    }
}

/// States the credentials even when there are none: readers and linters cannot tell "none" from "forgotten".
fn say_who_may_call(operation: &mut Node) {
    let taken = credential_of(operation);
    let caller = match taken {
        Some((Credential::ApiKey, true)) => "anyone, without credentials; with an API key, events that were never opened are shown, too",
        Some((Credential::BearerToken, _)) => "a customer, with a bearer token",
        Some((Credential::ApiKey, _)) => "an admin or a box office, with an API key",
        Some((Credential::GatewaySignature, _)) => "the payment gateway, with its signature over the body",
        None => "anyone, without credentials",
    };
    let description = format!("{}\n\n**Who may call**: {caller}.", operation.text("description").expect("an operation is described"));
    operation.set("description", description);
    let Some((credential, _)) = taken else { return operation.set("security", Node::List(vec![])) };
    let header = operation.part_mut(&["responses", "401", "headers", "WWW-Authenticate", "schema"]);
    header.set("example", credential.challenge());
}

/// The credential that an operation takes, if any, and whether it is optional: then it is listed beside an empty requirement.
fn credential_of(operation: &Node) -> Option<(Credential, bool)> {
    let security = operation.get("security")?.items();
    let (scheme, _) = security.first()?.entries().next()?;
    let credential = Credential::of_scheme(scheme).unwrap_or_else(|| panic!("there is no credential {scheme}"));
    Some((credential, security.iter().any(|needed| needed.entries().next().is_none())))
}

fn show_parameters(operation: &mut Node, id: &str) {
    let Some(Node::List(parameters)) = operation.at_mut(&["parameters"]) else { return };
    for parameter in parameters {
        let name = parameter.text("name").unwrap_or_default().to_owned();
        if let Some(example) = examples::of_parameter(id, &name) {
            parameter.set("example", example);
        } else if let Some(example) = parameter.get("schema").and_then(|schema| schema.get("example")).cloned() {
            parameter.set("example", example);
        }
        // The same rule as in the check of queries.
        let is_query = parameter.text("in") == Some("query");
        if let Some(schema) = parameter.at_mut(&["schema"]).filter(|schema| is_query && fields::is_free(schema)) {
            schema.set("pattern", text::UNCONTROLLED);
        }
    }
}

fn show_requests(operation: &mut Node, id: &str, schemas: &Node) {
    let Some(content) = operation.at_mut(&["requestBody", "content", "application/json"]) else { return };
    let Some(schema) = content.get("schema").cloned() else { return };
    let named = examples::of_request(id)
        .into_iter()
        .filter_map(|(name, summary, value)| Some((name.to_owned(), example(summary, in_order(Node::of(&value?), &schema, schemas)))));
    content.set("examples", Node::Object(named.collect()));
}

/// One of several named examples.
fn example(summary: &str, value: Node) -> Node {
    Node::Object([("summary".to_owned(), Node::of(&summary)), ("value".to_owned(), value)].into_iter().collect())
}

/// Gives each answer with a body an example; a problem gets one for each of its codes.
fn show_answers(operation: &mut Node, id: &str, schemas: &Node) {
    let taken = credential_of(operation);
    for (_, response) in operation.part_mut(&["responses"]).entries_mut() {
        let codes = codes_in(response.text("description").expect("an answer is described"));
        for (media_type, content) in response.at_mut(&["content"]).into_iter().flat_map(Node::entries_mut) {
            if media_type == crate::problem::CONTENT_TYPE {
                content.set("examples", examples_of_problems(id, taken, &codes));
            } else if let Some(example) = examples::of_answer(id, content, schemas) {
                content.set("example", example);
            }
        }
    }
}

/// The codes of a status, as [`refusals`](crate::http::refusals) lists them in its description: the framework keeps no other record.
fn codes_in(description: &str) -> Vec<Code> {
    let word = |line: &str| line.strip_prefix("- `").and_then(|rest| Code::from_name(rest.split_once('`')?.0));
    description.lines().filter_map(word).collect()
}

fn examples_of_problems(id: &str, taken: Option<(Credential, bool)>, codes: &[Code]) -> Node {
    let named = codes.iter().map(|code| (code.as_str().to_owned(), example(code.title(), problems::example(id, taken, *code))));
    Node::Object(named.collect())
}
