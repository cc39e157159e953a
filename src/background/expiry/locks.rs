//! What is remembered of locks that others keep on seats and sections.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::LOG_PERIOD;
use crate::log_limit::LogLimit;

/// For so long after a lock was met, calls do not wait for one first: whoever keeps a lock for long would make claims of other sections
/// wait with each call.
const WARNED: Duration = Duration::from_secs(2);

/// The last locks that kept orders from expiring.
pub(super) struct Locks {
    met: Mutex<Option<Instant>>,
    logged: LogLimit,
}

impl Default for Locks {
    fn default() -> Self {
        Self { met: Mutex::default(), logged: LogLimit::new(1, LOG_PERIOD) }
    }
}

impl Locks {
    /// Whether a call met some a moment ago.
    pub(super) fn were_met(&self) -> bool {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at.elapsed() < WARNED)
    }

    /// This many orders were left because somebody keeps something locked.
    pub(super) fn met(&self, event_id: i64, orders: usize) {
        *self.met.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        if self.logged.admits(|_| ()) {
            tracing::warn!(
                event_id,
                orders,
                "somebody keeps seats of overdue orders locked: look for an old transaction in pg_stat_activity"
            );
        }
    }
}
