//! The claim as a request: what it asks for, and its fingerprint.

use std::collections::HashSet;

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::domain::{EventLayout, SeatRef, SectionLayout, Wanted};
use crate::http::body::input;
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::types::{SeatName, SectionCode, Whole, example};

/// The seats a customer wants: either exactly these `seats`, all or none, or `best_available`.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Claim", deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(crate) struct ClaimIn {
    /// Exactly these seats, each once.
    #[oai(validator(min_items = 1, max_items = 100))]
    pub seats: Option<Vec<SeatName>>,
    /// Any seats of a section: next to each other in one row if possible, otherwise as close together as possible.
    pub best_available: Option<BestAvailable>,
}
input!(ClaimIn, fields = (Some(1), Some(1)));

/// Any seats of a section.
#[derive(Debug, Object, Serialize)]
#[oai(deny_unknown_fields, example)]
pub(crate) struct BestAvailable {
    /// Code of the section.
    pub section: SectionCode,
    /// Number of seats, at most as many as the section has.
    #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
    pub quantity: i32,
}

impl Example for ClaimIn {
    fn example() -> Self {
        let seat = |seat| SeatName { section: "A".into(), seat: Whole(seat) };
        Self { seats: Some(vec![seat(12), seat(13)]), best_available: None }
    }
}

example!(BestAvailable { section: SectionCode("A".into()), quantity: 2 });

impl ClaimIn {
    /// The seats wanted, as numbers.
    ///
    /// # Errors
    /// `invalid_request` for both forms or neither, a repeated seat, or more seats than the section has; `section_not_found`;
    /// `seat_not_found` listing every seat that does not exist.
    pub(crate) fn wanted(&self, layout: &EventLayout) -> Result<Wanted, Problem> {
        match (&self.seats, &self.best_available) {
            (Some(seats), None) => wanted_seats(seats, layout),
            (None, Some(best)) => {
                let section = section(layout, &best.section.0)?;
                if best.quantity > section.capacity {
                    let expected = format!("must be at most {}, the number of seats in section {}", section.capacity, section.code);
                    return Err(Problem::invalid("best_available.quantity", expected));
                }
                Ok(Wanted::BestAvailable { section_no: section.section_no, quantity: best.quantity })
            }
            (Some(_), Some(_)) => Err(Problem::invalid("best_available", "must be absent when `seats` is given")),
            (None, None) => Err(Problem::invalid("seats", "is missing: give either `seats` or `best_available`")),
        }
    }
}

fn wanted_seats(names: &[SeatName], layout: &EventLayout) -> Result<Wanted, Problem> {
    let mut seats = Vec::with_capacity(names.len());
    let mut unknown = Vec::new();
    for name in names {
        let section = section(layout, &name.section)?;
        if !(1..=section.capacity).contains(&name.seat.0) {
            unknown.push(name.clone());
        }
        seats.push(SeatRef { section_no: section.section_no, seat_no: name.seat.0 });
    }
    if !unknown.is_empty() {
        return Err(seats_not_found(unknown));
    }
    let mut seen = HashSet::with_capacity(seats.len());
    match seats.iter().position(|seat| !seen.insert(*seat)) {
        Some(index) => Err(Problem::invalid(format!("seats[{index}]"), "is the same seat as an earlier one")),
        None => Ok(Wanted::Seats(seats)),
    }
}

fn section<'a>(layout: &'a EventLayout, code: &str) -> Result<&'a SectionLayout, Problem> {
    layout.section_by_code(code).ok_or_else(|| Problem::new(Code::SectionNotFound, format!("the event has no section {code}")))
}

pub(super) fn seats_not_found(seats: Vec<SeatName>) -> Problem {
    Problem::new(Code::SeatNotFound, some_of_the_seats(seats.len(), "does not exist", "do not exist", "seats")).with_seats(seats)
}

/// "1 of the seats is not available; `taken` lists it".
pub(super) fn some_of_the_seats(count: usize, is: &str, are: &str, field: &str) -> String {
    let (verb, them) = if count == 1 { (is, "it") } else { (are, "them") };
    format!("{count} of the seats {verb}; `{field}` lists {them}")
}

