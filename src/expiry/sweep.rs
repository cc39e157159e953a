//! The sweep: PostgreSQL's own list of overdue orders, so that nothing depends on Redis.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Expiry;
use super::carry_out::Due;

/// Sweeps again and again until `stop`, whenever this server leads.
pub(super) async fn run(expiry: Arc<Expiry>, stop: CancellationToken) {
    let pause = Duration::from_millis(expiry.settings.sweep_interval_ms);
    while !stop.is_cancelled() {
        if let Err(error) = expiry.db.while_leading_sweep(sweep(&expiry, &stop)).await {
            tracing::warn!(%error, "the sweep cannot ask the database");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Expires everything overdue, batch by batch. With Redis the queue has had its chance when the grace is over.
async fn sweep(expiry: &Expiry, stop: &CancellationToken) {
    let grace_ms = if expiry.queue.is_on() { expiry.settings.sweep_grace_ms } else { 0 };
    let limit = i32::try_from(expiry.settings.batch_max).unwrap_or(i32::MAX);
    while !stop.is_cancelled() {
        let overdue = match expiry.db.overdue_orders(grace_ms, limit).await {
            Ok(overdue) => overdue,
            Err(error) => return tracing::warn!(%error, "the sweep cannot list overdue orders"),
        };
        let due: Vec<Due> = overdue.iter().map(|order| Due { event_id: order.event_id, order_id: order.order_id, lag_ms: None }).collect();
        let carried_out = expiry.carry_out(&due).await;
        if !carried_out || due.len() < expiry.settings.batch_max {
            return;
        }
    }
}
