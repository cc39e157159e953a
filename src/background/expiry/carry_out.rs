//! Expiring a set of orders, and handling those that cannot be expired.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use futures_util::future::join_all;
use uuid::Uuid;

use super::Expiry;
use crate::db::{DbError, Expired, ExpiryOutcome, ExpiryRetry};

/// An order that is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) event_id: i64,
    pub(super) order_id: Uuid,
    /// Its deadline, if it should count for the expiry lag.
    pub(super) since: Option<Instant>,
}

/// What became of orders that were to be expired.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CarriedOut {
    /// How many have ended.
    pub(super) ended: usize,
    /// How many could not be tried, mostly because somebody has locked them: their turn comes later, and nothing failed.
    pub(super) left: usize,
    /// Milliseconds until the first of the orders that were not yet due.
    pub(super) due_in_ms: Option<i32>,
}

impl CarriedOut {
    pub(super) fn add(&mut self, other: Self) {
        self.ended += other.ended;
        self.left += other.left;
        other.due_in_ms.into_iter().for_each(|due_in_ms| self.is_due_in(due_in_ms));
    }

    pub(super) fn is_due_in(&mut self, due_in_ms: i32) {
        self.due_in_ms = Some(self.due_in_ms.map_or(due_in_ms, |least| least.min(due_in_ms)));
    }
}

impl Expiry {
    /// Expires what is due, all events in parallel: one event's trouble must not hold up another's seats.
    pub(super) async fn carry_out(&self, due: &[Due]) -> CarriedOut {
        let mut by_event: BTreeMap<i64, Vec<Due>> = BTreeMap::new();
        for order in due {
            by_event.entry(order.event_id).or_default().push(*order);
        }
        let outcomes = join_all(by_event.iter().map(|(event_id, orders)| self.expire(*event_id, orders))).await;
        let mut all = CarriedOut::default();
        for ((event_id, orders), outcome) in by_event.iter().zip(outcomes) {
            match outcome {
                Ok(carried_out) => all.add(carried_out),
                Err(DbError::Outage(_)) => {}
                Err(error) => {
                    if self.logs_failure() {
                        tracing::warn!(event_id, orders = orders.len(), %error, "orders could not be expired yet");
                    }
                    all.left += orders.len();
                }
            }
        }
        all
    }

    /// Expires those of the event's orders that are due. `Err` only when the database cannot be asked or somebody has locked a table: that
    /// does not count as an attempt, nor does a locked order, and the lease or the sweep brings the orders back.
    pub(super) async fn expire(&self, event_id: i64, orders: &[Due]) -> Result<CarriedOut, DbError> {
        let ids: Vec<Uuid> = orders.iter().map(|order| order.order_id).collect();
        let mut passes_locks = self.locks.were_met();
        let mut outcomes = self.db.expire_orders(event_id, &ids, passes_locks).await;
        if matches!(outcomes, Err(DbError::Locked(_))) && !passes_locks {
            passes_locks = true;
            outcomes = self.db.expire_orders(event_id, &ids, passes_locks).await;
        }
        match outcomes {
            Ok(outcomes) => {
                let left = outcomes.iter().filter(|expired| expired.outcome == ExpiryOutcome::Locked).count();
                if passes_locks && left > 0 {
                    self.locks.met(event_id, left);
                }
                Ok(self.carried_out(orders, &outcomes))
            }
            Err(error) if error.is_passing() || matches!(error, DbError::Outdated(_)) => Err(error),
            // One order that cannot be expired must not hold up the others: the set is halved until that order is alone.
            Err(_) if orders.len() > 1 => {
                let (some, others) = orders.split_at(orders.len() / 2);
                let mut carried_out = Box::pin(self.expire(event_id, some)).await?;
                carried_out.add(Box::pin(self.expire(event_id, others)).await?);
                Ok(carried_out)
            }
            Err(error) => self.failed(event_id, ids[0], &error).await.map(|()| CarriedOut::default()),
        }
    }

