//! The end of a queue.

use super::*;

#[tokio::test]
async fn a_closed_queue_takes_nothing_more_and_ends_when_it_is_empty() {
    let queue = Queue::<Numbers>::new();
    let _waiting = push(&queue, 7, [0]);
    queue.close();
    let (reply, _answer) = oneshot::channel();
    let place = Place::take(&Arc::default(), 1).expect("a place");
    assert!(queue.push(Job::new(request(7, 1), reply, Progress::default(), place)).is_err());
    assert_eq!(queue.wait().now_or_never(), Some(true));
    queue.put_first(std::mem::take(&mut queue.take_batch(256).expect("a batch").jobs));
    assert_eq!(numbers(&queue.take_batch(256).expect("a batch")), [0], "what was taken may go back");
    assert_eq!(queue.wait().now_or_never(), Some(false));
    assert_eq!(queue.wait().now_or_never(), Some(false), "for every worker");
}

#[tokio::test]
async fn the_end_is_passed_on_to_every_worker_that_sleeps() {
    let queue = Queue::<Numbers>::new();
    let _waiting = push(&queue, 7, [0, 1]);
    let call = queue.take_batch(1).expect("a batch");
    let mut sleepers: [_; 3] = std::array::from_fn(|_| Box::pin(queue.wait()));
    queue.close();
    for sleeper in &mut sleepers {
        assert!(futures_util::poll!(sleeper).is_pending(), "what waits is for a call of its own");
    }
    drop(call);
    let [first, second, third] = sleepers;
    assert!(first.await);
    drop(queue.take_batch(1).expect("a batch"));
    assert_eq!((second.now_or_never(), third.now_or_never()), (Some(false), Some(false)));
}

#[tokio::test]
async fn a_closed_queue_ends_when_its_last_request_is_given_up() {
    let queue = Queue::<Numbers>::new();
    let waiting = push_counted(&queue, 7, [0], &Arc::default());
    let _call = queue.take_batch(256).expect("a batch");
    let next = push_counted(&queue, 7, [1], &Arc::default());
    let mut worker = std::pin::pin!(queue.wait());
    assert!(futures_util::poll!(&mut worker).is_pending(), "a call of its event is under way");
    queue.close();
    assert!(futures_util::poll!(&mut worker).is_pending());
    assert!(next[0].1.abandon());
    queue.one_was_abandoned();
    assert_eq!(worker.now_or_never(), Some(false));
    drop(waiting);
}
