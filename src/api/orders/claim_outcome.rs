//! The answer to each outcome of a claim.

use time::{Duration, OffsetDateTime};

use crate::api::orders::claim::{seats_not_found, some_of_the_seats};
use crate::domain::{ClaimOutcome, Event, EventLayout, EventStatus, Order};
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::types::{SeatName, Time};

/// The order of a successful claim and whether it is a replay, or the problem. With `event`, the details say more.
///
/// # Errors
/// One problem for each outcome without an order.
pub(crate) fn order_of(outcome: ClaimOutcome, layout: &EventLayout, event: Option<&Event>) -> Result<(Order, bool), Problem> {
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
        ClaimOutcome::Cooldown { left_ms } => cooldown(left_ms),
        ClaimOutcome::CustomerLimit => Problem::new(Code::CustomerLimit, customer_limit(event)),
        ClaimOutcome::SeatTaken(seats) => {
            let detail = some_of_the_seats(seats.len(), "is not available", "are not available", "taken");
            Problem::new(Code::SeatTaken, detail).with_taken(SeatName::all(layout, &seats)?)
        }
        ClaimOutcome::SoldOut => Problem::plain(Code::SoldOut),
    })
}

fn cooldown(left_ms: i32) -> Problem {
    let left_s = left_ms.unsigned_abs().div_ceil(1_000);
    let detail = format!("too many of your orders ended unpaid; you can claim again in {left_s} s");
    Problem::passing(Code::Cooldown, left_s).with_detail(detail)
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
    match event.status {
        EventStatus::Paused => return "the event is paused".to_owned(),
        EventStatus::Closed => return "the sale of this event is closed".to_owned(),
        EventStatus::Draft | EventStatus::Open => {}
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
    use crate::domain::SeatRef;

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
            (ClaimOutcome::Cooldown { left_ms: 1 }, Code::Cooldown),
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
        let why = |status, on_sale_at, off_sale_at| why_not_on_sale(Some(&Event { status, on_sale_at, off_sale_at, ..event() }), now);
        let at = |moment| Some(moment);
        assert!(why(EventStatus::Paused, None, None).contains("paused"));
        assert!(why(EventStatus::Closed, None, None).contains("closed"));
        assert_eq!(why(EventStatus::Open, at(datetime!(2026-09-01 04:00 UTC)), None), "the sale begins at 2026-09-01T04:00:00.000Z");
        let ended = "the sale ended at 2026-08-31T20:00:00.000Z";
        assert_eq!(why(EventStatus::Open, None, at(datetime!(2026-08-31 20:00 UTC))), ended);
        assert_eq!(why(EventStatus::Open, at(datetime!(2026-08-01 00:00 UTC)), at(datetime!(2026-08-31 20:00 UTC))), ended);
        assert_eq!(why(EventStatus::Open, None, at(datetime!(2026-09-01 00:00:04 UTC))), "the sale ended at 2026-09-01T00:00:04.000Z");
        assert!(why(EventStatus::Open, None, at(datetime!(2026-09-01 00:00:06 UTC))).contains("was not on sale"));
        assert!(why(EventStatus::Open, None, None).contains("was not on sale"));
    }
}
