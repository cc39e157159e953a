//! Logs an outage of the database once for the whole server: its lanes, sweep, workers and pool all meet the outage many times a second,
//! but an operator wants to read about it once.
//!
//! Each of them reports a failure here and pauses here before its next attempt; the first one that succeeds wakes the others.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::DbError;
use super::outage::{Outage, OutageKind};

/// A lasting outage is logged again after this, then after twice as long, and so on.
const SAID_AGAIN_FIRST: Duration = Duration::from_secs(1);
const SAID_AGAIN_MAX: Duration = Duration::from_secs(60);
/// An outage that begins this long after the last one was logged is logged at once.
const CALM: Duration = Duration::from_secs(60);

/// A pause is as long as the outage has lasted, so that pauses double, but at least this long.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// What each waiter adds to the longest pause: a single one retries often, so that the server is back soon after PostgreSQL; many together
/// retry hardly more often, and the first that succeeds wakes the others.
const PAUSE_FOR_EACH: Duration = Duration::from_millis(150);

/// What the parts of a server know about the database's outages.
#[derive(Clone, Default)]
pub(crate) struct OutageLog(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// Read on every successful call, so it must cost nothing.
    is_out: AtomicBool,
    history: Mutex<History>,
    back: Notify,
    waiting: AtomicUsize,
}

impl OutageLog {
    /// A call to the database succeeded.
    pub(crate) fn works(&self) {
        if !self.0.is_out.load(Ordering::Relaxed) {
            return;
        }
        let away = {
            let mut history = self.history();
            self.0.is_out.store(false, Ordering::Relaxed);
            history.ends(Instant::now())
        };
        self.0.back.notify_waiters();
        if let Some(away) = away {
            tracing::info!(away_s = away.as_secs(), "the database answers again");
        }
    }

    /// A call to the database failed.
    pub(crate) fn failed(&self, outage: &Outage) {
        let away = {
            let mut history = self.history();
            self.0.is_out.store(true, Ordering::Relaxed);
            history.fails(Instant::now())
        };
        let Some(away_s) = away.map(|away| away.as_secs()) else { return };
        let (meaning, cause, advice) = (outage.kind.meaning(), &outage.cause, outage.kind.advice());
        if outage.kind.may_pass() {
            tracing::warn!(cause, away_s, "{meaning}; retrying. If this continues: {advice}");
        } else {
            tracing::error!(cause, away_s, "{meaning}: {advice}");
        }
    }

    /// Waits before the next attempt after a failure, or until another attempt succeeds.
    pub(crate) async fn pause(&self, kind: OutageKind) {
        let back = self.0.back.notified();
        let waiting = Waiting::begin(&self.0.waiting);
        let lasted = self.history().lasted(Instant::now());
        let pause = longest_pause(lasted, waiting.count, kind.may_pass()).mul_f64(rand::random_range(0.5..1.0));
        tokio::select! {
            () = back => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.0.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<DbError> for Outage {
    /// The outage behind an error of a caller that cannot continue without a connection.
    fn from(error: DbError) -> Self {
        match error {
            DbError::Outage(outage) => outage,
            DbError::Missing(cause) => Self::new(OutageKind::NotMigrated, cause),
            DbError::Lost(cause) => Self::new(OutageKind::Unreachable, cause),
            DbError::Locked(cause) | DbError::Exhausted { text: cause, .. } | DbError::Unavailable(cause) => {
                Self::new(OutageKind::NoConnection, cause)
            }
            other => Self::new(OutageKind::NoConnection, other.to_string()),
        }
    }
}

/// Before jitter.
fn longest_pause(lasted: Duration, waiting: usize, may_pass: bool) -> Duration {
    let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
    let most = if may_pass { PAUSE_FOR_EACH.saturating_mul(waiting).min(PAUSE_MAX) } else { PAUSE_MAX };
    lasted.clamp(PAUSE_MIN, most)
}

/// Counts one waiter while it pauses.
struct Waiting<'a> {
    all: &'a AtomicUsize,
    count: usize,
}

impl<'a> Waiting<'a> {
    fn begin(all: &'a AtomicUsize) -> Self {
        Self { all, count: all.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
    }
}

/// When the database became unavailable, and when that was logged.
#[derive(Default)]
struct History {
    /// Since when it has been unavailable, and whether that was logged.
    away: Option<(Instant, bool)>,
    /// When an outage was last logged, and for how long no more is logged.
    said: Option<(Instant, Duration)>,
}

impl History {
    /// A call failed: returns how long the database has been unavailable, if that should be logged now.
    fn fails(&mut self, now: Instant) -> Option<Duration> {
        let (since, was_said) = self.away.unwrap_or((now, false));
        let silence = match self.said {
            Some((at, silence)) if now < at + silence => {
                self.away = Some((since, was_said));
                return None;
            }
            Some((at, silence)) if now < at + silence + CALM => (silence * 2).min(SAID_AGAIN_MAX),
            _ => SAID_AGAIN_FIRST,
        };
        self.away = Some((since, true));
        self.said = Some((now, silence));
        Some(now - since)
    }

    /// For how long the database has been unavailable.
    fn lasted(&self, now: Instant) -> Duration {
        self.away.map_or(Duration::ZERO, |(since, _)| now.saturating_duration_since(since))
    }

    /// A call succeeded: returns how long the database was unavailable, if that was logged.
    fn ends(&mut self, now: Instant) -> Option<Duration> {
        let (since, was_said) = self.away.take()?;
        was_said.then(|| now - since)
    }
}

#[cfg(test)]
mod tests;
