//! Checks a request body against the schema that documents it, so that the documentation is what is enforced, and a refusal names the
//! invalid value by its path, such as `sections[2].rows[0].seats`.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde_json::{Map, Value};

use crate::problem::Problem;
use crate::quoting::quoted;
use crate::types::{self, OrderId, Time, text};

/// The schema of an input type with everything it refers to.
pub(crate) struct Schema {
    root: MetaSchemaRef,
    named: BTreeMap<String, MetaSchema>,
}

impl Schema {
    pub(crate) fn of<T: Type>() -> Self {
        let mut registry = Registry::new();
        T::register(&mut registry);
        Self { root: T::schema_ref(), named: registry.schemas }
    }

    /// Finds the first value that breaks the schema.
    ///
    /// # Errors
    /// `invalid_request` naming its field.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Problem> {
        self.check_ref(&self.root, value, &ValuePath::Root)
    }

    fn check_ref(&self, schema: &MetaSchemaRef, value: &Value, path: &ValuePath<'_>) -> Result<(), Problem> {
        match schema {
            MetaSchemaRef::Inline(schema) => self.check_schema(schema, value, path),
            MetaSchemaRef::Reference(name) => match self.named.get(name) {
                Some(schema) => self.check_schema(schema, value, path),
                None => Err(Problem::internal(format!("the schema {name} is not registered"))),
            },
        }
    }

    fn check_schema(&self, schema: &MetaSchema, value: &Value, path: &ValuePath<'_>) -> Result<(), Problem> {
        for part in &schema.all_of {
            self.check_ref(part, value, path)?;
        }
        match (schema.ty, value) {
            ("object", Value::Object(object)) => self.check_object(schema, object, path),
            ("object", _) => Err(path.refuse("must be an object")),
            ("array", Value::Array(items)) => self.check_array(schema, items, path),
            ("array", _) => Err(path.refuse("must be an array")),
            ("string", Value::String(text)) => check_text(schema, text, path),
            ("string", _) => Err(path.refuse("must be a string")),
            ("integer", _) => check_whole_number(schema, value, path),
            ("boolean", Value::Bool(_)) => Ok(()),
            ("boolean", _) => Err(path.refuse("must be true or false")),
            // A reference with a description of its own: its parts have said the type.
            ("", _) => Ok(()),
            (other, _) => Err(unchecked(path, "type", other)),
        }
    }

    fn check_object(&self, schema: &MetaSchema, object: &Map<String, Value>, path: &ValuePath<'_>) -> Result<(), Problem> {
        if let Some(unknown) = object.keys().find(|key| !schema.properties.iter().any(|(name, _)| name == key)) {
            let known: Vec<_> = schema.properties.iter().map(|(name, _)| *name).collect();
            if unknown.trim().is_empty() {
                return Err(path.refuse(format!("has a field without a name: the fields are {}", known.join(", "))));
            }
            return Err(ValuePath::Key(path, &quoted(unknown)).refuse(format!("is not a field here: the fields are {}", known.join(", "))));
        }
        for (name, property) in &schema.properties {
            let path = ValuePath::Key(path, name);
            match object.get(*name) {
                None if !schema.required.contains(name) => {}
                // A null that stood for an absent field would be a mistake or, in a change, ambiguous.
                Some(Value::Null) if is_nullable(property) => {}
                Some(Value::Null) if !schema.required.contains(name) => return Err(path.refuse("must not be null: leave it out")),
                Some(value) => self.check_ref(property, value, &path)?,
                None => return Err(path.refuse("is missing")),
            }
        }
        Ok(())
    }

    fn check_array(&self, schema: &MetaSchema, items: &[Value], path: &ValuePath<'_>) -> Result<(), Problem> {
        let (min, max) = (schema.min_items.unwrap_or(0), schema.max_items.unwrap_or(usize::MAX));
        if items.len() < min || items.len() > max {
            let most = schema.max_items.map_or_else(|| " or more".to_owned(), |max| format!(" to {max}"));
            return Err(path.refuse(format!("must have {min}{most} items")));
        }
        let Some(item_schema) = &schema.items else { return Ok(()) };
        items.iter().enumerate().try_for_each(|(index, item)| self.check_ref(item_schema, item, &ValuePath::Index(path, index)))
    }
}

