//! What the box office reads: sales, refunds due, dead letters.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use time::macros::datetime;

use crate::db::admin;
use crate::http::replies::Answer;
use crate::types::{OrderId, Time};

/// The sales of an event.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub struct SalesReport {
    /// Id of the event.
    pub event_id: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Revenue from the sold seats, in minor units.
    pub revenue_minor: i64,
    /// The sections.
    pub sections: Vec<SectionSales>,
}

/// The sales of a section.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub struct SectionSales {
    /// Its code.
    pub section: String,
    /// Its name.
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
    /// Seats withheld from sale.
    pub blocked: i32,
    /// Revenue from the sold seats, in minor units.
    pub revenue_minor: i64,
}

/// Payments that are owed back.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "RefundDueList", example)]
pub struct RefundsDue {
    /// The payments, oldest first.
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
    /// The order that the notice named; it may not exist.
    pub order_id: OrderId,
    /// What was paid, in minor units of the currency.
    pub amount_minor: i64,
    /// ISO 4217 code of the payment's currency.
    pub currency: String,
    /// When the notice was settled.
    pub received_at: Time,
}

/// Expiries that failed too often.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "DeadLetterList", example)]
pub struct DeadLetters {
    /// The dead letters.
    pub dead_letters: Vec<DeadLetter>,
}

/// An expiry that failed even after its retries.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub struct DeadLetter {
    /// The event of the order.
    pub event_id: i64,
    /// The order, still pending.
    pub order_id: OrderId,
    /// How many attempts failed.
    pub attempts: i32,
    /// Error of the last attempt.
    pub last_error: String,
    /// When the first attempt failed.
    pub first_failed_at: Time,
    /// When the last attempt failed.
    pub last_failed_at: Time,
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
