//! When PostgreSQL last answered a call of a lane.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A lane whose calls have had no answer for this long is stalled: its callers are told, rather than kept waiting.
pub(super) const STALLED_AFTER: Duration = Duration::from_millis(2_500);

/// The time of the last answer.
pub(super) struct Heartbeat {
    start: Instant,
    last_ms: AtomicU64,
}

impl Heartbeat {
    /// Beats now.
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), last_ms: AtomicU64::new(0) }
    }

    /// PostgreSQL has answered, whatever it said.
    pub(super) fn beat(&self) {
        self.last_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// Whether there was no answer for so long.
    pub(super) fn is_silent_for(&self, pause: Duration) -> bool {
        u128::from(self.now_ms().saturating_sub(self.last_ms.load(Ordering::Relaxed))) >= pause.as_millis()
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_silent_until_it_beats_again() {
        let heartbeat = Heartbeat { start: Instant::now().checked_sub(Duration::from_secs(3)).expect("an uptime"), ..Heartbeat::new() };
        assert!(heartbeat.is_silent_for(STALLED_AFTER));
        heartbeat.beat();
        assert!(!heartbeat.is_silent_for(STALLED_AFTER));
        assert!(heartbeat.is_silent_for(Duration::ZERO));
    }
}
