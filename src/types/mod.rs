//! The small values that many schemas share, each with its bounds.

pub mod bounded;
pub mod currency;
mod rfc3339;
pub mod text;

use std::borrow::Cow;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{Example, ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::fmt::Hyphenated;
use uuid::{Uuid, uuid};

pub(crate) use bounded::{
    Amount, Capacity, CooldownMs, Label, Name, Price, Provider, ProviderReference, Revision, SeatCount, SeatLimit, SeatNo, Text,
    UnpaidOrdersMax, Venue, Whole, WindowMs,
};
pub(crate) use currency::{Currency, CurrencyCode};
pub(crate) use rfc3339::Time;

use crate::domain::{EventLayout, SeatRef, UnknownSeat};

/// Makes a serde value usable in schemas, with the given schema; the parameters of a generic type come first, in brackets.
macro_rules! value {
    ([$($parameters:tt)*] $type:ty, $name:literal, $schema:expr) => {
        impl<$($parameters)*> Type for $type {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                $name.into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new($schema))
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }

        impl<$($parameters)*> ParseFromJSON for $type {
            fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
                serde_json::from_value(value.unwrap_or_default()).map_err(ParseError::custom)
            }
        }

        impl<$($parameters)*> ToJSON for $type {
            fn to_json(&self) -> Option<Value> {
                serde_json::to_value(self).ok()
            }
        }
    };
    ($type:ty, $name:literal, $schema:expr) => {
        value!([] $type, $name, $schema);
    };
}
use value;

/// Gives a type the example that the document shows.
macro_rules! example {
    ($type:ident $fields:tt) => {
        impl poem_openapi::types::Example for $type {
            fn example() -> Self {
                $type $fields
            }
        }
    };
}
pub(crate) use example;

/// Id of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EventId(pub i64);
value!(EventId, "event_id", MetaSchema { minimum: Some(1.0), example: Some(json!(7)), ..MetaSchema::new_with_format("integer", "int64") });

/// Id of an order, a UUIDv7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderId(pub Uuid);
value!(OrderId, "order_id", MetaSchema { example: OrderId::example().to_json(), ..MetaSchema::new_with_format("string", "uuid") });

impl Example for OrderId {
    fn example() -> Self {
        Self(uuid!("01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e812"))
    }
}

impl OrderId {
    /// What a UUID must be, for whoever sent something else.
    pub(crate) const EXPECTED: &str = "must be a UUID with its hyphens, such as 01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e812";

    /// Reads the canonical form (RFC 9562), in either case. The library would also take it in braces, as a URN and without hyphens.
    pub(crate) fn from_canonical(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().filter(|_| text.len() == Hyphenated::LENGTH).map(Self)
    }
}

/// Code of a section in the API: 1 to 20 of the letters A-Z and a-z, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SectionCode(pub String);
value!(
    SectionCode,
    "section",
    MetaSchema {
        pattern: Some(SECTION_PATTERN.to_owned()),
        min_length: Some(1),
        max_length: Some(20),
        example: Some(json!("A")),
        ..MetaSchema::new("string")
    }
);

const SECTION_PATTERN: &str = "^[A-Za-z0-9_-]+$";

/// A rule for texts: what is wrong with one.
pub(crate) type TextRule = fn(&str) -> Option<&'static str>;

/// The rule that a pattern of our schemas stands for.
///
/// Written out because there are only three, and compiling a regular expression for each value would cost more than the request.
pub(crate) fn rule_of(pattern: &str) -> Option<TextRule> {
    match pattern {
        SECTION_PATTERN => Some(|text| {
            let is_code = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            (!is_code).then_some("must be made of the letters A-Z and a-z, digits, - and _")
        }),
        currency::CODE_PATTERN => Some(|text| {
            let is_code = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
            (!is_code).then_some("must be an ISO 4217 code, for example TWD")
        }),
        _ if pattern == *currency::IN_USE_PATTERN => Some(|text| {
            let is_in_use = currency::IN_USE.binary_search(&text).is_ok();
            (!is_in_use).then_some("must be the ISO 4217 code of a currency in use, for example TWD")
        }),
        _ => None,
    }
}

/// One seat, by the code of its section and its number.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize)]
#[oai(deny_unknown_fields, example)]
pub(crate) struct SeatName {
    /// Code of the section.
    #[oai(validator(min_length = 1, max_length = 20))]
    pub section: String,
    /// Number of the seat within the section.
    pub seat: SeatNo,
}

example!(SeatName { section: "A".into(), seat: Whole(12) });

impl SeatName {
    /// The name of a seat of this event.
    ///
    /// # Errors
    /// When the event has no such section.
    pub(crate) fn of(layout: &EventLayout, seat: SeatRef) -> Result<Self, UnknownSeat> {
        let section = layout.section(seat.section_no).ok_or(UnknownSeat { event_id: layout.event_id, seat })?;
        Ok(Self { section: section.code.clone(), seat: Whole(seat.seat_no) })
    }

    /// The names of some seats of this event.
    ///
    /// # Errors
    /// When the event lacks one of their sections.
    pub(crate) fn all(layout: &EventLayout, seats: &[SeatRef]) -> Result<Vec<Self>, UnknownSeat> {
        seats.iter().map(|seat| Self::of(layout, *seat)).collect()
    }
}

/// New status of an event: on sale, stopped for the time being, or ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub(crate) enum EventStatusChange {
    /// Put it on sale.
    Open,
    /// Stop claims for the time being.
    Paused,
    /// End the sale for good.
    Closed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_hyphens_and_nothing_around_it() {
        let canonical = "01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e812";
        let read = OrderId::from_canonical(canonical);
        assert_eq!(read, Some(OrderId::example()));
        assert_eq!(OrderId::from_canonical(&canonical.to_uppercase()), read);
        let simple = canonical.replace('-', "");
        for other in [format!("{{{canonical}}}"), format!("urn:uuid:{canonical}"), simple.clone(), format!("{{{simple}}}"), String::new()] {
            assert_eq!(OrderId::from_canonical(&other), None, "{other}");
        }
    }

    #[test]
    fn patterns() {
        let objection = rule_of(SECTION_PATTERN).unwrap();
        assert_eq!(objection("Floor_A-1"), None);
        for bad in ["Floor A", "", "\u{c4}", "A\0"] {
            assert!(objection(bad).is_some(), "{bad:?}");
        }
        assert!(rule_of("another").is_none());
    }
}