    fn carried_out(&self, orders: &[Due], outcomes: &[Expired]) -> CarriedOut {
        let due_since: HashMap<Uuid, Option<Instant>> = orders.iter().map(|order| (order.order_id, order.since)).collect();
        let mut carried_out = CarriedOut::default();
        for expired in outcomes {
            match expired.outcome {
                ExpiryOutcome::Expired => {
                    let since = due_since.get(&expired.order_id).copied().flatten();
                    self.metrics.order_expired(since.map(|since| since.elapsed()));
                    carried_out.ended += 1;
                }
                ExpiryOutcome::NotDue { due_in_ms } => carried_out.is_due_in(due_in_ms),
                ExpiryOutcome::Locked => carried_out.left += 1,
                ExpiryOutcome::NotPending | ExpiryOutcome::NotFound => carried_out.ended += 1,
            }
        }
        carried_out
    }

    /// Records the failure; from then on the sweep handles the order and retries it when that is due.
    async fn failed(&self, event_id: i64, order_id: Uuid, error: &DbError) -> Result<(), DbError> {
        self.metrics.expiry_failed();
        tracing::error!(event_id, %order_id, %error, "an order cannot be expired");
        match self.db.record_expiry_failure(event_id, order_id, &error.to_string(), self.settings.expiry_attempts_max).await? {
            ExpiryRetry::InMs(retry_in_ms) => tracing::warn!(event_id, %order_id, retry_in_ms, "its expiry will be retried"),
            ExpiryRetry::DeadLetter => tracing::error!(event_id, %order_id, "its expiry is now a dead letter"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::locks::Locks;
    use super::*;
    use crate::config::ExpirySettings;
    use crate::db::{Db, Endpoint, SessionTimeouts};
    use crate::log_limit::LogLimit;
    use crate::metrics::Metrics;
    use crate::redis::{ExpiryQueue, RedisLink};

    #[tokio::test]
    async fn whatever_is_not_pending_is_done_with_and_whatever_is_not_due_or_locked_comes_again() {
        let endpoint = Endpoint::new("postgres://nobody@127.0.0.1:1/nothing", None).unwrap();
        let expiry = Expiry {
            db: Db::new(&endpoint, 1, SessionTimeouts::EXPIRY).unwrap(),
            queue: ExpiryQueue::new(RedisLink::off()),
            metrics: Arc::new(Metrics::new()),
            locks: Locks::default(),
            failures: LogLimit::default(),
            settings: ExpirySettings {
                expiry_workers: 1,
                expiry_attempts_max: 1,
                expiry_lease_ms: 1,
                sweep_interval_ms: 1,
                unpaid_kept_days: 1,
            },
        };
        let not_due = |due_in_ms| ExpiryOutcome::NotDue { due_in_ms };
        for (outcomes, done, left, due_in_ms) in [
            (vec![ExpiryOutcome::Expired], 1, 0, None),
            (vec![ExpiryOutcome::NotPending], 1, 0, None),
            (vec![ExpiryOutcome::NotFound], 1, 0, None),
            (vec![ExpiryOutcome::Locked, ExpiryOutcome::Expired, ExpiryOutcome::Locked], 1, 2, None),
            (vec![not_due(70), ExpiryOutcome::NotPending, not_due(20), ExpiryOutcome::NotFound], 2, 0, Some(20)),
        ] {
            let outcomes: Vec<_> = outcomes.into_iter().map(|outcome| Expired { order_id: Uuid::now_v7(), outcome }).collect();
            let carried_out = expiry.carried_out(&[], &outcomes);
            assert_eq!((carried_out.ended, carried_out.left, carried_out.due_in_ms), (done, left, due_in_ms), "{outcomes:?}");
        }
    }

    #[test]
    fn orders_are_due_again_with_the_first_of_them() {
        let mut carried_out = CarriedOut { ended: 2, left: 5, due_in_ms: None };
        carried_out.add(CarriedOut { ended: 1, left: 2, due_in_ms: None });
        assert_eq!((carried_out.ended, carried_out.left, carried_out.due_in_ms), (3, 7, None));
        for (due_in_ms, first) in [(70, 70), (20, 20), (40, 20)] {
            carried_out.add(CarriedOut { due_in_ms: Some(due_in_ms), ..CarriedOut::default() });
            assert_eq!(carried_out.due_in_ms, Some(first));
        }
    }
}