fn is_nullable(schema: &MetaSchemaRef) -> bool {
    matches!(schema, MetaSchemaRef::Inline(schema) if schema.nullable)
}

fn check_text(schema: &MetaSchema, text: &str, path: &ValuePath<'_>) -> Result<(), Problem> {
    let (min, max) = (schema.min_length.unwrap_or(0), schema.max_length.unwrap_or(usize::MAX));
    if (min > 0 || max < usize::MAX) && !(min..=max).contains(&text.chars().count()) {
        return Err(path.refuse(format!("must have {min} to {max} characters")));
    }
    if is_free(schema)
        && let Some(objection) = text::objection(text)
    {
        return Err(path.refuse(objection));
    }
    if let Some(pattern) = &schema.pattern {
        let objection = types::rule_of(pattern).ok_or_else(|| unchecked(path, "pattern", pattern))?;
        if let Some(objection) = objection(text) {
            return Err(path.refuse(objection));
        }
    }
    if !schema.enum_items.is_empty() && !schema.enum_items.iter().any(|item| item == text) {
        let names: Vec<_> = schema.enum_items.iter().filter_map(Value::as_str).collect();
        return Err(path.refuse(format!("must be one of {}", names.join(", "))));
    }
    match schema.format {
        None => Ok(()),
        Some("uuid") => OrderId::from_canonical(text).map(drop).ok_or_else(|| path.refuse(OrderId::EXPECTED)),
        Some("date-time") => Time::read(text).map(drop).map_err(|objection| path.refuse(objection)),
        Some(other) => Err(unchecked(path, "format", other)),
    }
}

/// Nothing that a schema says may be passed over.
fn unchecked(path: &ValuePath<'_>, what: &str, name: &str) -> Problem {
    Problem::internal(format!("nothing checks the {what} {name} of {path}"))
}

/// Whether a text may be anything that people can read; in the document such texts have the pattern [`text::pattern`].
fn is_free(schema: &MetaSchema) -> bool {
    schema.pattern.is_none() && schema.format.is_none() && schema.enum_items.is_empty()
}

/// The bounds of a whole number: those of its schema, or else of its format.
pub(crate) fn whole_number_bounds(schema: &MetaSchema) -> (i64, i64) {
    let (least, most) = if schema.format == Some("int32") { (i32::MIN.into(), i32::MAX.into()) } else { (i64::MIN, i64::MAX) };
    // Our bounds are whole numbers far below 2^53, where the cast is exact.
    (schema.minimum.map_or(least, |min| min as i64), schema.maximum.map_or(most, |max| max as i64))
}

fn check_whole_number(schema: &MetaSchema, value: &Value, path: &ValuePath<'_>) -> Result<(), Problem> {
    let (min, max) = whole_number_bounds(schema);
    match value.as_i64() {
        Some(number) if (min..=max).contains(&number) => Ok(()),
        _ => Err(path.refuse(format!("must be a whole number from {min} to {max}"))),
    }
}

/// The position of a value in the body; formatted only when the value is refused.
enum ValuePath<'a> {
    Root,
    Key(&'a ValuePath<'a>, &'a str),
    Index(&'a ValuePath<'a>, usize),
}

impl ValuePath<'_> {
    fn refuse(&self, expected: impl AsRef<str>) -> Problem {
        Problem::invalid(self.to_string(), expected)
    }
}

impl Display for ValuePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("body"),
            Self::Key(Self::Root, key) => f.write_str(key),
            Self::Key(parent, key) => write!(f, "{parent}.{key}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests;
