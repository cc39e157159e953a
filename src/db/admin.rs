//! What the box office reads and changes.

use time::OffsetDateTime;
use uuid::Uuid;

use super::migrate::{MIGRATION_STATE, MigrationState};
use super::{Db, DbError};

/// One section in the sales report.
#[derive(Clone, Debug)]
pub(crate) struct SectionSales {
    /// Its code in the API.
    pub code: String,
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

/// Money that is owed back.
#[derive(Clone, Debug)]
pub(crate) struct RefundDue {
    /// The gateway's name.
    pub provider: String,
    /// The gateway's id of the payment.
    pub provider_reference: String,
    /// The order that the notice named.
    pub order_id: Uuid,
    /// What was paid, in minor units.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// When the notice was settled.
    pub received_at: OffsetDateTime,
}

/// An expiry that failed even after its retries.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetter {
    /// Its event.
    pub event_id: i64,
    /// The order.
    pub order_id: Uuid,
    /// How many attempts failed.
    pub attempts: i32,
    /// Error of the last one.
    pub last_error: String,
    /// When the first one failed.
    pub first_failed_at: OffsetDateTime,
    /// When the last one failed.
    pub last_failed_at: OffsetDateTime,
}

impl Db {
    /// Counts and revenue, section by section; empty when there is no such event.
    pub(crate) async fn sales_report(&self, event_id: i64) -> Result<Vec<SectionSales>, DbError> {
        let sql = "select code, name, price_minor, capacity, available, held, sold, blocked, revenue_minor from rowlock.sales_report($1)";
        let rows = self.query(sql, &[&event_id]).await?;
        Ok(rows
            .iter()
            .map(|row| SectionSales {
                code: row.get("code"),
                name: row.get("name"),
                price_minor: row.get("price_minor"),
                capacity: row.get("capacity"),
                available: row.get("available"),
                held: row.get("held"),
                sold: row.get("sold"),
                blocked: row.get("blocked"),
                revenue_minor: row.get("revenue_minor"),
            })
            .collect())
    }

    /// Up to `limit` payments that are owed back, oldest first.
    pub(crate) async fn refunds_due(&self, event_id: i64, limit: i32) -> Result<Vec<RefundDue>, DbError> {
        let sql = "select provider, provider_reference, order_id, amount_minor, currency, received_at from rowlock.refunds_due($1, $2)";
        let rows = self.query(sql, &[&event_id, &limit]).await?;
        Ok(rows
            .iter()
            .map(|row| RefundDue {
                provider: row.get("provider"),
                provider_reference: row.get("provider_reference"),
                order_id: row.get("order_id"),
                amount_minor: row.get("amount_minor"),
                currency: row.get("currency"),
                received_at: row.get("received_at"),
            })
            .collect())
    }

    /// Up to `limit` dead letters, of one event or of all.
    pub(crate) async fn list_dead_letters(&self, event_id: Option<i64>, limit: i32) -> Result<Vec<DeadLetter>, DbError> {
        let sql = "select event_id, order_id, attempts, last_error, first_failed_at, last_failed_at \
            from rowlock.list_dead_letters($1, $2)";
        let rows = self.query(sql, &[&event_id, &limit]).await?;
        Ok(rows
            .iter()
            .map(|row| DeadLetter {
                event_id: row.get("event_id"),
                order_id: row.get("order_id"),
                attempts: row.get("attempts"),
                last_error: row.get("last_error"),
                first_failed_at: row.get("first_failed_at"),
                last_failed_at: row.get("last_failed_at"),
            })
            .collect())
    }

    /// Gives a dead letter a new set of attempts, the first of them at once.
    ///
    /// # Errors
    /// `dead_letter_not_found`.
    pub(crate) async fn redrive_dead_letter(&self, event_id: i64, order_id: Uuid) -> Result<(), DbError> {
        self.query("select rowlock.redrive_dead_letter($1, $2)", &[&event_id, &order_id]).await.map(drop)
    }

    /// Takes available seats off sale, all or none; returns how many changed.
    ///
    /// # Errors
    /// `section_not_found`, `seat_not_found`; `seats_not_blockable` when some are held or sold.
    pub(crate) async fn block_seats(&self, event_id: i64, section_no: i32, seat_nos: &[i32]) -> Result<i32, DbError> {
        Ok(self.query_one("select rowlock.block_seats($1, $2, $3)", &[&event_id, &section_no, &seat_nos]).await?.get(0))
    }

    /// Puts blocked seats on sale again; returns how many changed.
    ///
    /// # Errors
    /// `section_not_found`, `seat_not_found`.
    pub(crate) async fn unblock_seats(&self, event_id: i64, section_no: i32, seat_nos: &[i32]) -> Result<i32, DbError> {
        Ok(self.query_one("select rowlock.unblock_seats($1, $2, $3)", &[&event_id, &section_no, &seat_nos]).await?.get(0))
    }

    /// How far the database is migrated.
    pub(crate) async fn migration_state(&self) -> Result<MigrationState, DbError> {
        Ok(self.query_one(MIGRATION_STATE, &[]).await?.into())
    }
}
