//! Putting the seats of unpaid orders back on sale.
//!
//! A batch of claims goes into a Redis sorted set after its commit, scored by its deadline. Workers lease what is due by a
//! script and expire those of its orders that are still pending; a crashed worker's lease runs out and somebody else takes it.
//! Independently, one server at a time sweeps PostgreSQL for overdue orders, so that nothing depends on Redis. Whoever comes
//! first, the order's row lock decides, and the other finds it no longer pending.

mod carry_out;
mod sweep;
mod worker;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::db::{Db, Endpoint, Patience};
use crate::metrics::Metrics;
use crate::redis::ExpiryQueue;

/// Orders that one call expires at most.
const BATCH_MAX: usize = 1_000;
/// How long past its deadline the sweep leaves an order to the queue, in milliseconds.
const SWEEP_GRACE_MS: i32 = 300;

/// How expiry is run: what operators may set, whose defaults are in [`ServeConfig`](crate::config::ServeConfig) and nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct ExpirySettings {
    /// Workers of the queue in this server.
    pub workers: usize,
    /// How long a worker may take with what it leased, in milliseconds.
    pub lease_ms: i64,
    /// How many times an expiry may fail before it is a dead letter.
    pub attempts_max: i32,
    /// Pause between two sweeps, in milliseconds.
    pub sweep_interval_ms: u64,
}

/// What the workers and the sweep share.
struct Expiry {
    db: Db,
    queue: ExpiryQueue,
    metrics: Arc<Metrics>,
    settings: ExpirySettings,
}

/// Connections that expiry keeps for itself: buyers' reads must not keep seats from coming back on sale.
const CONNECTIONS_BEYOND_WORKERS: usize = 2;
/// Pause before a task that panicked is started again.
const RESTART_PAUSE: Duration = Duration::from_millis(200);

/// Starts the workers and the sweep; they end soon after `stop`.
///
/// # Errors
/// When the connections to `endpoint` cannot be prepared.
pub fn start(
    endpoint: &Endpoint,
    queue: &ExpiryQueue,
    metrics: &Arc<Metrics>,
    settings: ExpirySettings,
    stop: &CancellationToken,
) -> anyhow::Result<JoinSet<()>> {
    let db = Db::new(endpoint, settings.workers + CONNECTIONS_BEYOND_WORKERS, Patience::LANE)?;
    let expiry = Arc::new(Expiry { db, queue: queue.clone(), metrics: Arc::clone(metrics), settings });
    let mut tasks = JoinSet::new();
    if queue.is_on() {
        for _ in 0..settings.workers {
            let (expiry, stop) = (Arc::clone(&expiry), stop.clone());
            tasks.spawn(outlive_panics(move || worker::run(Arc::clone(&expiry), stop.clone())));
        }
    }
    let (endpoint, stop) = (endpoint.clone(), stop.clone());
    tasks.spawn(outlive_panics(move || sweep::run(Arc::clone(&expiry), endpoint.clone(), stop.clone())));
    Ok(tasks)
}

/// Starts a task again until it ends by itself.
async fn outlive_panics<F: Future<Output = ()>>(task: impl Fn() -> F) {
    while AssertUnwindSafe(task()).catch_unwind().await.is_err() {
        tracing::error!("a task of the expiry panicked; starting it again");
        tokio::time::sleep(RESTART_PAUSE).await;
    }
}
