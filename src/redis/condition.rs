//! The condition of Redis as far as it is known; a change is logged once per outage, not once per reader.

use std::sync::atomic::{AtomicU8, Ordering};

use ::redis::RedisError;

use super::Access;

/// The condition that the last call found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Well,
    /// It answers, but refuses writes.
    RefusesWrites,
    /// It does not answer, or cannot be reached.
    Silent,
}

const CONDITIONS: [Condition; 3] = [Condition::Well, Condition::RefusesWrites, Condition::Silent];

/// The condition, as calls find it.
#[derive(Default)]
pub(super) struct Watch(AtomicU8);

impl Watch {
    pub(super) fn condition(&self) -> Condition {
        CONDITIONS[usize::from(self.0.load(Ordering::Relaxed))]
    }

    /// A call succeeded. A read says nothing about writes.
    pub(super) fn succeeded(&self, access: Access) {
        let found = self.condition();
        if found == Condition::Well || (access == Access::Read && found == Condition::RefusesWrites) {
            return;
        }
        if self.becomes(Condition::Well) {
            tracing::info!("Redis answers again");
        }
    }

    /// A call failed, or was not answered.
    pub(super) fn failed(&self, error: &RedisError) {
        if !is_any_of(error, &REFUSALS) {
            return self.did_not_answer(&error.to_string());
        }
        if self.becomes(Condition::RefusesWrites) {
            tracing::warn!(%error, "Redis refuses writes; continuing without it. It must be a primary with free memory and disk space");
        }
    }

    /// A call got no answer.
    pub(super) fn did_not_answer(&self, error: &str) {
        if self.becomes(Condition::Silent) {
            tracing::warn!(error, "Redis does not answer; continuing without it");
        }
    }

    /// Sets the condition; returns whether it was different before.
    fn becomes(&self, condition: Condition) -> bool {
        self.0.swap(condition as u8, Ordering::Relaxed) != condition as u8
    }
}

/// Error codes of a Redis that cannot write: it is a replica, its memory is full, its disk is full, its replicas are missing, or the user
/// lacks the permission.
const REFUSALS: [&str; 5] = ["READONLY", "OOM", "MISCONF", "NOREPLICAS", "NOPERM"];

/// Whether Redis answered with one of these codes. Errors of pipelines and scripts have the code only in their text.
pub(super) fn is_any_of(error: &RedisError, codes: &[&str]) -> bool {
    let text = error.to_string();
    !error.is_io_error() && codes.iter().any(|code| error.code() == Some(code) || text.contains(code))
}

#[cfg(test)]
mod tests {
    use ::redis::{ErrorKind, ServerErrorKind};

    use super::*;

    #[test]
    fn a_read_does_not_hide_that_writes_are_refused() {
        let watch = Watch::default();
        watch.failed(&RedisError::from((ErrorKind::Server(ServerErrorKind::ReadOnly), "a replica")));
        assert_eq!(watch.condition(), Condition::RefusesWrites);
        watch.succeeded(Access::Read);
        assert_eq!(watch.condition(), Condition::RefusesWrites);
        watch.succeeded(Access::Write);
        assert_eq!(watch.condition(), Condition::Well);

        watch.failed(&RedisError::from((ErrorKind::Io, "connection refused")));
        assert_eq!(watch.condition(), Condition::Silent);
        watch.succeeded(Access::Read);
        assert_eq!(watch.condition(), Condition::Well);
    }

    #[test]
    fn each_condition_is_announced_once() {
        let watch = Watch::default();
        assert_eq!([Condition::Silent, Condition::Silent, Condition::RefusesWrites].map(|next| watch.becomes(next)), [true, false, true]);
    }
}
