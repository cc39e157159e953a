//! What the box office reads.

use poem_openapi::Object;
use serde::Serialize;
use time::macros::datetime;

use crate::db::admin::{DeadLetter, RefundDue, SectionSales};
use crate::http::replies::answer;
use crate::types::{
    Amount, Capacity, CurrencyCode, EventId, Name, OrderId, Price, Provider, ProviderReference, SeatCount, SectionCode, Text, Time, Whole,
    example,
};

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
    pub sections: Vec<SectionSalesOut>,
}

/// The sales of a section.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "SectionSales", example)]
pub(crate) struct SectionSalesOut {
    /// Its code.
    pub section: SectionCode,
    /// Its name.
    pub name: Name,
    /// Price of each seat in minor units.
    pub price_minor: Price,
    /// How many seats it has.
    pub capacity: Capacity,
    /// Seats on sale.
    pub available: SeatCount,
    /// Seats held by pending orders.
    pub held: SeatCount,
    /// Seats sold.
    pub sold: SeatCount,
    /// Seats withheld from sale.
    pub blocked: SeatCount,
    /// Revenue from the sold seats, in minor units.
    pub revenue_minor: Amount,
}

impl From<SectionSales> for SectionSalesOut {
    fn from(sales: SectionSales) -> Self {
        Self {
            section: SectionCode(sales.code),
            name: sales.name.into(),
            price_minor: Whole(sales.price_minor),
            capacity: Whole(sales.capacity),
            available: Whole(sales.available),
            held: Whole(sales.held),
            sold: Whole(sales.sold),
            blocked: Whole(sales.blocked),
            revenue_minor: Whole(sales.revenue_minor),
        }
    }
}

/// Payments that are owed back.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct RefundDueList {
    /// The payments, oldest first.
    #[oai(validator(max_items = 1000))]
    pub refunds: Vec<RefundDueOut>,
}

/// A payment that is owed back.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "RefundDue", example, skip_serializing_if_is_none)]
pub(crate) struct RefundDueOut {
    /// The gateway's name.
    pub provider: Provider,
    /// The gateway's id of the payment.
    pub provider_reference: ProviderReference,
    /// The order that the notice named; it may not exist.
    pub order_id: OrderId,
    /// What was paid, in minor units of the currency.
    pub amount_minor: Amount,
    /// ISO 4217 code of the payment's currency.
    pub currency: CurrencyCode,
    /// When the notice was settled.
    pub received_at: Time,
    /// When the gateway reported that the payment failed after all: ask it whether the money has gone back already. Absent if it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reversed_at: Option<Time>,
}

impl From<RefundDue> for RefundDueOut {
    fn from(refund: RefundDue) -> Self {
        Self {
            provider: refund.provider.into(),
            provider_reference: refund.provider_reference.into(),
            order_id: OrderId(refund.order_id),
            amount_minor: Whole(refund.amount_minor),
            currency: CurrencyCode(refund.currency),
            received_at: Time(refund.received_at),
            reversed_at: refund.reversed_at.map(Time),
        }
    }
}

/// Expiries that failed too often.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct DeadLetterList {
    /// The dead letters.
    #[oai(validator(max_items = 1000))]
    pub dead_letters: Vec<DeadLetterOut>,
}

/// An expiry that failed even after its retries.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "DeadLetter", example)]
pub(crate) struct DeadLetterOut {
    /// The event of the order.
    pub event_id: EventId,
    /// The order, still pending.
    pub order_id: OrderId,
    /// How many attempts failed.
    pub attempts: Whole<i32, 1>,
    /// Error of the last attempt.
    pub last_error: Text<0, 2000>,
    /// When the first attempt failed.
    pub first_failed_at: Time,
    /// When the last attempt failed.
    pub last_failed_at: Time,
}

impl From<DeadLetter> for DeadLetterOut {
    fn from(letter: DeadLetter) -> Self {
        Self {
            event_id: EventId(letter.event_id),
            order_id: OrderId(letter.order_id),
            attempts: Whole(letter.attempts),
            last_error: letter.last_error.into(),
            first_failed_at: Time(letter.first_failed_at),
            last_failed_at: Time(letter.last_failed_at),
        }
    }
}

answer!(SalesReport = "The report.");
answer!(RefundDueList = "The payments that are owed back.");
answer!(DeadLetterList = "The dead letters.");

example!(SalesReport {
    event_id: EventId(7),
    currency: CurrencyCode("TWD".into()),
    revenue_minor: Whole(168_000_000),
    sections: vec![SectionSalesOut::example()],
});

example!(SectionSalesOut {
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

example!(RefundDueList { refunds: vec![RefundDueOut::example()] });

example!(RefundDueOut {
    provider: "acmepay".into(),
    provider_reference: "pay_8c1f20".into(),
    order_id: OrderId::example(),
    amount_minor: Whole(560_000),
    currency: CurrencyCode("TWD".into()),
    received_at: Time(datetime!(2026-09-01 04:02 UTC)),
    reversed_at: None,
});

example!(DeadLetterList { dead_letters: vec![DeadLetterOut::example()] });

example!(DeadLetterOut {
    event_id: EventId(7),
    order_id: OrderId::example(),
    attempts: Whole(10),
    last_error: "canceling statement due to lock timeout".into(),
    first_failed_at: Time(datetime!(2026-09-01 04:00:10.3 UTC)),
    last_failed_at: Time(datetime!(2026-09-01 04:02:01.5 UTC)),
});
