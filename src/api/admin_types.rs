//! What goes in and out of the box office's operations.

use std::collections::BTreeSet;

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use time::macros::datetime;

use super::code::Code;
use super::json::input;
use super::problem::Problem;
use super::replies::Answer;
use super::values::{OrderId, SeatName, Time};
use crate::db::admin;
use crate::domain::SectionLayout;

/// Seats of one section, by number and by range; naming one twice does no harm.
#[derive(Debug, Object, Serialize)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
pub struct SeatSelection {
    /// Numbers of seats.
    #[oai(validator(min_items = 1, max_items = 10000, minimum(value = "1"), maximum(value = "1000000")))]
    pub seats: Option<Vec<i32>>,
    /// Ranges of seats.
    #[oai(validator(min_items = 1, max_items = 1000))]
    pub ranges: Option<Vec<SeatRange>>,
}
input!(SeatSelection);

/// The seats from one number to another, both included.
#[derive(Debug, Object, Serialize)]
#[oai(deny_unknown_fields, example)]
pub struct SeatRange {
    /// The first.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
    pub from: i32,
    /// The last; not below `from`.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
    pub to: i32,
}

impl SeatSelection {
    /// The numbers, ascending, each once.
    ///
    /// # Errors
    /// `invalid_request` for an empty selection or a range that ends before it begins; `seat_not_found` for the last seat
    /// when it is beyond the section.
    pub fn seat_nos(&self, section: &SectionLayout) -> Result<Vec<i32>, Problem> {
        let ranges = self.ranges.as_deref().unwrap_or_default();
        if let Some(index) = ranges.iter().position(|range| range.to < range.from) {
            return Err(Problem::invalid(format!("ranges[{index}].to"), "must not be below `from`"));
        }
        let last = self.seats.iter().flatten().copied().chain(ranges.iter().map(|range| range.to)).max();
        match last {
            None => Err(Problem::invalid("seats", "is missing: give `seats`, `ranges` or both")),
            Some(seat) if seat > section.capacity => {
                let detail = format!("section {} has {} seats", section.code, section.capacity);
                let seats = vec![SeatName { section: section.code.clone(), seat }];
                Err(Problem::new(Code::SeatNotFound, detail).with_seats(seats))
            }
            Some(_) => {
                let ranged = ranges.iter().flat_map(|range| range.from..=range.to);
                let seat_nos: BTreeSet<i32> = self.seats.iter().flatten().copied().chain(ranged).collect();
                Ok(seat_nos.into_iter().collect())
            }
        }
    }
}

/// How many seats were changed.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub struct SeatsChanged {
    /// Those that were so already are not counted.
    pub changed: i32,
}

/// What an event sold.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub struct SalesReport {
    /// Id of the event.
    pub event_id: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// What the sold seats brought, in minor units.
    pub revenue_minor: i64,
    /// The sections.
    pub sections: Vec<SectionSales>,
}

/// What a section sold.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub struct SectionSales {
    /// Its code.
    pub section: String,
    /// What people call it.
    pub name: String,
    /// Price of each seat in minor units.
    pub price_minor: i64,
    /// How many seats it has.
    pub capacity: i32,
    /// Seats on sale.
    pub available: i32,
    /// Seats held by pending orders.
    pub held: i32,
    /// Seats sold.
    pub sold: i32,
    /// Seats kept back.
    pub blocked: i32,
    /// What the sold seats brought, in minor units.
    pub revenue_minor: i64,
}

/// Payments that are owed back.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub struct RefundsDue {
    /// The payments, the oldest first.
    pub refunds: Vec<RefundDue>,
}

/// A payment that is owed back.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub struct RefundDue {
    /// The gateway's name.
    pub provider: String,
    /// The gateway's id of the payment.
    pub provider_reference: String,
    /// The order the notice named; it may be one that does not exist.
    pub order_id: OrderId,
    /// What was paid, in minor units of the currency.
    pub amount_minor: i64,
    /// ISO 4217 code of the money.
    pub currency: String,
    /// When the notice was settled.
    pub received_at: Time,
}

/// Expiries that could not be carried out.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub struct DeadLetters {
    /// The dead letters.
    pub dead_letters: Vec<DeadLetter>,
}

/// An expiry that could not be carried out after its retries.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub struct DeadLetter {
    /// The event of the order.
    pub event_id: i64,
    /// The order, still pending.
    pub order_id: OrderId,
    /// How many attempts failed.
    pub attempts: i32,
    /// What the last attempt said.
    pub last_error: String,
    /// When the first attempt failed.
    pub first_failed_at: Time,
    /// When the last attempt failed.
    pub last_failed_at: Time,
}

impl Answer for SeatsChanged {
    const MEANING: &'static str = "How many seats were changed.";
}

