//! What waits in a lane, shared by those who put requests in and the workers who take them out.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::work::Work;
use super::worker::Job;

/// While a call of an event is out, another is worth its fixed cost from so many requests on.
const OVERLAP_MIN: usize = 128;

/// Requests in the order they came.
pub(super) struct Queue<W: Work> {
    state: Mutex<State<W>>,
    news: Notify,
}

struct State<W: Work> {
    jobs: VecDeque<Job<W>>,
    /// The events of the batches that were taken and are not yet done with.
    under_way: Vec<i64>,
    /// Workers that have a connection.
    connected: usize,
    is_closed: bool,
}

impl<W: Work> State<W> {
    /// Which request the next call is for; `None`: none is worth a call yet. A lone request waits for a call of its own event only.
    fn next(&self) -> Option<&Job<W>> {
        if self.jobs.len() >= OVERLAP_MIN {
            return self.jobs.front();
        }
        self.jobs.iter().find(|job| !self.under_way.contains(&job.event_id()))
    }
}

/// A batch that was taken: the queue knows of it until it is dropped.
pub(super) struct Batch<'a, W: Work> {
    queue: &'a Queue<W>,
    event_id: i64,
    pub(super) jobs: Vec<Job<W>>,
}

impl<W: Work> Drop for Batch<'_, W> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        if let Some(index) = state.under_way.iter().position(|event_id| *event_id == self.event_id) {
            state.under_way.swap_remove(index);
        }
        drop(state);
        self.queue.news.notify_one();
    }
}

/// A worker's word that it has a connection, until it is dropped.
pub(super) struct Connected<W: Work>(Arc<Queue<W>>);

impl<W: Work> Drop for Connected<W> {
    fn drop(&mut self) {
        self.0.state().connected -= 1;
    }
}

