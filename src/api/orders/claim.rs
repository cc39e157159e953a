//! The claim as a request: what it asks for, its fingerprint, and the answer to each outcome.

use std::collections::HashSet;

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use crate::domain::{ClaimOutcome, Event, EventLayout, Order, SeatRef, SectionLayout, Wanted};
use crate::http::body::input;
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::types::{SeatName, SectionCode, Time};

/// The seats a customer wants: either exactly these `seats`, all or none, or `best_available`.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Claim", deny_unknown_fields, example, skip_serializing_if_is_none)]
pub struct ClaimIn {
    /// Exactly these seats, each once.
    #[oai(validator(min_items = 1, max_items = 100))]
    pub seats: Option<Vec<SeatName>>,
    /// Any seats of a section: next to each other in one row if possible, otherwise as close together as possible.
    pub best_available: Option<BestAvailable>,
}
input!(ClaimIn);

/// Any seats of a section.
#[derive(Debug, Object, Serialize)]
#[oai(deny_unknown_fields, example)]
pub struct BestAvailable {
    /// Code of the section.
    pub section: SectionCode,
    /// Number of seats, at most as many as the section has.
    #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
    pub quantity: i32,
}

impl Example for ClaimIn {
    fn example() -> Self {
        let seat = |seat| SeatName { section: "A".into(), seat };
        Self { seats: Some(vec![seat(12), seat(13)]), best_available: None }
    }
}

impl Example for BestAvailable {
    fn example() -> Self {
        Self { section: SectionCode("A".into()), quantity: 2 }
    }
}

