//! What the box office reads: lists of what [`db::admin`](crate::db::admin) returns, and examples of it.

use poem_openapi::Object;
use serde::Serialize;
use time::macros::datetime;

use crate::db::admin::{DeadLetter, RefundDue, SectionSales};
use crate::http::replies::answer;
use crate::types::{Amount, CurrencyCode, EventId, OrderId, SectionCode, Time, Whole, example};

/// The sales of an event.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct SalesReport {
    /// Id of the event.
    pub event_id: EventId,
    /// ISO 4217 code.
    pub currency: CurrencyCode,
    /// Revenue from the sold seats, in minor units.
    pub revenue_minor: Amount,
    /// The sections.
    #[oai(validator(min_items = 1, max_items = 500))]
    pub sections: Vec<SectionSales>,
}

/// Payments that are owed back.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "RefundDueList", example)]
pub(crate) struct RefundsDue {
    /// The payments, oldest first.
    #[oai(validator(max_items = 1000))]
    pub refunds: Vec<RefundDue>,
}

/// Expiries that failed too often.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "DeadLetterList", example)]
pub(crate) struct DeadLetters {
    /// The dead letters.
    #[oai(validator(max_items = 1000))]
    pub dead_letters: Vec<DeadLetter>,
}

answer!(SalesReport = "The report.");
answer!(RefundsDue = "The payments that are owed back.");
answer!(DeadLetters = "The dead letters.");

example!(SalesReport {
    event_id: EventId(7),
    currency: CurrencyCode("TWD".into()),
    revenue_minor: Whole(168_000_000),
    sections: vec![SectionSales::example()],
});

example!(SectionSales {
    section: SectionCode("A".into()),
    name: "Floor A".into(),
    price_minor: Whole(280_000),
    capacity: Whole(1000),
    available: Whole(388),
    held: Whole(2),
    sold: Whole(600),
    blocked: Whole(10),
    revenue_minor: Whole(168_000_000),
});

example!(RefundsDue { refunds: vec![RefundDue::example()] });

example!(RefundDue {
    provider: "acmepay".into(),
    provider_reference: "pay_8c1f20".into(),
    order_id: OrderId::example(),
    amount_minor: Whole(560_000),
    currency: CurrencyCode("TWD".into()),
    received_at: Time(datetime!(2026-09-01 04:02 UTC)),
    reversed_at: None,
});

example!(DeadLetters { dead_letters: vec![DeadLetter::example()] });

example!(DeadLetter {
    event_id: EventId(7),
    order_id: OrderId::example(),
    attempts: Whole(10),
    last_error: "canceling statement due to lock timeout".into(),
    first_failed_at: Time(datetime!(2026-09-01 04:00:10.3 UTC)),
    last_failed_at: Time(datetime!(2026-09-01 04:02:01.5 UTC)),
});
