//! What is in the queue of a lane, and what is taken next.

use super::super::job::Job;
use super::super::work::Work;
use super::jobs::{Candidate, Jobs};
use super::leaders::Leaders;
use super::locked_out::LockedOut;

/// While a call for an event is in progress, another one is worth its fixed cost from this many requests on.
pub(super) const OVERLAP_MIN: usize = 128;

/// Requests in the order they came, those that are locked out, and what the workers are doing.
pub(super) struct State<W: Work> {
    pub(super) jobs: Jobs<W>,
    pub(super) locked_out: LockedOut<W>,
    /// Requests locked out and all others take turns.
    pub(super) locked_out_came_last: bool,
    leaders: Leaders,
    /// How many requests were given up by their callers since such requests were last taken out.
    pub(super) abandoned: usize,
    /// The events of the batches in progress.
    pub(super) under_way: Vec<i64>,
    /// Workers that have a connection.
    pub(super) connected: usize,
    pub(super) is_closed: bool,
}

impl<W: Work> State<W> {
    pub(super) fn new() -> Self {
        Self {
            jobs: Jobs::new(),
            locked_out: LockedOut::new(),
            locked_out_came_last: false,
            leaders: Leaders::new(),
            abandoned: 0,
            under_way: Vec::new(),
            connected: 0,
            is_closed: false,
        }
    }

    /// The request that leads the next call; `None`: no call is worthwhile yet. It is the first of a customer who has not led a call lately
    /// or, if there is none, the first of all, so that nobody waits behind all the events of one customer.
    fn next(&self) -> Option<&Candidate> {
        let mut able = self.jobs.candidates().filter(|candidate| self.is_able(candidate));
        able.clone().find(|candidate| !self.leaders.include(candidate.customer)).or_else(|| able.next())
    }

    pub(super) fn has_next(&self) -> bool {
        self.jobs.candidates().any(|candidate| self.is_able(candidate))
    }

    /// Whether a call is worthwhile for it: a single request waits only for a call of its own event.
    fn is_able(&self, candidate: &Candidate) -> bool {
        self.jobs.len() >= OVERLAP_MIN || !self.under_way.contains(&candidate.group.0)
    }

    /// Whether it is the turn of a request that is locked out.
    pub(super) fn is_turn_of_locked_out(&self) -> bool {
        self.locked_out.due_in().is_some_and(|pause| pause.is_zero()) && !(self.locked_out_came_last && self.has_next())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len() + self.locked_out.len()
    }

    /// Takes the requests of one event and kind for a call that is in progress from now on, at most `batch_max`, first come first served,
    /// without those whose callers have disconnected; `None` if no call is worthwhile.
    pub(super) fn take(&mut self, batch_max: usize) -> Option<(i64, Vec<Job<W>>)> {
        let group = self.next()?.group;
        let mut jobs = Vec::new();
        while jobs.len() < batch_max
            && let Some((customer, job)) = self.jobs.pop(group)
        {
            if job.take() {
                if jobs.is_empty() {
                    self.leaders.add(customer);
                }
                jobs.push(job);
            }
        }
        let event_id = group.0;
        self.under_way.push(event_id);
        Some((event_id, jobs))
    }
}
