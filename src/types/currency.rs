//! Currencies: which ones exist, and which ones a sale may use.

use std::borrow::Cow;
use std::sync::LazyLock;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::value;

/// The currencies that people pay in: the active codes of ISO 4217 (list one of 2026-01-01) that have a minor unit, without its funds
/// and units of account. A test compares them with the official list and with `rowlock._is_currency`.
pub const IN_USE: [&str; 155] = [
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BHD", "BIF", "BMD", "BND", "BOB", "BRL", "BSD",
    "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY", "COP", "CRC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP",
    "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS",
    "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR",
    "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN",
    "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD",
    "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY",
    "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VED", "VES", "VND", "VUV", "WST", "XAF", "XCD", "XCG", "XOF", "XPF", "YER",
    "ZAR", "ZMW", "ZWG",
];

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

static IN_USE_PATTERN: LazyLock<String> = LazyLock::new(|| format!("^({})$", IN_USE.join("|")));
const CODE_PATTERN: &str = "^[A-Z]{3}$";

/// What is wrong with a text under one of these patterns; the outer `None` means that the pattern is not one of them.
pub(super) fn objection(pattern: &str, text: &str) -> Option<Option<&'static str>> {
    if pattern == CODE_PATTERN {
        let is_code = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        return Some((!is_code).then_some("must be an ISO 4217 code, for example TWD"));
    }
    if pattern == *IN_USE_PATTERN {
        let is_in_use = IN_USE.binary_search(&text).is_ok();
        return Some((!is_in_use).then_some("must be the ISO 4217 code of a currency in use, for example TWD"));
    }
    None
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

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
        assert_eq!(codes.filter(is_in_use).collect::<Vec<_>>(), IN_USE);
    }

    #[test]
    fn a_sale_is_in_a_currency_that_people_pay_in() {
        let fault = |code: &str| objection(&IN_USE_PATTERN, code).expect("its own pattern");
        for good in ["TWD", "EUR", "JPY", "KWD", "XOF", "ZWG"] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in ["twd", "TWDX", "TW", "", "XXX", "XTS", "XAU", "XDR", "CHE", "HRK", "BGN", "ANG", "SLL", "DEM", "ABC", "UYW"] {
            assert_eq!(fault(bad), Some("must be the ISO 4217 code of a currency in use, for example TWD"), "{bad}");
        }
    }

    #[test]
    fn money_may_come_in_any_currency() {
        let fault = |code: &str| objection(CODE_PATTERN, code).expect("its own pattern");
        assert_eq!((fault("TWD"), fault("HRK"), fault("QQQ")), (None, None, None));
        for bad in ["twd", "TWDX", "", "T\0D"] {
            assert_eq!(fault(bad), Some("must be an ISO 4217 code, for example TWD"), "{bad}");
        }
        assert_eq!(objection("another", "TWD"), None);
    }
}
