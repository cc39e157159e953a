//! What the box office reads and changes. A row that it reads is the same type in the database's answer and in the API's.

use poem_openapi::Object;
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

use super::migrate::{MIGRATION_STATE, MigrationState};
use super::{Db, DbError};
use crate::types::{
    Amount, Capacity, CurrencyCode, EventId, Name, OrderId, Price, Provider, ProviderReference, SeatCount, SectionCode, Text, Time, Whole,
};

/// The sales of a section.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct SectionSales {
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

impl From<&Row> for SectionSales {
    fn from(row: &Row) -> Self {
        Self {
            section: SectionCode(row.get("code")),
            name: row.get::<_, String>("name").into(),
            price_minor: Whole(row.get("price_minor")),
            capacity: Whole(row.get("capacity")),
            available: Whole(row.get("available")),
            held: Whole(row.get("held")),
            sold: Whole(row.get("sold")),
            blocked: Whole(row.get("blocked")),
            revenue_minor: Whole(row.get("revenue_minor")),
        }
    }
}

/// A payment that is owed back.
#[derive(Debug, Object, Serialize)]
#[oai(example, skip_serializing_if_is_none)]
pub(crate) struct RefundDue {
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

impl From<&Row> for RefundDue {
    fn from(row: &Row) -> Self {
        Self {
            provider: row.get::<_, String>("provider").into(),
            provider_reference: row.get::<_, String>("provider_reference").into(),
            order_id: OrderId(row.get("order_id")),
            amount_minor: Whole(row.get("amount_minor")),
            currency: CurrencyCode(row.get("currency")),
            received_at: Time(row.get("received_at")),
            reversed_at: row.get::<_, Option<_>>("reversed_at").map(Time),
        }
    }
}

/// An expiry that failed even after its retries.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct DeadLetter {
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

impl From<&Row> for DeadLetter {
    fn from(row: &Row) -> Self {
        Self {
            event_id: EventId(row.get("event_id")),
            order_id: OrderId(row.get("order_id")),
            attempts: Whole(row.get("attempts")),
            last_error: row.get::<_, String>("last_error").into(),
            first_failed_at: Time(row.get("first_failed_at")),
            last_failed_at: Time(row.get("last_failed_at")),
        }
    }
}

impl Db {
    /// Counts and revenue, section by section; empty when there is no such event.
    pub(crate) async fn sales_report(&self, event_id: i64) -> Result<Vec<SectionSales>, DbError> {
        let sql = "select code, name, price_minor, capacity, available, held, sold, blocked, revenue_minor from rowlock.sales_report($1)";
        let rows = self.query(sql, &[&event_id]).await?;
        Ok(rows.iter().map(SectionSales::from).collect())
    }

    /// Up to `limit` payments that are owed back, oldest first.
    pub(crate) async fn refunds_due(&self, event_id: i64, limit: i32) -> Result<Vec<RefundDue>, DbError> {
        let sql = "select provider, provider_reference, order_id, amount_minor, currency, received_at, reversed_at \
            from rowlock.refunds_due($1, $2)";
        let rows = self.query(sql, &[&event_id, &limit]).await?;
        Ok(rows.iter().map(RefundDue::from).collect())
    }

    /// Up to `limit` dead letters, of one event or of all.
    pub(crate) async fn list_dead_letters(&self, event_id: Option<i64>, limit: i32) -> Result<Vec<DeadLetter>, DbError> {
        let sql = "select event_id, order_id, attempts, last_error, first_failed_at, last_failed_at \
            from rowlock.list_dead_letters($1, $2)";
        let rows = self.query(sql, &[&event_id, &limit]).await?;
        Ok(rows.iter().map(DeadLetter::from).collect())
    }

    /// Gives a dead letter a new set of attempts, the first of them at once.
    ///
    /// # Errors
    /// `dead_letter_not_found`.
    pub(crate) async fn redrive_dead_letter(&self, event_id: i64, order_id: Uuid) -> Result<(), DbError> {
        self.query("select rowlock.redrive_dead_letter($1, $2)", &[&event_id, &order_id]).await.map(drop)
    }

    /// Takes the available seats in these ranges, from first to last, off sale, all or none; returns how many changed.
    ///
    /// # Errors
    /// `section_not_found`, `seat_not_found`; `seats_not_blockable` when some are held or sold.
    pub(crate) async fn block_seats(&self, event_id: i64, section_no: i32, ranges: &[(i32, i32)]) -> Result<i32, DbError> {
        self.change_blocked(
            "select rowlock.block_seats(p_event_id => $1, p_section_no => $2, p_first_seats => $3, p_last_seats => $4)",
            event_id,
            section_no,
            ranges,
        )
        .await
    }

    /// Puts the blocked seats in these ranges on sale again; returns how many changed.
    ///
    /// # Errors
    /// `section_not_found`, `seat_not_found`.
    pub(crate) async fn unblock_seats(&self, event_id: i64, section_no: i32, ranges: &[(i32, i32)]) -> Result<i32, DbError> {
        self.change_blocked(
            "select rowlock.unblock_seats(p_event_id => $1, p_section_no => $2, p_first_seats => $3, p_last_seats => $4)",
            event_id,
            section_no,
            ranges,
        )
        .await
    }

    async fn change_blocked(&self, sql: &str, event_id: i64, section_no: i32, ranges: &[(i32, i32)]) -> Result<i32, DbError> {
        let (firsts, lasts): (Vec<_>, Vec<_>) = ranges.iter().copied().unzip();
        Ok(self.query_one(sql, &[&event_id, &section_no, &firsts, &lasts]).await?.get(0))
    }

    /// How far the database is migrated.
    pub(crate) async fn migration_state(&self) -> Result<MigrationState, DbError> {
        Ok(self.query_one(MIGRATION_STATE, &[]).await?.into())
    }
}