impl ClaimIn {
    /// The seats wanted, as numbers.
    ///
    /// # Errors
    /// `invalid_request` for both forms or neither, a repeated seat, or more seats than the section has; `section_not_found`;
    /// `seat_not_found` listing every seat that does not exist.
    pub fn wanted(&self, layout: &EventLayout) -> Result<Wanted, Problem> {
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
        if !(1..=section.capacity).contains(&name.seat) {
            unknown.push(name.clone());
        }
        seats.push(SeatRef { section_no: section.section_no, seat_no: name.seat });
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

fn seats_not_found(seats: Vec<SeatName>) -> Problem {
    Problem::new(Code::SeatNotFound, format!("seats that do not exist: {}", seats.len())).with_seats(seats)
}

/// SHA-256 of what a claim asks for, however it is written: white space, the order of the fields and the order of the seats make no
/// difference.
pub fn fingerprint(wanted: &Wanted) -> [u8; 32] {
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

/// The order of a successful claim and whether it is a replay, or the problem. With `event`, the details say more.
///
/// # Errors
/// One problem for each outcome without an order.
pub fn order_of(outcome: ClaimOutcome, layout: &EventLayout, event: Option<&Event>) -> Result<(Order, bool), Problem> {
    Err(match outcome {
        ClaimOutcome::Claimed(order) => return Ok((order, false)),
        ClaimOutcome::Replayed(order) => return Ok((order, true)),
        ClaimOutcome::IdempotencyKeyReused => Problem::plain(Code::IdempotencyKeyReused),
        ClaimOutcome::EventNotFound => Problem::plain(Code::EventNotFound),
        ClaimOutcome::NotOnSale => Problem::new(Code::NotOnSale, why_not_on_sale(event, OffsetDateTime::now_utc())),
        ClaimOutcome::SectionNotFound => Problem::plain(Code::SectionNotFound),
        ClaimOutcome::SeatNotFound(seats) => seats_not_found(SeatName::all(layout, &seats)?),
        ClaimOutcome::DuplicateSeat => Problem::invalid("seats", "must not list a seat twice"),
        ClaimOutcome::TooManySeats => Problem::invalid("seats", "must have 1 to 100 items"),
        ClaimOutcome::CustomerLimit => Problem::new(Code::CustomerLimit, customer_limit(event)),
        ClaimOutcome::SeatTaken(seats) => {
            Problem::new(Code::SeatTaken, format!("seats not available: {}", seats.len())).with_taken(SeatName::all(layout, &seats)?)
        }
        ClaimOutcome::SoldOut => Problem::plain(Code::SoldOut),
    })
}

fn customer_limit(event: Option<&Event>) -> String {
    event.map_or_else(
        || Code::CustomerLimit.meaning().to_owned(),
        |event| format!("the event allows each customer {} seats, held and bought together", event.seats_per_customer),
    )
}

/// The database decides by its own clock, which may be ahead of the server's.
const CLOCK_SLACK: Duration = Duration::seconds(5);

fn why_not_on_sale(event: Option<&Event>, now: OffsetDateTime) -> String {
    let Some(event) = event else { return Code::NotOnSale.meaning().to_owned() };
    match event.status.as_str() {
        "paused" => return "the event is paused".to_owned(),
        "closed" => return "the sale of this event is closed".to_owned(),
        _ => {}
    }
    match (event.on_sale_at, event.off_sale_at) {
        (Some(on_sale_at), _) if on_sale_at > now => format!("the sale begins at {}", Time(on_sale_at)),
        (_, Some(off_sale_at)) if off_sale_at <= now + CLOCK_SLACK => format!("the sale ended at {}", Time(off_sale_at)),
        _ => "the event was not on sale when the claim arrived".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::api::testing::{event, layout};

    fn claim(seats: &[(&str, i32)]) -> ClaimIn {
        let seats = seats.iter().map(|(section, seat)| SeatName { section: (*section).into(), seat: *seat }).collect();
        ClaimIn { seats: Some(seats), best_available: None }
    }

    fn best(section: &str, quantity: i32) -> ClaimIn {
        ClaimIn { seats: None, best_available: Some(BestAvailable { section: SectionCode(section.into()), quantity }) }
    }

    #[test]
    fn codes_become_numbers_in_the_order_asked() {
        let seats = vec![SeatRef { section_no: 2, seat_no: 5 }, SeatRef { section_no: 1, seat_no: 100 }];
        assert_eq!(claim(&[("B", 5), ("A", 100)]).wanted(&layout()).unwrap(), Wanted::Seats(seats));
        assert_eq!(best("B", 2).wanted(&layout()).unwrap(), Wanted::BestAvailable { section_no: 2, quantity: 2 });
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

    #[test]
    fn every_outcome_without_an_order_is_a_problem() {
        let refused = |outcome| order_of(outcome, &layout(), Some(&event())).unwrap_err().code();
        let seat = SeatRef { section_no: 1, seat_no: 3 };
        let table = [
            (ClaimOutcome::IdempotencyKeyReused, Code::IdempotencyKeyReused),
            (ClaimOutcome::EventNotFound, Code::EventNotFound),
            (ClaimOutcome::NotOnSale, Code::NotOnSale),
            (ClaimOutcome::SectionNotFound, Code::SectionNotFound),
            (ClaimOutcome::SeatNotFound(vec![seat]), Code::SeatNotFound),
            (ClaimOutcome::DuplicateSeat, Code::InvalidRequest),
            (ClaimOutcome::TooManySeats, Code::InvalidRequest),
            (ClaimOutcome::CustomerLimit, Code::CustomerLimit),
            (ClaimOutcome::SeatTaken(vec![seat]), Code::SeatTaken),
            (ClaimOutcome::SoldOut, Code::SoldOut),
        ];
        for (outcome, code) in table {
            assert_eq!(refused(outcome.clone()), code, "{outcome:?}");
        }
    }

    #[test]
    fn the_detail_says_why_the_event_is_not_on_sale() {
        let now = datetime!(2026-09-01 00:00 UTC);
        let why = |status: &str, on_sale_at, off_sale_at| {
            why_not_on_sale(Some(&Event { status: status.into(), on_sale_at, off_sale_at, ..event() }), now)
        };
        let at = |moment| Some(moment);
        assert!(why("paused", None, None).contains("paused"));
        assert!(why("closed", None, None).contains("closed"));
        assert_eq!(why("open", at(datetime!(2026-09-01 04:00 UTC)), None), "the sale begins at 2026-09-01T04:00:00.000Z");
        let ended = "the sale ended at 2026-08-31T20:00:00.000Z";
        assert_eq!(why("open", None, at(datetime!(2026-08-31 20:00 UTC))), ended);
        assert_eq!(why("open", at(datetime!(2026-08-01 00:00 UTC)), at(datetime!(2026-08-31 20:00 UTC))), ended);
        assert_eq!(why("open", None, at(datetime!(2026-09-01 00:00:04 UTC))), "the sale ended at 2026-09-01T00:00:04.000Z");
        assert!(why("open", None, at(datetime!(2026-09-01 00:01 UTC))).contains("was not on sale"));
        assert!(why("open", None, None).contains("was not on sale"));
    }
}
