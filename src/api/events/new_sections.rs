//! The sections of a new event: both ways of describing their seats become the rows that the database expects.

use std::collections::HashSet;

use poem_openapi::Object;
use serde::Serialize;
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::types::bounded::SEATS_MAX;
use crate::types::{Capacity, Currency, Label, Name, Price, SectionCode, Whole, example};

/// The most rows a section may have.
const ROWS_MAX: i32 = 10_000;
/// The most rows that all sections of an event may have together: whoever reads the event reads all of them.
const EVENT_ROWS_MAX: usize = 20_000;

/// A section of a new event. Its seats are given either as `seats`, optionally with a `row_length`, or row by row as `rows`; either way,
/// they are numbered from 1 throughout the section.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "NewSection", deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(crate) struct SectionIn {
    /// Code of the section in the API; unique within the event.
    pub section: SectionCode,
    /// Its name.
    pub name: Name,
    /// Price of each seat in minor units of the event's currency.
    pub price_minor: Price,
    /// If given, it must be the event's currency.
    pub currency: Option<Currency>,
    /// Number of seats.
    pub seats: Option<Capacity>,
    /// Only with `seats`: the number of seats in each row; the last row may have fewer. Rows are labelled `1`, `2` and so on. Without it
    /// there is one row.
    pub row_length: Option<Capacity>,
    /// The rows, front to back.
    #[oai(validator(min_items = 1, max_items = 10000))]
    pub rows: Option<Vec<RowIn>>,
}

/// A row of a new section.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize)]
#[oai(rename = "NewRow", deny_unknown_fields, example)]
pub(crate) struct RowIn {
    /// Its label; unique within the section.
    pub row: Label,
    /// Number of seats in it.
    pub seats: Capacity,
}

example!(SectionIn {
    section: SectionCode("A".into()),
    name: "Floor A".into(),
    price_minor: Whole(280_000),
    currency: None,
    seats: Some(Whole(1000)),
    row_length: Some(Whole(50)),
    rows: None,
});

example!(RowIn { row: "12".into(), seats: Whole(42) });

/// The sections as the database expects them.
///
/// # Errors
/// `invalid_request` naming the field: a repeated code, another currency, both forms of seats or neither, too many seats or rows in all.
pub(crate) fn sections_json(sections: &[SectionIn], currency: &str) -> Result<Vec<Value>, Problem> {
    let mut codes = HashSet::new();
    let (mut seats, mut rows_in_all) = (0, 0);
    let mut answer = Vec::with_capacity(sections.len());
    for (index, section) in sections.iter().enumerate() {
        let path = format!("sections[{index}]");
        if !codes.insert(section.section.0.as_str()) {
            return Err(Problem::invalid(format!("{path}.section"), "is the code of an earlier section"));
        }
        if section.currency.as_ref().is_some_and(|own| own.0 != currency) {
            return Err(Problem::invalid(format!("{path}.currency"), format!("must be the event's currency, {currency}")));
        }
        let rows = rows_of(section, &path)?;
        seats += rows.iter().map(|row| i64::from(row.seats.0)).sum::<i64>();
        if seats > SEATS_MAX {
            return Err(Problem::invalid(path, format!("brings the event to more than {SEATS_MAX} seats")));
        }
        rows_in_all += rows.len();
        if rows_in_all > EVENT_ROWS_MAX {
            return Err(Problem::invalid(path, format!("brings the event to more than {EVENT_ROWS_MAX} rows")));
        }
        let rows: Vec<_> = rows.iter().map(|row| json!({"label": row.row, "seats": row.seats})).collect();
        answer.push(json!({"code": section.section, "name": section.name, "price_minor": section.price_minor, "rows": rows}));
    }
    Ok(answer)
}

