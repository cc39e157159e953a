//! What is in the queue of a lane, and what is taken next.

use std::collections::VecDeque;

use super::super::job::Job;
use super::super::work::Work;
use super::leaders::Leaders;
use super::locked_out::LockedOut;

/// While a call for an event is in progress, another one is worth its fixed cost from this many requests on.
pub(super) const OVERLAP_MIN: usize = 128;

/// Requests in the order they came, those that are locked out, and what the workers are doing.
pub(super) struct State<W: Work> {
    pub(super) jobs: VecDeque<Job<W>>,
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
            jobs: VecDeque::new(),
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
    fn next(&self) -> Option<&Job<W>> {
        let mut able = self.jobs.iter().filter(|job| self.is_able(job));
        able.clone().find(|job| !self.leaders.include(job.customer())).or_else(|| able.next())
    }

    pub(super) fn has_next(&self) -> bool {
        self.jobs.iter().any(|job| self.is_able(job))
    }

    /// Whether a call is worthwhile for it: a single request waits only for a call of its own event.
    fn is_able(&self, job: &Job<W>) -> bool {
        self.jobs.len() >= OVERLAP_MIN || !self.under_way.contains(&job.event_id())
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
        let (event_id, kind) = self.next().map(|job| (job.event_id(), job.kind()))?;
        let (mut jobs, mut others) = (Vec::new(), VecDeque::new());
        while jobs.len() < batch_max
            && let Some(job) = self.jobs.pop_front()
        {
            if (job.event_id(), job.kind()) != (event_id, kind) {
                others.push_back(job);
            } else if job.take() {
                jobs.push(job);
            }
        }
        // Nearly always, all requests are of one event; then nothing is moved.
        if !others.is_empty() {
            others.append(&mut self.jobs);
            self.jobs = others;
        }
        if let Some(first) = jobs.first() {
            self.leaders.add(first.customer());
        }
        self.under_way.push(event_id);
        Some((event_id, jobs))
    }
}
