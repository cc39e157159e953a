//! Expiring a set of orders of one event, and what becomes of those that cannot be expired.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use uuid::Uuid;

use super::Expiry;
use crate::db::{DbError, Expired, ExpiryOutcome, Retry};

/// An order that somebody found due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) event_id: i64,
    pub(super) order_id: Uuid,
    /// How long it has been due, in milliseconds, where that says something about the queue.
    pub(super) lag_ms: Option<u64>,
}

/// What became of orders that were to be expired.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settled {
    /// How many have ended.
    pub(super) ended: usize,
    /// Milliseconds until the last of those is due that were not yet.
    pub(super) due_in_ms: Option<i32>,
}

impl Settled {
    pub(super) fn add(&mut self, other: Self) {
        self.ended += other.ended;
        self.due_in_ms = self.due_in_ms.max(other.due_in_ms);
    }
}

impl Expiry {
    /// Expires what is due, event by event: one event's trouble must not keep another's seats. Says how many orders it is done with.
    pub(super) async fn carry_out(&self, due: &[Due]) -> usize {
        let mut by_event: BTreeMap<i64, Vec<Due>> = BTreeMap::new();
        for order in due {
            by_event.entry(order.event_id).or_default().push(*order);
        }
        let mut done = 0;
        for (event_id, orders) in by_event {
            match self.expire(event_id, &orders).await {
                Ok(settled) => done += settled.ended,
                Err(error) => tracing::warn!(event_id, orders = orders.len(), %error, "orders wait for their expiry"),
            }
        }
        done
    }

    /// Expires those of the event's orders that are due. `Err` only when the database cannot be asked or somebody holds a lock: then
    /// nobody's attempt is spent, and the lease or the sweep brings the orders back.
    pub(super) async fn expire(&self, event_id: i64, orders: &[Due]) -> Result<Settled, DbError> {
        let ids: Vec<Uuid> = orders.iter().map(|order| order.order_id).collect();
        match self.db.expire_orders(event_id, &ids).await {
            Ok(outcomes) => Ok(self.settled(orders, &outcomes)),
            Err(error @ (DbError::Unavailable(_) | DbError::Lost(_) | DbError::Outdated(_))) => Err(error),
            // One order that cannot be expired must not keep the others waiting: each by itself.
            Err(_) if orders.len() > 1 => {
                let mut settled = Settled::default();
                for order in orders {
                    settled.add(Box::pin(self.expire(event_id, std::slice::from_ref(order))).await?);
                }
                Ok(settled)
            }
            Err(error) => self.failed(event_id, ids[0], &error).await.map(|()| Settled::default()),
        }
    }

    fn settled(&self, orders: &[Due], outcomes: &[Expired]) -> Settled {
        let lags_ms: HashMap<Uuid, Option<u64>> = orders.iter().map(|order| (order.order_id, order.lag_ms)).collect();
        let mut settled = Settled::default();
        for expired in outcomes {
            match expired.outcome {
                ExpiryOutcome::Expired => {
                    let lag_ms = lags_ms.get(&expired.order_id).copied().flatten();
                    self.metrics.order_expired(lag_ms.map(Duration::from_millis));
                    settled.ended += 1;
                }
                ExpiryOutcome::NotDue { due_in_ms } => settled.due_in_ms = settled.due_in_ms.max(Some(due_in_ms)),
                ExpiryOutcome::NotPending | ExpiryOutcome::NotFound => settled.ended += 1,
            }
        }
        settled
    }

    /// Writes the failure down; from then on the order is the sweep's, which tries again when that is due.
    async fn failed(&self, event_id: i64, order_id: Uuid, error: &DbError) -> Result<(), DbError> {
        self.metrics.expiry_failed();
        tracing::error!(event_id, %order_id, %error, "an order cannot be expired");
        match self.db.record_expiry_failure(event_id, order_id, &error.to_string(), self.settings.attempts_max).await? {
            Retry::InMs(retry_in_ms) => tracing::warn!(event_id, %order_id, retry_in_ms, "its expiry is tried again"),
            Retry::DeadLetter => tracing::error!(event_id, %order_id, "its expiry is a dead letter now"),
        }
        Ok(())
    }
}