fn rows_of(section: &SectionIn, path: &str) -> Result<Vec<RowIn>, Problem> {
    match (section.seats, &section.rows) {
        (Some(Whole(seats)), None) => {
            let row_length = section.row_length.map_or(seats, |length| length.0);
            let rows = (seats - 1) / row_length + 1;
            if rows > ROWS_MAX {
                return Err(Problem::invalid(format!("{path}.row_length"), format!("makes more than {ROWS_MAX} rows: give a larger one")));
            }
            let row =
                |number: i32| RowIn { row: (number + 1).to_string().into(), seats: Whole(row_length.min(seats - number * row_length)) };
            Ok((0..rows).map(row).collect())
        }
        (None, Some(rows)) if section.row_length.is_none() => Ok(rows.clone()),
        (None, Some(_)) => Err(Problem::invalid(format!("{path}.row_length"), "must be absent when `rows` is given")),
        (Some(_), Some(_)) => Err(Problem::invalid(format!("{path}.rows"), "must be absent when `seats` is given")),
        (None, None) => Err(Problem::invalid(format!("{path}.seats"), "is missing: give either `seats` or `rows`")),
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::Example;

    use super::*;

    fn section(seats: Option<i32>, row_length: Option<i32>, rows: Option<Vec<RowIn>>) -> SectionIn {
        SectionIn { seats: seats.map(Whole), row_length: row_length.map(Whole), rows, ..SectionIn::example() }
    }

    fn field(sections: &[SectionIn]) -> String {
        sections_json(sections, "TWD").unwrap_err().field().unwrap().to_owned()
    }

    #[test]
    fn a_row_length_cuts_seats_into_rows_and_the_last_one_is_shorter() {
        let rows = rows_of(&section(Some(105), Some(50), None), "s").unwrap();
        let expected: Vec<_> = [("1", 50), ("2", 50), ("3", 5)].map(|(row, seats)| RowIn { row: row.into(), seats: Whole(seats) }).into();
        assert_eq!(rows, expected);
        assert_eq!(rows_of(&section(Some(7), None, None), "s").unwrap(), [RowIn { row: "1".into(), seats: Whole(7) }]);
        assert_eq!(rows_of(&section(Some(7), Some(1_000_000), None), "s").unwrap(), [RowIn { row: "1".into(), seats: Whole(7) }]);
    }

    #[test]
    fn rows_pass_as_they_are() {
        let json = sections_json(&[section(None, None, Some(vec![RowIn { row: "AA".into(), seats: Whole(3) }]))], "TWD").unwrap();
        assert_eq!(json[0]["rows"], json!([{"label": "AA", "seats": 3}]));
        assert_eq!(json[0]["code"], "A");
    }

    #[test]
    fn exactly_one_form_of_seats() {
        let rows = || Some(vec![RowIn::example()]);
        assert_eq!(field(&[section(None, None, None)]), "sections[0].seats");
        assert_eq!(field(&[section(Some(1), None, rows())]), "sections[0].rows");
        assert_eq!(field(&[section(None, Some(1), rows())]), "sections[0].row_length");
        assert_eq!(field(&[section(Some(1_000_000), Some(1), None)]), "sections[0].row_length");
    }

    #[test]
    fn an_event_has_distinct_sections_one_currency_a_million_seats_and_twenty_thousand_rows_at_most() {
        let named = |code: &str, seats| SectionIn { section: SectionCode(code.into()), ..section(Some(seats), None, None) };
        assert_eq!(field(&[named("A", 1), named("A", 1)]), "sections[1].section");
        assert_eq!(field(&[named("A", 999_999), named("B", 2)]), "sections[1]");
        let ten_thousand_rows = |code: &str| SectionIn { row_length: Some(Whole(1)), ..named(code, 10_000) };
        assert!(sections_json(&[ten_thousand_rows("A"), ten_thousand_rows("B")], "TWD").is_ok());
        assert_eq!(field(&[ten_thousand_rows("A"), ten_thousand_rows("B"), named("C", 1)]), "sections[2]");
        let foreign = SectionIn { currency: Some(Currency("EUR".into())), ..named("B", 1) };
        assert_eq!(field(&[named("A", 1), foreign]), "sections[1].currency");
        let same = SectionIn { currency: Some(Currency("TWD".into())), ..named("B", 1) };
        assert_eq!(sections_json(&[named("A", 999_999), same], "TWD").unwrap().len(), 2);
    }
}
