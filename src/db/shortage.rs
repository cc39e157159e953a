//! What PostgreSQL has run out of, as claims and payments met it: a small probe may still succeed where they fail.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a failure is remembered.
const MEMORY: Duration = Duration::from_secs(5);

/// The last call that failed for lack of disk, memory, locks or connections.
#[derive(Clone, Default)]
pub(crate) struct Shortage(Arc<Mutex<Option<(Instant, String)>>>);

impl Shortage {
    /// A call failed with this SQLSTATE.
    pub(crate) fn met(&self, sqlstate: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), sqlstate.to_owned()));
    }

    /// The SQLSTATE with which a call failed a moment ago.
    pub(crate) fn sqlstate(&self) -> Option<String> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|(at, _)| at.elapsed() < MEMORY).map(|(_, sqlstate)| sqlstate.clone())
    }
}
