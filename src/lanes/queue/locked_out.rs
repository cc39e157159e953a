//! The requests of a lane that somebody's lock keeps out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::super::job::Job;
use super::super::work::Work;

/// Pause before a request that is locked out is tried again.
pub(super) const LOCKED_OUT_PAUSE: Duration = Duration::from_millis(50);
/// How long after the last request was locked out the next one may well be, too.
pub(super) const LOCKED_OUT_LATELY: Duration = Duration::from_secs(1);

/// Requests locked out with the time of their last try, the earliest first.
pub(super) struct LockedOut<W: Work> {
    jobs: VecDeque<(Instant, Job<W>)>,
    last: Option<Instant>,
}

impl<W: Work> LockedOut<W> {
    pub(super) fn new() -> Self {
        Self { jobs: VecDeque::new(), last: None }
    }

    /// Takes in requests that were just tried.
    pub(super) fn put(&mut self, jobs: impl IntoIterator<Item = Job<W>>) {
        let tried = Instant::now();
        for job in jobs {
            self.last = Some(tried);
            self.jobs.push_back((tried, job));
        }
    }

    /// Whether one was put in a moment ago.
    pub(super) fn is_recent(&self) -> bool {
        self.last.is_some_and(|last| last.elapsed() < LOCKED_OUT_LATELY)
    }

    /// How long until the first of them may be tried again; `None` if there is none.
    pub(super) fn due_in(&self) -> Option<Duration> {
        self.jobs.front().map(|(tried, _)| LOCKED_OUT_PAUSE.saturating_sub(tried.elapsed()))
    }

    /// Takes out the first of them.
    pub(super) fn pop(&mut self) -> Option<Job<W>> {
        self.jobs.pop_front().map(|(_, job)| job)
    }

    /// Takes out those that have waited longer than `max` in all.
    pub(super) fn take_old(&mut self, max: Duration) -> impl Iterator<Item = Job<W>> + use<W> {
        let (old, young): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.jobs).into_iter().partition(|(_, job)| job.age() > max);
        self.jobs = young;
        old.into_iter().map(|(_, job)| job)
    }

    /// Drops those that their callers have given up.
    pub(super) fn drop_abandoned(&mut self) {
        self.jobs.retain(|(_, job)| !job.is_abandoned());
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }
}
