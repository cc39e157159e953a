//! Whole numbers and texts whose type states their bounds, so that the document has them wherever a value appears, in requests and
//! answers alike.
//!
//! Creating a value checks nothing. The bounds of a request are enforced by `http::schema`; those of an answer are kept by the tables that
//! it is read from.

use std::borrow::Cow;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::value;

/// The maximum number of seats of an event.
pub(crate) const SEATS_MAX: i64 = 1_000_000;

/// Number of a seat within its section, from 1.
pub(crate) type SeatNo = Whole<i32, 1, SEATS_MAX>;
/// Number of seats of a section.
pub(crate) type Capacity = Whole<i32, 1, SEATS_MAX>;
/// Number of seats in one state.
pub(crate) type SeatCount = Whole<i32, 0, SEATS_MAX>;
/// How many seats one customer may have, held and bought together.
pub(crate) type SeatLimit = Whole<i32, 1, 1_000>;
/// How long a pending order holds its seats, in milliseconds.
pub(crate) type WindowMs = Whole<i32, 1_000, 86_400_000>;
/// How many orders a customer may let end unpaid before the cooldown.
pub(crate) type UnpaidOrdersMax = Whole<i32, 1, 100>;
/// How long a customer cannot claim, in milliseconds.
pub(crate) type CooldownMs = Whole<i32, 0, 86_400_000>;
/// The price of a seat in minor units.
pub(crate) type Price = Whole<i64, 0, 1_000_000_000_000>;
/// An amount of money in minor units.
pub(crate) type Amount = Whole<i64, 0>;
/// Increases with every change.
pub(crate) type Revision = Whole<i64, 0>;

/// The name of an event or a section.
pub(crate) type Name = Text<1, 200>;
/// Where an event takes place.
pub(crate) type Venue = Text<0, 200>;
/// The label of a row or a seat.
pub(crate) type Label = Text<1, 20>;
/// The name of a payment gateway.
pub(crate) type Provider = Text<1, 100>;
/// The gateway's id of a payment.
pub(crate) type ProviderReference = Text<1, 200>;

/// A whole number from `MIN` to `MAX`, or without an upper bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Whole<T, const MIN: i64, const MAX: i64 = { i64::MAX }>(pub T);
value!(
    [T: Type + Serialize + DeserializeOwned, const MIN: i64, const MAX: i64] Whole<T, MIN, MAX>,
    "whole_number",
    MetaSchema {
        minimum: Some(MIN as f64),
        maximum: (MAX < i64::MAX).then_some(MAX as f64),
        ..T::schema_ref().unwrap_inline().clone()
    }
);

/// A text of `MIN` to `MAX` characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Text<const MIN: usize, const MAX: usize>(pub String);
value!(
    [const MIN: usize, const MAX: usize] Text<MIN, MAX>,
    "text",
    MetaSchema { min_length: (MIN > 0).then_some(MIN), max_length: Some(MAX), ..MetaSchema::new("string") }
);

impl<T: Into<String>, const MIN: usize, const MAX: usize> From<T> for Text<MIN, MAX> {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema<T: Type>() -> Value {
        serde_json::to_value(T::schema_ref().unwrap_inline()).unwrap()
    }

    #[test]
    fn a_type_documents_its_bounds() {
        assert_eq!(schema::<Whole<i32, 1, 9>>(), json!({"type": "integer", "format": "int32", "minimum": 1.0, "maximum": 9.0}));
        assert_eq!(schema::<Whole<i64, 0>>(), json!({"type": "integer", "format": "int64", "minimum": 0.0}));
        assert_eq!(schema::<Text<1, 9>>(), json!({"type": "string", "minLength": 1, "maxLength": 9}));
        assert_eq!(schema::<Text<0, 9>>(), json!({"type": "string", "maxLength": 9}));
    }

    #[test]
    fn on_the_wire_there_are_plain_numbers_and_texts() {
        let wire: (Price, Name) = (Whole(280_000), "Floor A".into());
        assert_eq!(serde_json::to_string(&wire).unwrap(), r#"[280000,"Floor A"]"#);
        assert_eq!(Price::parse_from_json(Some(json!(280_000))).unwrap(), wire.0);
        assert_eq!(Name::parse_from_json(Some(json!("Floor A"))).unwrap(), wire.1);
    }
}
