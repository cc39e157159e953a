//! What each parameter must be, in words: derived from the schema that documents it, so that a refusal names the bounds in force.

use std::collections::HashMap;

use poem_openapi::error::{ParseParamError, ParsePathError};
use poem_openapi::registry::{MetaOperation, MetaOperationParam, MetaParamIn, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::{OpenApi, OperationId};
use serde_json::Value;

use crate::http::schema::whole_number_bounds;
use crate::problem::Problem;
use crate::types::OrderId;

/// By operation id: its parameters.
pub(crate) struct Expectations(HashMap<&'static str, Vec<Parameter>>);

/// A parameter, and what it must be.
struct Parameter {
    /// What the framework's errors call it: those of the path are numbered.
    key: String,
    name: String,
    expected: String,
}

impl Expectations {
    /// What the parameters of these operations must be.
    pub(crate) fn of<A: OpenApi>() -> Self {
        let mut registry = Registry::new();
        A::register(&mut registry);
        let operations = A::meta().into_iter().flat_map(|api| api.paths).flat_map(|path| path.operations);
        let of_operation = |operation: MetaOperation| {
            let mut path_keys = (0..).map(|index| format!("param{index}"));
            let parameters = operation.params.into_iter().map(|MetaOperationParam { name, schema, in_type, .. }| Parameter {
                key: Some(in_type).filter(|place| *place == MetaParamIn::Path).and_then(|_| path_keys.next()).unwrap_or(name.clone()),
                expected: expected(&schema, &registry),
                name,
            });
            Some((operation.operation_id?, parameters.collect()))
        };
        Self(operations.filter_map(of_operation).collect())
    }

    /// Each operation, its parameter, and what that must be.
    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.iter().flat_map(|(operation, parameters)| {
            parameters.iter().map(move |parameter| (*operation, parameter.name.as_str(), parameter.expected.as_str()))
        })
    }

    /// The refusal of a parameter that the framework could not read, or found out of bounds.
    pub(crate) fn refusal(&self, error: &poem::Error) -> Option<Problem> {
        let in_path = || error.downcast_ref::<ParsePathError>().map(|error| (error.name, error.reason.as_str()));
        let in_query = error.downcast_ref::<ParseParamError>().map(|error| (error.name, error.reason.as_str()));
        let (key, reason) = in_query.or_else(in_path)?;
        let operation = error.data::<OperationId>().map(|id| id.0).unwrap_or_default();
        let known = self.0.get(operation).into_iter().flatten().find(|parameter| parameter.key == key);
        Some(known.map_or_else(
            || Problem::internal(format!("nothing says what the parameter {key} of the operation {operation:?} must be")),
            |Parameter { name, expected, .. }| Problem::invalid(name, own_objection(reason).unwrap_or(expected)),
        ))
    }
}

/// What one of our own types says is wrong with a value: more than what its schema says of every value. The framework puts words of its own
/// around it.
fn own_objection(reason: &str) -> Option<&str> {
    let (_, objection) = reason.split_once("\": ")?;
    let objection = objection.split_once(" (occurred while parsing").map_or(objection, |(own, _)| own);
    Some(objection).filter(|objection| objection.starts_with("must "))
}

fn expected(schema: &MetaSchemaRef, registry: &Registry) -> String {
    match schema {
        MetaSchemaRef::Inline(schema) => in_words(schema, registry),
        MetaSchemaRef::Reference(name) => match registry.schemas.get(name) {
            Some(schema) => in_words(schema, registry),
            None => panic!("the schema {name} is not registered"),
        },
    }
}

fn in_words(schema: &MetaSchema, registry: &Registry) -> String {
    if let Some(part) = schema.all_of.first().or(schema.any_of.first()) {
        return expected(part, registry);
    }
    if !schema.enum_items.is_empty() {
        let names: Vec<_> = schema.enum_items.iter().filter_map(Value::as_str).collect();
        return format!("must be one of {}", names.join(", "));
    }
    match (schema.ty, schema.format) {
        ("integer", _) => {
            let (min, max) = whole_number_bounds(schema);
            format!("must be a whole number from {min} to {max}")
        }
        ("boolean", _) => "must be true or false".to_owned(),
        (_, Some("uuid")) => OrderId::EXPECTED.to_owned(),
        (_, Some("date-time")) => "must be an RFC 3339 time from 1970 to 9999, such as 2026-11-22T10:00:00.000Z".to_owned(),
        _ => match (schema.min_length.unwrap_or(0), schema.max_length) {
            (min, Some(max)) => format!("must have {min} to {max} characters"),
            (0, None) => "must be a string".to_owned(),
            (min, None) => format!("must have at least {min} characters"),
        },
    }
}
