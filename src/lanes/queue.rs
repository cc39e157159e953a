//! The queue of a lane, shared by the callers who put requests in and the workers who take them out.

mod batch;
mod jobs;
mod leaders;
mod locked_out;
mod state;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::heartbeat::Heartbeat;
use super::job::Job;
use super::work::Work;
pub(super) use batch::{Batch, Connected};
use state::State;

/// Requests in the order they came, and apart from them those that somebody's lock keeps out: in a batch, they would hold up the others.
pub(super) struct Queue<W: Work> {
    state: Mutex<State<W>>,
    news: Notify,
    pub(super) heartbeat: Heartbeat,
}

impl<W: Work> Queue<W> {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State::new()), news: Notify::new(), heartbeat: Heartbeat::new() }
    }

    /// Adds a request at the end; gives it back if the queue is closed.
    pub(super) fn push(&self, job: Job<W>) -> Result<(), Job<W>> {
        let mut state = self.state();
        if state.is_closed {
            return Err(job);
        }
        state.jobs.push_back(job);
        drop(state);
        self.news.notify_one();
        Ok(())
    }

    /// Puts taken requests back at the end, even if the queue is closed.
    pub(super) fn put_back(&self, jobs: impl IntoIterator<Item = Job<W>>) {
        let mut state = self.state();
        for job in jobs {
            job.wait_again();
            state.jobs.push_back(job);
        }
        drop(state);
        self.news.notify_one();
    }

    /// Puts taken requests back at the front, in their order, even if the queue is closed.
    pub(super) fn put_first(&self, jobs: Vec<Job<W>>) {
        let mut state = self.state();
        jobs.into_iter().inspect(Job::wait_again).rev().for_each(|job| state.jobs.push_front(job));
        drop(state);
        self.news.notify_one();
    }

    /// Puts back requests that were refused on their own for somebody's lock, even if the queue is closed.
    pub(super) fn put_aside(&self, jobs: impl IntoIterator<Item = Job<W>>) {
        self.state().locked_out.put(jobs.into_iter().inspect(Job::wait_again));
        self.news.notify_one();
    }

    /// Whether somebody's lock has kept a request of this lane waiting a moment ago: the next one may need the same lock.
    pub(super) fn meets_locks(&self) -> bool {
        self.state().locked_out.is_recent()
    }

    /// A caller has given up its request. Once every second one may be such a request, they are taken out, so that others get their places
    /// though no worker comes to take them.
    pub(super) fn one_was_abandoned(&self) {
        let mut state = self.state();
        state.abandoned += 1;
        if state.abandoned * 2 >= state.len() {
            state.abandoned = 0;
            state.jobs.drop_abandoned();
            state.locked_out.drop_abandoned();
            drop(state);
            // It may be empty now, which whoever waits for its end must see.
            self.news.notify_one();
        }
    }

    /// Accepts no more requests; workers end when the queue is empty.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.news.notify_waiters();
        self.news.notify_one();
    }

    /// Whether it is closed and empty.
    pub(super) fn has_ended(&self) -> bool {
        let state = self.state();
        state.is_closed && state.is_empty()
    }

    /// Waits until a call is worthwhile; false once the queue is closed and empty.
    pub(super) async fn wait(&self) -> bool {
        loop {
            let news = self.news.notified();
            let locked_out_in = {
                let state = self.state();
                if state.has_next() || state.is_turn_of_locked_out() {
                    return true;
                }
                if state.is_closed && state.is_empty() {
                    // The next worker must see the end, too.
                    self.news.notify_one();
                    return false;
                }
                state.locked_out.due_in()
            };
            match locked_out_in {
                Some(pause) => drop(tokio::time::timeout(pause, news).await),
                None => news.await,
            }
        }
    }

    /// Wakes another worker, because the calling worker cannot serve the request it was woken for.
    pub(super) fn pass_on(&self) {
        self.news.notify_one();
    }

    /// Whether any of its workers has a connection.
    pub(super) fn is_connected(&self) -> bool {
        self.state().connected > 0
    }

    /// Counts a worker that has a connection.
    pub(super) fn connected(self: &Arc<Self>) -> Connected<W> {
        self.state().connected += 1;
        Connected(Arc::clone(self))
    }

    /// The next requests of one event and kind, at most `batch_max`, first come first served, without those whose callers have
    /// disconnected; `None` if no call is worthwhile. Or, in turn with them, a request that is locked out, alone.
    pub(super) fn take_batch(&self, batch_max: usize) -> Option<Batch<'_, W>> {
        let mut state = self.state();
        state.locked_out_came_last = state.is_turn_of_locked_out();
        if state.locked_out_came_last {
            let jobs = state.locked_out.pop().filter(Job::take).into_iter().collect();
            if state.has_next() {
                self.news.notify_one();
            }
            drop(state);
            return Some(Batch { queue: self, event_id: None, jobs });
        }
        let (event_id, jobs) = state.take(batch_max)?;
        if state.has_next() {
            self.news.notify_one();
        }
        drop(state);
        Some(Batch { queue: self, event_id: Some(event_id), jobs })
    }

    /// Takes out the requests that have waited longer than `max`, if no worker has a connection.
    pub(super) fn take_hopeless(&self, max: Duration) -> Vec<Job<W>> {
        let mut state = self.state();
        if state.connected > 0 {
            return Vec::new();
        }
        let mut hopeless = state.jobs.pop_while(|job| job.age() > max);
        hopeless.extend(state.locked_out.take_old(max));
        hopeless
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
