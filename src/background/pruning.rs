//! Deleting old orders that ended unpaid: a customer can make any number of them, and nobody reads them any more.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::db::{Db, DbError};

/// How often to look for orders that have become old.
const INTERVAL: Duration = Duration::from_secs(600);
/// Orders looked at in one call: it takes some milliseconds.
const CALL_MAX: i32 = 500;
/// Pause between two calls, so that a sale does not notice.
const PAUSE: Duration = Duration::from_millis(50);

/// Prunes at once and then every ten minutes, until `stop`. Several servers do not get in each other's way.
pub(crate) async fn run(db: Db, kept_days: i32, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match prune(&db, kept_days, &stop).await {
            Ok(0) => {}
            // Others say so.
            Err(error) if error.is_passing() => {}
            Ok(orders) => tracing::info!(orders, kept_days, "old orders that were never paid are deleted"),
            Err(error) => tracing::warn!(%error, "old orders could not be deleted; trying again later"),
        }
        sleep(INTERVAL, &stop).await;
    }
}

/// Goes through the events, and returns how many orders were deleted.
async fn prune(db: &Db, kept_days: i32, stop: &CancellationToken) -> Result<u64, DbError> {
    let (mut from_event_id, mut deleted) = (0, 0);
    while !stop.is_cancelled() {
        let Some(pruned) = db.prune_unpaid_orders(from_event_id, kept_days, CALL_MAX).await? else { break };
        from_event_id = pruned.event_id;
        deleted += pruned.deleted;
        sleep(PAUSE, stop).await;
    }
    Ok(deleted)
}

async fn sleep(pause: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(pause) => {}
    }
}