/// SHA-256 of what a claim asks for, however it is written: white space, the order of the fields and the order of the seats make no
/// difference.
pub(crate) fn fingerprint(wanted: &Wanted) -> [u8; 32] {
    let mut hasher = Sha256::new();
    match wanted {
        Wanted::Seats(seats) => {
            let mut seats = seats.clone();
            seats.sort_unstable();
            hasher.update(b"seats");
            for seat in seats {
                hasher.update(seat.section_no.to_be_bytes());
                hasher.update(seat.seat_no.to_be_bytes());
            }
        }
        Wanted::BestAvailable { section_no, quantity } => {
            hasher.update(b"best_available");
            hasher.update(section_no.to_be_bytes());
            hasher.update(quantity.to_be_bytes());
        }
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::layout;

    fn claim(seats: &[(&str, i32)]) -> ClaimIn {
        let seats = seats.iter().map(|(section, seat)| SeatName { section: (*section).into(), seat: Whole(*seat) }).collect();
        ClaimIn { seats: Some(seats), best_available: None }
    }

    fn best(section: &str, quantity: i32) -> ClaimIn {
        ClaimIn { seats: None, best_available: Some(BestAvailable { section: SectionCode(section.into()), quantity }) }
    }

    #[test]
    fn codes_become_numbers_in_the_order_asked() {
        let seats = vec![SeatRef { section_no: 2, seat_no: 5 }, SeatRef { section_no: 1, seat_no: 100 }];
        assert_eq!(claim(&[("B", 5), ("A", 100)]).wanted(&layout()).unwrap(), Wanted::Seats(seats));
        for quantity in [1, 2, 60] {
            assert_eq!(best("B", quantity).wanted(&layout()).unwrap(), Wanted::BestAvailable { section_no: 2, quantity });
        }
    }

    #[test]
    fn each_fault_has_its_code_and_field() {
        let refused = |claim: ClaimIn| {
            let problem = claim.wanted(&layout()).unwrap_err();
            (problem.code(), problem.field().map(str::to_owned))
        };
        let invalid = |field: &str| (Code::InvalidRequest, Some(field.to_owned()));
        assert_eq!(refused(claim(&[("Z", 1)])), (Code::SectionNotFound, None));
        assert_eq!(refused(claim(&[("A", 1), ("A", 101)])), (Code::SeatNotFound, None));
        let detail = |seats: &[(&str, i32)]| claim(seats).wanted(&layout()).unwrap_err().detail().to_owned();
        assert_eq!(detail(&[("A", 1), ("A", 101)]), "1 of the seats does not exist; `seats` lists it");
        assert_eq!(detail(&[("A", 1), ("A", 101), ("B", 61)]), "2 of the seats do not exist; `seats` lists them");
        assert_eq!(refused(claim(&[("A", 1), ("B", 1), ("A", 1)])), invalid("seats[2]"));
        assert_eq!(refused(best("Z", 1)), (Code::SectionNotFound, None));
        assert_eq!(refused(best("B", 61)), invalid("best_available.quantity"));
        assert_eq!(refused(ClaimIn { seats: None, best_available: None }), invalid("seats"));
        let both = ClaimIn { best_available: best("A", 1).best_available, ..claim(&[("A", 1)]) };
        assert_eq!(refused(both), invalid("best_available"));
    }

    #[test]
    fn the_fingerprint_is_of_the_request_not_of_its_spelling() {
        let of = |claim: ClaimIn| fingerprint(&claim.wanted(&layout()).unwrap());
        assert_eq!(of(claim(&[("A", 1), ("A", 2)])), of(claim(&[("A", 2), ("A", 1)])));
        assert_ne!(of(claim(&[("A", 1), ("A", 2)])), of(claim(&[("A", 1), ("A", 3)])));
        assert_ne!(of(claim(&[("A", 2)])), of(claim(&[("B", 2)])));
        assert_ne!(of(claim(&[("A", 2)])), of(best("A", 2)));
    }
}
