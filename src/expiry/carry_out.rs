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
    /// How long it has been due, in milliseconds, where that is known.
    pub(super) lag_ms: Option<u64>,
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
                Ok(ended) => done += ended,
                Err(error) => tracing::warn!(event_id, orders = orders.len(), %error, "orders wait for their expiry"),
            }
        }
        done
    }

    /// Answers how many have ended. `Err` only when the database cannot be asked or somebody holds a lock: then nobody's attempt
    /// is spent, and the lease or the sweep brings the orders back.
    async fn expire(&self, event_id: i64, orders: &[Due]) -> Result<usize, DbError> {
        let ids: Vec<Uuid> = orders.iter().map(|order| order.order_id).collect();
        match self.db.expire_orders(event_id, &ids).await {
            Ok(outcomes) => {
                let ended = outcomes.iter().filter(|order| !matches!(order.outcome, ExpiryOutcome::NotDue { .. })).count();
                let lags_ms: HashMap<Uuid, Option<u64>> = orders.iter().map(|order| (order.order_id, order.lag_ms)).collect();
                for outcome in outcomes {
                    let lag_ms = lags_ms.get(&outcome.order_id).copied().flatten();
                    self.done(event_id, outcome, lag_ms).await;
                }
                Ok(ended)
            }
            Err(error @ (DbError::Unavailable(_) | DbError::Lost(_) | DbError::Outdated(_))) => Err(error),
            // One order that cannot be expired must not keep the others waiting: each by itself.
            Err(_) if orders.len() > 1 => {
                let mut ended = 0;
                for order in orders {
                    ended += Box::pin(self.expire(event_id, std::slice::from_ref(order))).await?;
                }
                Ok(ended)
            }
            Err(error) => self.failed(event_id, ids[0], &error).await.map(|()| 0),
        }
    }

    async fn done(&self, event_id: i64, expired: Expired, lag_ms: Option<u64>) {
        match expired.outcome {
            ExpiryOutcome::Expired => {
                self.metrics.order_expired(lag_ms.map(Duration::from_millis));
                self.queue.remove(event_id, expired.order_id);
            }
            ExpiryOutcome::NotDue { due_in_ms } => self.queue.postpone(event_id, expired.order_id, due_in_ms).await,
            ExpiryOutcome::NotPending | ExpiryOutcome::NotFound => self.queue.remove(event_id, expired.order_id),
        }
    }

    async fn failed(&self, event_id: i64, order_id: Uuid, error: &DbError) -> Result<(), DbError> {
        self.metrics.expiry_failed();
        tracing::error!(event_id, %order_id, %error, "an order cannot be expired");
        match self.db.record_expiry_failure(event_id, order_id, &error.to_string(), self.settings.attempts_max).await? {
            Retry::InMs(retry_in_ms) => self.queue.postpone(event_id, order_id, retry_in_ms).await,
            Retry::DeadLetter => {
                tracing::error!(event_id, %order_id, "its expiry is a dead letter now");
                self.queue.remove(event_id, order_id);
            }
        }
        Ok(())
    }
}
