//! The sweep: finds overdue orders in PostgreSQL, so that nothing depends on Redis.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::carry_out::Due;
use super::{ABANDONED_AFTER_MS, CALL_MAX, Expiry, SWEEP_GRACE_MS};
use crate::db::{DbError, Endpoint, Outage, in_time, try_lead_sweep};

/// Sweeps again and again until `stop`: whatever is overdue while this server leads, and what another leader leaves lying.
pub(super) async fn run(expiry: Arc<Expiry>, endpoint: Endpoint, stop: CancellationToken) {
    let pause = Duration::from_millis(expiry.settings.sweep_interval_ms);
    let (mut client, mut has_failed) = (None, false);
    while !stop.is_cancelled() {
        let outage = match lead_and_sweep(&expiry, &endpoint, client.take(), &stop).await {
            Ok(healthy) => {
                endpoint.outages().works();
                client = Some(healthy);
                None
            }
            // One broken connection is not an outage.
            Err(DbError::Lost(_)) if !has_failed => None,
            Err(error) => Some(Outage::from(error)),
        };
        has_failed = client.is_none();
        let pausing = async {
            let Some(outage) = outage else { return tokio::time::sleep(pause).await };
            endpoint.outages().failed(&outage);
            endpoint.outages().pause(outage.kind).await;
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = pausing => {}
        }
    }
}

/// One round; returns the connection if it is still usable. A PostgreSQL that hangs does not hang it: each call has a limit.
async fn lead_and_sweep(expiry: &Expiry, endpoint: &Endpoint, client: Option<Client>, stop: &CancellationToken) -> Result<Client, DbError> {
    let client = match client {
        Some(client) if !client.is_closed() => client,
        _ => in_time(endpoint.connect_as_app()).await?,
    };
    // With Redis, orders within the grace period are left to the queue.
    let grace_ms = if expiry.queue.is_on() { SWEEP_GRACE_MS } else { 0 };
    if try_lead_sweep(&client, sweep(expiry, grace_ms, stop)).await?.is_none() {
        sweep(expiry, ABANDONED_AFTER_MS, stop).await;
    }
    Ok(client)
}

/// Expires everything overdue for longer than that, so many in a call; what somebody has locked is left to the next sweep.
async fn sweep(expiry: &Expiry, grace_ms: i32, stop: &CancellationToken) {
    let limit = i32::try_from(CALL_MAX).unwrap_or(i32::MAX);
    let mut passed = 0;
    while !stop.is_cancelled() {
        let overdue = match expiry.db.overdue_orders(grace_ms, limit, passed).await {
            Ok(overdue) => overdue,
            Err(error) if !matches!(error, DbError::Outage(_)) && expiry.logs_failure() => {
                return tracing::warn!(%error, "the sweep cannot list overdue orders");
            }
            Err(_) => return,
        };
        let due: Vec<Due> = overdue.iter().map(|order| Due { event_id: order.event_id, order_id: order.order_id, since: None }).collect();
        let carried_out = expiry.carry_out(&due).await;
        // What was left stays the longest overdue, and must not be all that is looked at.
        passed += i32::try_from(carried_out.left).unwrap_or(i32::MAX);
        if carried_out.ended + carried_out.left == 0 || due.len() < CALL_MAX {
            return;
        }
    }
}
