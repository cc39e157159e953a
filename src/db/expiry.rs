//! Expiring orders, and recording expiries that fail.

use tokio_postgres::Client;
use uuid::Uuid;

use super::{Db, DbError, in_time};

/// What became of one order passed to [`Db::expire_orders`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpiryOutcome {
    /// Its seats are on sale again.
    Expired,
    /// Its deadline has not passed yet.
    NotDue {
        /// Milliseconds left, by the database's clock.
        due_in_ms: i32,
    },
    /// It was already paid, cancelled or expired.
    NotPending,
    /// Somebody else has locked it, its seats or their sections: its turn comes later.
    Locked,
    /// There is no such order.
    NotFound,
}

/// One order passed to [`Db::expire_orders`], and what became of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expired {
    /// The order.
    pub order_id: Uuid,
    /// What became of it.
    pub outcome: ExpiryOutcome,
}

/// A pending order past its deadline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overdue {
    /// Its event.
    pub event_id: i64,
    /// The order.
    pub order_id: Uuid,
}

/// What became of some old orders of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pruned {
    /// The event.
    pub event_id: i64,
    /// How many were deleted.
    pub deleted: u64,
}

/// What follows a failed expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpiryRetry {
    /// Try again in this many milliseconds.
    InMs(i32),
    /// It failed too often and is now a dead letter.
    DeadLetter,
}

impl Db {
    /// Expires those of the orders that are pending and due. With `passes_locks`, those whose seats or sections are locked are left out;
    /// otherwise one of them fails the call.
    pub(crate) async fn expire_orders(&self, event_id: i64, order_ids: &[Uuid], passes_locks: bool) -> Result<Vec<Expired>, DbError> {
        let sql = "select order_id, outcome, due_in_ms from rowlock.expire_orders($1, $2, $3)";
        let rows = self.query(sql, &[&event_id, &order_ids, &passes_locks]).await?;
        rows.iter()
            .map(|row| {
                let outcome = match row.get::<_, &str>(1) {
                    "expired" => ExpiryOutcome::Expired,
                    "not_due" => ExpiryOutcome::NotDue { due_in_ms: row.get(2) },
                    "not_pending" => ExpiryOutcome::NotPending,
                    "locked" => ExpiryOutcome::Locked,
                    "order_not_found" => ExpiryOutcome::NotFound,
                    other => return Err(DbError::Internal(format!("unknown expiry outcome {other}"))),
                };
                Ok(Expired { order_id: row.get(0), outcome })
            })
            .collect()
    }

    /// The pending orders of some deadlines, each named by the smallest id of its orders, and how many milliseconds each order is overdue
    /// (negative: not yet due).
    pub(crate) async fn claimed_together(&self, event_id: i64, first_order_ids: &[Uuid]) -> Result<Vec<(Uuid, i32)>, DbError> {
        let rows = self.query("select order_id, overdue_ms from rowlock.claimed_together($1, $2)", &[&event_id, &first_order_ids]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Up to `limit` pending orders whose deadline passed more than `grace_ms` ago, the most overdue first, after the first `passed`.
    pub(crate) async fn overdue_orders(&self, grace_ms: i32, limit: i32, passed: i32) -> Result<Vec<Overdue>, DbError> {
        let sql = "select event_id, order_id from rowlock.overdue_orders($1, $2, $3)";
        let rows = self.query(sql, &[&grace_ms, &limit, &passed]).await?;
        Ok(rows.iter().map(|row| Overdue { event_id: row.get(0), order_id: row.get(1) }).collect())
    }

    /// Deletes orders that ended unpaid at least so many days ago, of the first event from this one on that has any; `None`: none has.
    pub(crate) async fn prune_unpaid_orders(&self, from_event_id: i64, kept_days: i32, limit: i32) -> Result<Option<Pruned>, DbError> {
        let sql = "select o_event_id, o_deleted from rowlock.prune_unpaid_orders($1, $2, $3)";
        let row = self.query_one(sql, &[&from_event_id, &kept_days, &limit]).await?;
        let event_id: Option<i64> = row.get(0);
        Ok(event_id.map(|event_id| Pruned { event_id, deleted: u64::from(row.get::<_, i32>(1).unsigned_abs()) }))
    }

    /// Records that an expiry failed; returns when to try again.
    pub(crate) async fn record_expiry_failure(
        &self,
        event_id: i64,
        order_id: Uuid,
        error: &str,
        attempts_max: i32,
    ) -> Result<ExpiryRetry, DbError> {
        let sql = "select retry_in_ms from rowlock.record_expiry_failure( \
            p_event_id => $1, p_order_id => $2, p_error => $3, p_attempts_max => $4)";
        let row = self.query_one(sql, &[&event_id, &order_id, &error, &attempts_max]).await?;
        Ok(row.get::<_, Option<i32>>(0).map_or(ExpiryRetry::DeadLetter, ExpiryRetry::InMs))
    }
}

/// Runs `work` while this server, and no other, leads the sweep; `None` while another leads.
///
/// The lead is a transaction's advisory lock on a connection of its own: whatever ends the work early drops the connection, and with it
/// the lock.
pub(crate) async fn try_lead_sweep<F: Future>(client: &Client, work: F) -> Result<Option<F::Output>, DbError> {
    let lead = async {
        client.batch_execute("begin").await?;
        Ok::<bool, DbError>(client.query_one("select rowlock.try_lead_sweep()", &[]).await?.get(0))
    };
    let output = if in_time(lead).await? { Some(work.await) } else { None };
    in_time(async { client.batch_execute("commit").await.map_err(DbError::from) }).await?;
    Ok(output)
}