impl Answer for SalesReport {
    const MEANING: &'static str = "The report.";
}

impl Answer for RefundsDue {
    const MEANING: &'static str = "The payments that are owed back.";
}

impl Answer for DeadLetters {
    const MEANING: &'static str = "The dead letters.";
}

impl From<admin::SectionSales> for SectionSales {
    fn from(sales: admin::SectionSales) -> Self {
        Self {
            section: sales.code,
            name: sales.name,
            price_minor: sales.price_minor,
            capacity: sales.capacity,
            available: sales.available,
            held: sales.held,
            sold: sales.sold,
            blocked: sales.blocked,
            revenue_minor: sales.revenue_minor,
        }
    }
}

impl From<admin::RefundDue> for RefundDue {
    fn from(refund: admin::RefundDue) -> Self {
        Self {
            provider: refund.provider,
            provider_reference: refund.provider_reference,
            order_id: OrderId(refund.order_id),
            amount_minor: refund.amount_minor,
            currency: refund.currency,
            received_at: Time(refund.received_at),
        }
    }
}

impl From<admin::DeadLetter> for DeadLetter {
    fn from(letter: admin::DeadLetter) -> Self {
        Self {
            event_id: letter.event_id,
            order_id: OrderId(letter.order_id),
            attempts: letter.attempts,
            last_error: letter.last_error,
            first_failed_at: Time(letter.first_failed_at),
            last_failed_at: Time(letter.last_failed_at),
        }
    }
}

impl Example for SeatSelection {
    fn example() -> Self {
        Self { seats: Some(vec![101, 102]), ranges: Some(vec![SeatRange::example()]) }
    }
}

impl Example for SeatRange {
    fn example() -> Self {
        Self { from: 110, to: 120 }
    }
}

impl Example for SeatsChanged {
    fn example() -> Self {
        Self { changed: 13 }
    }
}

impl Example for SalesReport {
    fn example() -> Self {
        Self { event_id: 7, currency: "TWD".into(), revenue_minor: 168_000_000, sections: vec![SectionSales::example()] }
    }
}

impl Example for SectionSales {
    fn example() -> Self {
        Self {
            section: "A".into(),
            name: "Floor A".into(),
            price_minor: 280_000,
            capacity: 1000,
            available: 388,
            held: 2,
            sold: 600,
            blocked: 10,
            revenue_minor: 168_000_000,
        }
    }
}

impl Example for RefundsDue {
    fn example() -> Self {
        Self { refunds: vec![RefundDue::example()] }
    }
}

impl Example for RefundDue {
    fn example() -> Self {
        Self {
            provider: "acmepay".into(),
            provider_reference: "pay_8c1f20".into(),
            order_id: OrderId::example(),
            amount_minor: 560_000,
            currency: "TWD".into(),
            received_at: Time(datetime!(2026-09-01 04:02 UTC)),
        }
    }
}

impl Example for DeadLetters {
    fn example() -> Self {
        Self { dead_letters: vec![DeadLetter::example()] }
    }
}

impl Example for DeadLetter {
    fn example() -> Self {
        Self {
            event_id: 7,
            order_id: OrderId::example(),
            attempts: 10,
            last_error: "canceling statement due to lock timeout".into(),
            first_failed_at: Time(datetime!(2026-09-01 04:00:10.3 UTC)),
            last_failed_at: Time(datetime!(2026-09-01 04:02:01.5 UTC)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::layout;

    fn select(seats: &[i32], ranges: &[(i32, i32)]) -> Result<Vec<i32>, (Code, Option<String>)> {
        let ranges = ranges.iter().map(|(from, to)| SeatRange { from: *from, to: *to }).collect();
        let selection = SeatSelection { seats: Some(seats.to_vec()), ranges: Some(ranges) };
        let section = &layout().sections[1];
        selection.seat_nos(section).map_err(|problem| (problem.code(), problem.field().map(str::to_owned)))
    }

    #[test]
    fn seats_and_ranges_merge() {
        assert_eq!(select(&[5, 1], &[(4, 6), (6, 7)]), Ok(vec![1, 4, 5, 6, 7]));
        assert_eq!(select(&[], &[(1, 60)]).map(|seats| seats.len()), Ok(60));
    }

    #[test]
    fn selections_that_cannot_be() {
        assert_eq!(select(&[], &[]), Err((Code::InvalidRequest, Some("seats".into()))));
        assert_eq!(select(&[], &[(1, 2), (3, 2)]), Err((Code::InvalidRequest, Some("ranges[1].to".into()))));
        assert_eq!(select(&[61], &[]), Err((Code::SeatNotFound, None)));
        assert_eq!(select(&[], &[(1, 1_000_000)]), Err((Code::SeatNotFound, None)));
        assert_eq!(select(&[], &[(500, 600)]), Err((Code::SeatNotFound, None)));
    }
}
