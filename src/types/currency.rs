//! Currencies: which ones exist, and which ones a sale may use.

use std::borrow::Cow;
use std::sync::LazyLock;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::value;

/// The currencies that people pay in: the active codes of ISO 4217 (list one of 2026-01-01) that have a minor unit, without its funds
/// and units of account. They are listed once, in the stored function; a test compares them with the official list.
pub static IN_USE: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let function = include_str!("../../sql/functions/shared/_is_currency.sql");
    let body = function.split("$$").nth(1).expect("the function's body is between $$");
    body.split(|letter: char| !letter.is_ascii_uppercase()).filter(|word| word.len() == 3).collect()
});

/// The currency of a sale: one of [`IN_USE`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Currency(pub String);
value!(
    Currency,
    "currency",
    MetaSchema { pattern: Some(IN_USE_PATTERN.clone()), example: Some(json!("TWD")), ..MetaSchema::new("string") }
);

/// The currency of a payment, as the gateway reports it: any code in the form of ISO 4217. A payment is never refused for its currency;
/// one in another currency than the event's is owed back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CurrencyCode(pub String);
value!(
    CurrencyCode,
    "currency_code",
    MetaSchema { pattern: Some(CODE_PATTERN.to_owned()), example: Some(json!("TWD")), ..MetaSchema::new("string") }
);

pub(super) static IN_USE_PATTERN: LazyLock<String> = LazyLock::new(|| format!("^({})$", IN_USE.join("|")));
pub(super) const CODE_PATTERN: &str = "^[A-Z]{3}$";

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;
    use crate::types::rule_of;

    /// They have a minor unit and are not funds, but nobody pays in them: a wage index and a unit of account of central banks.
    const UNITS_OF_ACCOUNT: [&str; 2] = ["UYW", "XAD"];

    #[test]
    fn the_currencies_in_use_are_those_of_the_official_list() {
        let letters = || 'A'..='Z';
        let codes = letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| String::from_iter([a, b, c]))));
        let is_in_use = |code: &String| {
            let known = iso4217_static::Currency::from_str(code).ok();
            known.is_some_and(|currency| !currency.is_fund() && currency.minor_unit().is_some())
                && !UNITS_OF_ACCOUNT.contains(&code.as_str())
        };
        assert_eq!(codes.filter(is_in_use).collect::<Vec<_>>(), *IN_USE);
    }

    #[test]
    fn a_sale_is_in_a_currency_that_people_pay_in() {
        let fault = rule_of(&IN_USE_PATTERN).expect("its own rule");
        for good in ["TWD", "EUR", "JPY", "KWD", "XOF", "ZWG"] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in ["twd", "TWDX", "TW", "", "XXX", "XTS", "XAU", "XDR", "CHE", "HRK", "BGN", "ANG", "SLL", "DEM", "ABC", "UYW"] {
            assert_eq!(fault(bad), Some("must be the ISO 4217 code of a currency in use, for example TWD"), "{bad}");
        }
    }

    #[test]
    fn money_may_come_in_any_currency() {
        let fault = rule_of(CODE_PATTERN).expect("its own rule");
        assert_eq!((fault("TWD"), fault("HRK"), fault("QQQ")), (None, None, None));
        for bad in ["twd", "TWDX", "", "T\0D"] {
            assert_eq!(fault(bad), Some("must be an ISO 4217 code, for example TWD"), "{bad}");
        }
    }
}
