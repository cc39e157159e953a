use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::super::LaneError;
use super::super::job::{Place, Progress};
use super::state::OVERLAP_MIN;
use super::*;
use crate::db::batches::{Answers, LaneClient};

mod ends;
mod locked_out;
mod turns;

/// Work whose requests are an event, a number and a customer.
struct Numbers;

type Request = (i64, usize, String);

impl Work for Numbers {
    type Request = Request;
    type Answer = ();

    const NEEDS_CALLER: bool = true;
    const WAIT_MAX: Duration = Duration::from_secs(1);

    fn event_id(request: &Request) -> i64 {
        request.0
    }

    fn customer(request: &Request) -> Option<&str> {
        Some(&request.2)
    }

    fn kind(_: &Request) -> u8 {
        0
    }

    async fn call(_: &LaneClient, _: i64, requests: &[&Request]) -> Answers<()> {
        Ok(vec![Some(()); requests.len()])
    }

    async fn recall(_: &LaneClient, _: i64, requests: &[&Request]) -> Answers<()> {
        Ok(vec![None; requests.len()])
    }

    fn committed<'a>(&self, _: impl Iterator<Item = (&'a Request, &'a ())>) {}

    fn batched(&self, _: usize) {}

    fn panicked(&self) {}
}

/// A request of the customer who claims for this event and the others of its hundred.
fn request(event_id: i64, number: usize) -> Request {
    (event_id, number, format!("customer {}", event_id / 100))
}

type Waiting = oneshot::Receiver<Result<(), LaneError>>;

fn push(queue: &Queue<Numbers>, event_id: i64, numbers: impl IntoIterator<Item = usize>) -> Vec<Waiting> {
    push_counted(queue, event_id, numbers, &Arc::default()).into_iter().map(|(waiting, _)| waiting).collect()
}

/// The same, with how far each has come; `depth` counts the places taken.
fn push_counted(
    queue: &Queue<Numbers>,
    event_id: i64,
    numbers: impl IntoIterator<Item = usize>,
    depth: &Arc<AtomicUsize>,
) -> Vec<(Waiting, Progress)> {
    let push = |number| {
        let (reply, waiting) = oneshot::channel();
        let (place, progress) = (Place::take(depth, usize::MAX).expect("a place"), Progress::default());
        assert!(queue.push(Job::new(request(event_id, number), reply, progress.clone(), place)).is_ok(), "the queue is open");
        (waiting, progress)
    };
    numbers.into_iter().map(push).collect()
}

fn numbers(batch: &Batch<'_, Numbers>) -> Vec<usize> {
    batch.jobs.iter().map(|job| job.request.1).collect()
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
async fn what_was_taken_goes_back_before_or_behind_the_others_in_its_order_and_wakes_a_worker() {
    let queue = Queue::<Numbers>::new();
    let mut waiting = push(&queue, 7, [0, 1]);
    let first = std::mem::take(&mut queue.take_batch(2).expect("a batch").jobs);
    let mut worker = Box::pin(queue.wait());
    // The end of the batch has left a word for whoever comes first.
    assert!(futures_util::poll!(&mut worker).is_pending());
    queue.put_back(first);
    assert_eq!(worker.now_or_never(), Some(true));

    let first = std::mem::take(&mut queue.take_batch(2).expect("a batch").jobs);
    waiting.extend(push(&queue, 7, [2]));
    queue.put_first(first);
    let all = queue.take_batch(3).expect("a batch");
    assert_eq!(numbers(&all), [0, 1, 2]);
    drop(all);
    waiting.extend(push(&queue, 7, [3]));
    let first = std::mem::take(&mut queue.take_batch(1).expect("a batch").jobs);
    waiting.extend(push(&queue, 7, [4]));
    queue.put_back(first);
    assert_eq!(numbers(&queue.take_batch(2).expect("a batch")), [4, 3]);
}

#[tokio::test]
async fn requests_that_were_given_up_keep_no_more_than_every_second_place() {
    let queue = Queue::<Numbers>::new();
    let depth = Arc::default();
    let mut waiting = push_counted(&queue, 7, 0..8, &depth);
    queue.put_aside(std::mem::take(&mut queue.take_batch(2).expect("a batch").jobs));
    let give_up = |waiting: Vec<(Waiting, Progress)>| {
        for (_, progress) in &waiting {
            assert!(progress.abandon());
            queue.one_was_abandoned();
        }
    };
    let kept = waiting.split_off(3);
    give_up(waiting);
    assert_eq!(depth.load(Ordering::Relaxed), 8, "looking through the queue for each of them would be too dear");
    let mut kept = kept.into_iter();
    give_up(kept.by_ref().take(1).collect());
    assert_eq!(depth.load(Ordering::Relaxed), 4, "locked out or not");
    assert_eq!(numbers(&queue.take_batch(256).expect("a batch")), [4, 5, 6, 7]);
    drop(kept);
}
