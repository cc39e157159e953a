//! Times in the format of RFC 3339.

use std::borrow::Cow;
use std::fmt;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::value;

/// A time, written as RFC 3339 in UTC with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(pub OffsetDateTime);
value!(Time, "time", MetaSchema { example: Some(json!("2026-11-22T10:00:00.000Z")), ..MetaSchema::new_with_format("string", "date-time") });

impl Time {
    /// Reads an RFC 3339 time from 1970 to 9999, with any offset. `rowlock._json_time` accepts the same times and refuses others in the
    /// same words.
    ///
    /// # Errors
    /// What the text must be.
    pub(crate) fn read(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "must be an RFC 3339 time from 1970 to 9999, such as 2026-11-22T10:00:00.000Z";
        let text = text.to_ascii_uppercase();
        if !has_its_form(&text) {
            return Err(EXPECTED);
        }
        // PostgreSQL would read both as the next day, and the library would read the leap second as the end of the second before.
        if text[11..].starts_with("24") {
            return Err("must not have the hour 24: write 00:00 of the next day");
        }
        if text[17..].starts_with("60") {
            return Err("must not be a leap second: write second 59, or second 00 of the next minute");
        }
        let time = OffsetDateTime::parse(&text, &Rfc3339).ok().and_then(|time| time.checked_to_offset(UtcOffset::UTC)).ok_or(EXPECTED)?;
        if (1970..=9999).contains(&time.year()) { Ok(Self(time)) } else { Err(EXPECTED) }
    }
}

impl ParseFromParameter for Time {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Self::read(text).map_err(ParseError::custom)
    }
}

/// Whether an upper-case text has the form `2026-11-22T10:00:00.123+08:00`; the library accepts any character for the `T`.
fn has_its_form(text: &str) -> bool {
    let like = |text: &str, form: &str| {
        text.len() == form.len()
            && text.bytes().zip(form.bytes()).all(|(byte, form)| if form == b'0' { byte.is_ascii_digit() } else { byte == form })
    };
    let Some((moment, rest)) = text.split_at_checked("0000-00-00T00:00:00".len()) else { return false };
    let offset = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => match fraction.trim_start_matches(|digit: char| digit.is_ascii_digit()) {
            same if same.len() == fraction.len() => return false,
            offset => offset,
        },
    };
    let is_offset = (like(offset, "+00:00") || like(offset, "-00:00")) && &offset[1..3] <= "23" && &offset[4..] <= "59";
    like(moment, "0000-00-00T00:00:00") && (offset == "Z" || is_offset)
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.0.to_offset(UtcOffset::UTC);
        let ((year, month, day), (hour, minute, second, ms)) = (time.to_calendar_date(), time.time().as_hms_milli());
        write!(f, "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z", u8::from(month))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::read(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_have_exactly_milliseconds_and_utc() {
        assert_eq!(Time(datetime!(2026-11-22 10:00 UTC)).to_string(), "2026-11-22T10:00:00.000Z");
        assert_eq!(Time(datetime!(2026-11-22 18:00:00.1239 +8)).to_string(), "2026-11-22T10:00:00.123Z");
    }

    #[test]
    fn times_are_read_with_any_offset_within_bounds() {
        for (text, expected) in [
            ("2026-11-22T18:00:00+08:00", "2026-11-22T10:00:00.000Z"),
            ("2026-11-22t10:00:00.99999999999999z", "2026-11-22T10:00:00.999Z"),
            ("1969-12-31T23:59:59-23:59", "1970-01-01T23:58:59.000Z"),
        ] {
            assert_eq!(Time::read(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_here_is_told_why() {
        let begins = |text: &str, with: &str| assert!(Time::read(text).unwrap_err().starts_with(with), "{text}");
        for text in [
            "1969-12-31T23:59:59Z",
            "tomorrow",
            "2026-11-22 10:00:00Z",
            "2026-11-22X10:00:00Z",
            "2026-11-22T10:00:00.Z",
            "2026-11-22T10:00Z",
        ] {
            begins(text, "must be an RFC 3339 time");
        }
        // In UTC this one is in the year 10000, which the library cannot hold.
        begins("9999-12-31T23:59:59-00:01", "must be an RFC 3339 time");
        begins("2016-12-31T23:59:60Z", "must not be a leap second");
        begins("2026-11-22T24:00:00Z", "must not have the hour 24");
        assert!(Time::read("tomorrow").is_err() && Time::read("2026-11-22T10:00:00Z").is_ok());
    }
}
