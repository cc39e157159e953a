//! A worker of the expiry queue.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Expiry;
use super::carry_out::Due;

/// The longest a worker sleeps; windows are at least a second, so that nothing new can come due in between.
const IDLE_MAX_MS: u64 = 50;
/// Pause while Redis or PostgreSQL cannot be asked, or nothing that was leased could be ended.
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
    if lease.entries.is_empty() {
        return Duration::from_millis(lease.next_in_ms.unwrap_or(IDLE_MAX_MS).clamp(1, IDLE_MAX_MS));
    }
    let due: Vec<Due> =
        lease.entries.iter().map(|entry| Due { event_id: entry.event_id, order_id: entry.order_id, lag_ms: Some(entry.lag_ms) }).collect();
    if expiry.carry_out(&due).await > 0 { Duration::ZERO } else { DOWN_PAUSE }
}
