//! A worker of the expiry queue.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::carry_out::{CarriedOut, Due};
use super::{CALL_MAX, Expiry};
use crate::db::DbError;
use crate::redis::Deadline;

/// The longest a worker sleeps; payment windows are at least a second, so nothing new can come due in between.
const IDLE_MAX_MS: u64 = 50;
/// Pause while Redis or PostgreSQL cannot be asked.
const DOWN_PAUSE: Duration = Duration::from_millis(200);

/// Leases and expires until `stop`.
pub(super) async fn run(expiry: Arc<Expiry>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let pause = round(&expiry).await;
        if !pause.is_zero() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// One lease; returns how long to wait before the next.
async fn round(expiry: &Expiry) -> Duration {
    let Some(lease) = expiry.queue.lease(CALL_MAX, expiry.settings.expiry_lease_ms).await else {
        return DOWN_PAUSE;
    };
    if lease.deadlines.is_empty() {
        return Duration::from_millis(lease.next_in_ms.unwrap_or(IDLE_MAX_MS).clamp(1, IDLE_MAX_MS));
    }
    let mut by_event: BTreeMap<i64, Vec<Deadline>> = BTreeMap::new();
    for deadline in lease.deadlines {
        by_event.entry(deadline.event_id).or_default().push(deadline);
    }
    let (mut pause, mut done) = (DOWN_PAUSE, Vec::new());
    // In parallel: one event's trouble must not hold up another's seats.
    let outcomes = join_all(by_event.iter().map(|(event_id, deadlines)| carry_out(expiry, *event_id, deadlines))).await;
    for ((event_id, deadlines), outcome) in by_event.into_iter().zip(outcomes) {
        match outcome {
            Ok(carried_out) => {
                pause = Duration::ZERO;
                match carried_out {
                    CarriedOut { due_in_ms: Some(due_in_ms), .. } => expiry.queue.postpone(&deadlines, due_in_ms).await,
                    CarriedOut { left: 0, .. } => done.extend(deadlines),
                    // The sweep tries what is locked again, and the lease brings it back in any case.
                    CarriedOut { .. } => {}
                }
            }
            // The lease or the sweep brings them back.
            Err(error) if !matches!(error, DbError::Outage(_)) && expiry.logs_failure() => {
                tracing::warn!(event_id, deadlines = deadlines.len(), %error, "orders could not be expired yet");
            }
            Err(_) => {}
        }
    }
    if !done.is_empty() {
        expiry.queue.remove(&done).await;
    }
    pause
}

/// Expires the orders of these deadlines that are pending and also due by PostgreSQL's clock.
async fn carry_out(expiry: &Expiry, event_id: i64, deadlines: &[Deadline]) -> Result<CarriedOut, DbError> {
    let first: Vec<Uuid> = deadlines.iter().map(|deadline| deadline.first_order_id).collect();
    let (mut due, mut carried_out) = (Vec::new(), CarriedOut::default());
    let found = expiry.db.claimed_together(event_id, &first).await?;
    let now = Instant::now();
    for (order_id, overdue_ms) in found {
        match u64::try_from(overdue_ms) {
            Ok(overdue_ms) => due.push(Due { event_id, order_id, since: now.checked_sub(Duration::from_millis(overdue_ms)) }),
            Err(_) => carried_out.is_due_in(overdue_ms.saturating_neg()),
        }
    }
    for some in due.chunks(CALL_MAX) {
        carried_out.add(expiry.expire(event_id, some).await?);
    }
    Ok(carried_out)
}
