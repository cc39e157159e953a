//! A worker of the expiry queue.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Expiry;
use super::carry_out::{Due, Settled};
use super::queue::Batch;
use crate::db::DbError;

/// The longest a worker sleeps; windows are at least a second, so that nothing new can come due in between.
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

/// One lease; answers how long to wait before the next.
async fn round(expiry: &Expiry) -> Duration {
    let Some(lease) = expiry.queue.lease(expiry.settings.batch_max, expiry.settings.lease_ms).await else {
        return DOWN_PAUSE;
    };
    if lease.batches.is_empty() {
        return Duration::from_millis(lease.next_in_ms.unwrap_or(IDLE_MAX_MS).clamp(1, IDLE_MAX_MS));
    }
    let mut by_event: BTreeMap<i64, Vec<Batch>> = BTreeMap::new();
    for batch in lease.batches {
        by_event.entry(batch.event_id).or_default().push(batch);
    }
    let mut pause = DOWN_PAUSE;
    // One event's trouble must not keep another's seats.
    for (event_id, batches) in by_event {
        match settle(expiry, event_id, &batches).await {
            Ok(()) => pause = Duration::ZERO,
            // The lease or the sweep brings them back.
            Err(error) => tracing::warn!(event_id, batches = batches.len(), %error, "orders wait for their expiry"),
        }
    }
    pause
}

/// Expires what is pending of these batches, and takes them off the queue, unless their deadline is still ahead for PostgreSQL.
async fn settle(expiry: &Expiry, event_id: i64, batches: &[Batch]) -> Result<(), DbError> {
    let named: Vec<Uuid> = batches.iter().map(|batch| batch.order_id).collect();
    let found = expiry.db.claimed_together(event_id, &named).await?;
    let due: Vec<Due> =
        found.into_iter().map(|(order_id, overdue_ms)| Due { event_id, order_id, lag_ms: u64::try_from(overdue_ms).ok() }).collect();
    let mut settled = Settled::default();
    for some in due.chunks(expiry.settings.batch_max) {
        settled.add(expiry.expire(event_id, some).await?);
    }
    match settled.due_in_ms {
        Some(due_in_ms) => expiry.queue.postpone(batches, due_in_ms).await,
        None => expiry.queue.remove(batches).await,
    }
    Ok(())
}
