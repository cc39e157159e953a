//! What is known of Redis' condition, and saying in the log when it changes: once for each outage, not for each reader.

use std::sync::atomic::{AtomicU8, Ordering};

use ::redis::RedisError;

use super::Access;

/// How Redis was found last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Well,
    /// It answers, but with an error to whoever wants to write.
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

    /// A call was answered. One that only reads says nothing about writes.
    pub(super) fn succeeded(&self, access: Access) {
        let found = self.condition();
        if found == Condition::Well || (access == Access::Read && found == Condition::RefusesWrites) {
            return;
        }
        if self.becomes(Condition::Well) {
            tracing::info!("Redis answers again");
        }
    }

    /// A call was answered by an error, or not at all.
    pub(super) fn failed(&self, error: &RedisError) {
        if !is_any_of(error, &REFUSALS) {
            return self.did_not_answer(&error.to_string());
        }
        if self.becomes(Condition::RefusesWrites) {
            tracing::warn!(%error, "Redis refuses writes; doing without it. It must be a primary with memory and disk to spare");
        }
    }

    /// A call got no answer.
    pub(super) fn did_not_answer(&self, error: &str) {
        if self.becomes(Condition::Silent) {
            tracing::warn!(error, "Redis does not answer; doing without it");
        }
    }

    /// Whether it was in another condition before.
    fn becomes(&self, condition: Condition) -> bool {
        self.0.swap(condition as u8, Ordering::Relaxed) != condition as u8
    }
}

/// What a Redis answers that must not or cannot write now: a replica, one whose memory is full, one whose disk is, one that misses its
/// replicas, and one whose user may not.
const REFUSALS: [&str; 5] = ["READONLY", "OOM", "MISCONF", "NOREPLICAS", "NOPERM"];

/// Whether Redis answered one of these. Errors of pipelines and scripts name the reason within their text only.
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
