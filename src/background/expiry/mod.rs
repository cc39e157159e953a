//! Putting the seats of unpaid orders back on sale.
//!
//! After a batch of claims is committed, its deadline goes into a Redis sorted set. Workers lease what is due with a script and expire
//! those of its orders that are still pending; if a worker crashes, its lease runs out and another worker takes over. Independently, one
//! server at a time sweeps PostgreSQL for overdue orders, so that nothing depends on Redis. If both reach an order, its row lock decides,
//! and the second one finds it locked or no longer pending. The same holds for two sweeps, so the lead only saves work: what the leader
//! leaves for seconds, the others expire. What somebody keeps locked is passed over and tried again: only the orders that need it wait.

mod carry_out;
mod locks;
mod sweep;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::outlive_panics;
use crate::config::ExpirySettings;
use crate::db::{Db, Endpoint, SessionTimeouts};
use crate::log_limit::LogLimit;
use crate::metrics::Metrics;
use crate::redis::ExpiryQueue;
use locks::Locks;

/// Maximum number of orders that one call expires.
const CALL_MAX: usize = 1_000;
/// How long after its deadline the sweep leaves an order to the queue, in milliseconds.
const SWEEP_GRACE_MS: i32 = 300;

/// How long after its deadline an order is nobody's: a server that does not lead expires it, too, in case the one that leads hangs.
const ABANDONED_AFTER_MS: i32 = 5_000;

/// How often to log that calls fail or meet locks: the sweep and the workers try again and again.
const LOG_PERIOD: Duration = Duration::from_secs(10);

/// What the workers and the sweep share.
struct Expiry {
    db: Db,
    queue: ExpiryQueue,
    metrics: Arc<Metrics>,
    settings: ExpirySettings,
    locks: Locks,
    failures: LogLimit,
}

impl Expiry {
    /// Whether to log that a call failed; if not, it is counted in a summary line.
    fn logs_failure(&self) -> bool {
        self.failures.admits(|left_out| tracing::warn!(left_out, "more calls of expiry failed than were logged"))
    }
}

/// Connections that expiry has beyond one per worker: its own pool, so that buyers' reads cannot delay it.
const CONNECTIONS_BEYOND_WORKERS: usize = 2;

/// Starts the workers and the sweep; they end soon after `stop`.
///
/// # Errors
/// When the connections to `endpoint` cannot be prepared.
pub(crate) fn start(
    endpoint: &Endpoint,
    queue: &ExpiryQueue,
    metrics: &Arc<Metrics>,
    settings: ExpirySettings,
    stop: &CancellationToken,
) -> anyhow::Result<JoinSet<()>> {
    let db = Db::new(endpoint, usize::from(settings.expiry_workers) + CONNECTIONS_BEYOND_WORKERS, SessionTimeouts::EXPIRY)?;
    let expiry = Arc::new(Expiry {
        db,
        queue: queue.clone(),
        metrics: Arc::clone(metrics),
        settings,
        locks: Locks::default(),
        failures: LogLimit::new(1, LOG_PERIOD),
    });
    let mut tasks = JoinSet::new();
    if queue.is_on() {
        for _ in 0..settings.expiry_workers {
            let (expiry, stop) = (Arc::clone(&expiry), stop.clone());
            tasks.spawn(outlive_panics(Arc::clone(metrics), move || worker::run(Arc::clone(&expiry), stop.clone())));
        }
    }
    let (endpoint, stop) = (endpoint.clone(), stop.clone());
    tasks.spawn(outlive_panics(Arc::clone(metrics), move || sweep::run(Arc::clone(&expiry), endpoint.clone(), stop.clone())));
    Ok(tasks)
}
