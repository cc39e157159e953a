//! What waits in a lane, shared by those who put requests in and the workers who take them out.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::work::Work;
use super::worker::Job;

/// While a call is out, another is worth its fixed cost from so many requests on; a lone one waits for neither.
const OVERLAP_MIN: usize = 128;

/// Requests in the order they came.
pub(super) struct Queue<W: Work> {
    state: Mutex<State<W>>,
    news: Notify,
}

struct State<W: Work> {
    jobs: VecDeque<Job<W>>,
    /// Batches taken and not yet done with.
    calls: usize,
    is_closed: bool,
}

impl<W: Work> State<W> {
    fn is_worth_a_call(&self) -> bool {
        self.jobs.len() >= OVERLAP_MIN || (self.calls == 0 && !self.jobs.is_empty())
    }
}

/// A batch that was taken: the queue knows of it until it is dropped.
pub(super) struct Batch<'a, W: Work> {
    queue: &'a Queue<W>,
    pub(super) jobs: Vec<Job<W>>,
}

impl<W: Work> Drop for Batch<'_, W> {
    fn drop(&mut self) {
        self.queue.state().calls -= 1;
        self.queue.news.notify_one();
    }
}

impl<W: Work> Queue<W> {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State { jobs: VecDeque::new(), calls: 0, is_closed: false }), news: Notify::new() }
    }

    /// Puts a request behind the others; gives it back once the queue is closed.
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

    /// Puts requests that were taken behind the others again, closed or not.
    pub(super) fn put_back(&self, jobs: impl IntoIterator<Item = Job<W>>) {
        self.state().jobs.extend(jobs);
        self.news.notify_one();
    }

    /// Puts requests that were taken before the others again, in their order, closed or not.
    pub(super) fn put_first(&self, jobs: Vec<Job<W>>) {
        let mut state = self.state();
        jobs.into_iter().rev().for_each(|job| state.jobs.push_front(job));
        drop(state);
        self.news.notify_one();
    }

    /// Takes no more from outside; workers end when they find it empty.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.news.notify_waiters();
        self.news.notify_one();
    }

    /// Waits until there is enough for a call; false once the queue is closed and empty.
    pub(super) async fn wait(&self) -> bool {
        loop {
            let news = self.news.notified();
            {
                let state = self.state();
                if state.is_worth_a_call() {
                    return true;
                }
                if state.is_closed && state.jobs.is_empty() {
                    // The next worker must not sleep through the end.
                    self.news.notify_one();
                    return false;
                }
            }
            news.await;
        }
    }

    /// The next requests of one event and kind, at most `batch_max`, first come first served, without those whose callers went away.
    pub(super) fn take_batch(&self, batch_max: usize) -> Batch<'_, W> {
        let mut state = self.state();
        state.calls += 1;
        let (mut batch, mut others) = (Vec::new(), VecDeque::new());
        while batch.len() < batch_max
            && let Some(job) = state.jobs.pop_front()
        {
            if job.is_wanted() {
                if batch.first().is_none_or(|first: &Job<W>| first.goes_with(&job)) { batch.push(job) } else { others.push_back(job) }
            }
        }
        // Nearly always all are of one event: then nothing is moved.
        if !others.is_empty() {
            others.append(&mut state.jobs);
            state.jobs = others;
        }
        if state.is_worth_a_call() {
            self.news.notify_one();
        }
        drop(state);
        Batch { queue: self, jobs: batch }
    }

    /// Takes out what has waited longer than `max`.
    pub(super) fn take_older_than(&self, max: Duration) -> Vec<Job<W>> {
        let mut state = self.state();
        let old = state.jobs.iter().take_while(|job| job.age() > max).count();
        state.jobs.drain(..old).collect()
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