impl<W: Work> Queue<W> {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State { jobs: VecDeque::new(), under_way: Vec::new(), connected: 0, is_closed: false }),
            news: Notify::new(),
        }
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
                if state.next().is_some() {
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

    /// Wakes another worker: the one that calls this cannot serve what it was woken for.
    pub(super) fn pass_on(&self) {
        self.news.notify_one();
    }

    /// Counts a worker that has a connection.
    pub(super) fn connected(self: &Arc<Self>) -> Connected<W> {
        self.state().connected += 1;
        Connected(Arc::clone(self))
    }

    /// The next requests of one event and kind, at most `batch_max`, first come first served, without those whose callers went away;
    /// `None` if there is nothing worth a call.
    pub(super) fn take_batch(&self, batch_max: usize) -> Option<Batch<'_, W>> {
        let mut state = self.state();
        let (event_id, kind) = state.next().map(|job| (job.event_id(), job.kind()))?;
        let (mut jobs, mut others) = (Vec::new(), VecDeque::new());
        while jobs.len() < batch_max
            && let Some(job) = state.jobs.pop_front()
        {
            if job.is_wanted() {
                if (job.event_id(), job.kind()) == (event_id, kind) { jobs.push(job) } else { others.push_back(job) }
            }
        }
        // Nearly always all are of one event: then nothing is moved.
        if !others.is_empty() {
            others.append(&mut state.jobs);
            state.jobs = others;
        }
        state.under_way.push(event_id);
        if state.next().is_some() {
            self.news.notify_one();
        }
        drop(state);
        Some(Batch { queue: self, event_id, jobs })
    }

    /// Takes out what has waited longer than `max` while no worker has a connection.
    pub(super) fn take_hopeless(&self, max: Duration) -> Vec<Job<W>> {
        let mut state = self.state();
        if state.connected > 0 {
            return Vec::new();
        }
        let old = state.jobs.iter().take_while(|job| job.age() > max).count();
        state.jobs.drain(..old).collect()
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::super::work::Answers;
    use super::super::{LaneError, Place};
    use super::*;
    use crate::db::batches::LaneClient;

    /// Work whose requests are an event and a number.
    struct Numbers;

    impl Work for Numbers {
        type Request = (i64, usize);
        type Answer = ();

        const NEEDS_CALLER: bool = true;

        fn event_id(request: &(i64, usize)) -> i64 {
            request.0
        }

        fn kind(_: &(i64, usize)) -> u8 {
            0
        }

        async fn call(_: &LaneClient, _: i64, requests: &[&(i64, usize)]) -> Answers<()> {
            Ok(vec![Some(()); requests.len()])
        }

        async fn recall(_: &LaneClient, _: i64, requests: &[&(i64, usize)]) -> Answers<()> {
            Ok(vec![None; requests.len()])
        }

        fn committed(&self, _: &(i64, usize), (): &()) {}

        fn batched(&self, _: usize) {}
    }

    type Waiting = oneshot::Receiver<Result<(), LaneError>>;

    fn push(queue: &Queue<Numbers>, event_id: i64, numbers: impl IntoIterator<Item = usize>) -> Vec<Waiting> {
        let depth = Arc::default();
        let push = |number| {
            let (reply, waiting) = oneshot::channel();
            let place = Place::take(&depth, usize::MAX).expect("a place");
            assert!(queue.push(Job::new((event_id, number), reply, place)).is_ok(), "the queue is open");
            waiting
        };
        numbers.into_iter().map(push).collect()
    }

    fn numbers(batch: &Batch<'_, Numbers>) -> Vec<usize> {
        batch.jobs.iter().map(|job| job.request().1).collect()
    }

    #[tokio::test]
    async fn a_lone_request_goes_at_once_and_the_next_waits_for_it_or_for_company() {
        let queue = Queue::<Numbers>::new();
        assert_eq!(queue.wait().now_or_never(), None);
        let mut waiting = push(&queue, 7, [0]);
        assert_eq!(queue.wait().now_or_never(), Some(true));
        let call = queue.take_batch(256).expect("a batch");
        assert_eq!(numbers(&call), [0]);

        waiting.extend(push(&queue, 7, 1..OVERLAP_MIN));
        assert_eq!(queue.wait().now_or_never(), None, "another call would not be worth it yet");
        assert!(queue.take_batch(256).is_none());
        waiting.extend(push(&queue, 7, [OVERLAP_MIN]));
        assert_eq!(queue.wait().now_or_never(), Some(true), "now it is");
        let second = queue.take_batch(3).expect("a batch");
        assert_eq!(numbers(&second), [1, 2, 3]);
        assert_eq!(queue.wait().now_or_never(), None);
        drop((call, second));
        assert_eq!(queue.wait().now_or_never(), Some(true), "with no call out, whatever waits goes");
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_when_a_call_ends() {
        let queue = Queue::<Numbers>::new();
        let mut waiting = push(&queue, 7, [0]);
        let call = queue.take_batch(256).expect("a batch");
        waiting.extend(push(&queue, 7, [1]));
        let mut worker = std::pin::pin!(queue.wait());
        assert_eq!(futures_util::poll!(&mut worker), std::task::Poll::Pending);
        drop(call);
        assert!(worker.await);
    }

    #[tokio::test]
    async fn a_batch_is_of_one_event_and_nobody_loses_its_place() {
        let queue = Queue::<Numbers>::new();
        let (a, b) = (push(&queue, 7, [0]), push(&queue, 8, [1]));
        let (c, d) = (push(&queue, 7, [2]), push(&queue, 8, [3]));
        let first = queue.take_batch(256).expect("a batch");
        assert_eq!(numbers(&first), [0, 2]);
        drop(first);
        drop(d);
        let second = queue.take_batch(256).expect("a batch");
        assert_eq!(numbers(&second), [1], "whose caller went away is not carried out");
        drop((second, a, b, c));
    }

    #[tokio::test]
    async fn another_events_request_does_not_wait_for_a_call_that_hangs() {
        let queue = Queue::<Numbers>::new();
        let hanging = push(&queue, 7, [0]);
        let call = queue.take_batch(256).expect("a batch");
        let (same, other) = (push(&queue, 7, [1]), push(&queue, 8, [2]));
        assert_eq!(queue.wait().now_or_never(), Some(true));
        let beside = queue.take_batch(256).expect("a batch");
        assert_eq!(numbers(&beside), [2]);
        assert!(queue.take_batch(256).is_none());
        drop(call);
        assert_eq!(numbers(&queue.take_batch(256).expect("a batch")), [1]);
        drop((hanging, same, other));
    }

    #[tokio::test]
    async fn requests_are_hopeless_only_while_no_worker_has_a_connection() {
        let queue = Arc::new(Queue::<Numbers>::new());
        let _waiting = push(&queue, 7, [0, 1]);
        let connected = queue.connected();
        assert!(queue.take_hopeless(Duration::ZERO).is_empty());
        drop(connected);
        assert!(queue.take_hopeless(Duration::MAX).is_empty());
        assert_eq!(queue.take_hopeless(Duration::ZERO).len(), 2);
    }

    #[tokio::test]
    async fn a_worker_that_cannot_serve_passes_its_wake_up_on() {
        let queue = Queue::<Numbers>::new();
        let (mut first, mut second) = (std::pin::pin!(queue.wait()), std::pin::pin!(queue.wait()));
        assert!(futures_util::poll!(&mut first).is_pending() && futures_util::poll!(&mut second).is_pending());
        let _waiting = push(&queue, 7, [0]);
        assert!(futures_util::poll!(&mut first).is_ready());
        queue.pass_on();
        assert!(second.await);
    }

    #[tokio::test]
    async fn a_closed_queue_takes_nothing_more_and_ends_when_it_is_empty() {
        let queue = Queue::<Numbers>::new();
        let _waiting = push(&queue, 7, [0]);
        queue.close();
        let (reply, _answer) = oneshot::channel();
        let place = Place::take(&Arc::default(), 1).expect("a place");
        assert!(queue.push(Job::new((7, 1), reply, place)).is_err());
        assert_eq!(queue.wait().now_or_never(), Some(true));
        queue.put_first(std::mem::take(&mut queue.take_batch(256).expect("a batch").jobs));
        assert_eq!(numbers(&queue.take_batch(256).expect("a batch")), [0], "what was taken may go back");
        assert_eq!(queue.wait().now_or_never(), Some(false));
        assert_eq!(queue.wait().now_or_never(), Some(false), "for every worker");
    }
}
