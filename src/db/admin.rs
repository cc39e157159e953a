//! What the box office reads and changes.

use time::OffsetDateTime;
use uuid::Uuid;

use super::migrate::{MIGRATION_STATE, MigrationState};
use super::row::from_row;
use super::{Db, DbError};

from_row! {
    /// The sales of a section.
    pub(crate) struct SectionSales {
        /// Its code.
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
}

from_row! {
    /// A payment that is owed back.
    pub(crate) struct RefundDue {
        /// The gateway's name.
        pub provider: String,
        /// The gateway's id of the payment.
        pub provider_reference: String,
        /// The order that the notice named; it may not exist.
        pub order_id: Uuid,
        /// What was paid, in minor units of the currency.
        pub amount_minor: i64,
        /// ISO 4217 code of the payment's currency.
        pub currency: String,
        /// When the notice was settled.
        pub received_at: OffsetDateTime,
        /// When the gateway reported that the payment failed after all.
        pub reversed_at: Option<OffsetDateTime>,
    }
}

from_row! {
    /// An expiry that failed even after its retries.
    pub(crate) struct DeadLetter {
        /// The event of the order.
        pub event_id: i64,
        /// The order, still pending.
        pub order_id: Uuid,
        /// How many attempts failed.
        pub attempts: i32,
        /// Error of the last attempt.
        pub last_error: String,
        /// When the first attempt failed.
        pub first_failed_at: OffsetDateTime,
        /// When the last attempt failed.
        pub last_failed_at: OffsetDateTime,
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
