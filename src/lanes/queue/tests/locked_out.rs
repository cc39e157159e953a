//! Requests that somebody's lock keeps out.

use super::super::locked_out::{LOCKED_OUT_LATELY, LOCKED_OUT_PAUSE};
use super::*;

#[tokio::test]
async fn a_request_locked_out_is_tried_alone_now_and_then_and_holds_nobody_up() {
    let queue = Queue::<Numbers>::new();
    let mut waiting = push(&queue, 7, [0, 1]);
    let mut batch = std::mem::take(&mut queue.take_batch(2).expect("a batch").jobs);
    queue.put_aside([batch.remove(0)]);
    assert_eq!(queue.wait().now_or_never(), None, "not at once");
    assert!(queue.take_batch(2).is_none());
    let begun = std::time::Instant::now();
    assert!(queue.wait().await, "without any news");
    assert!(begun.elapsed() >= LOCKED_OUT_PAUSE);

    waiting.extend(push(&queue, 7, [2, 3]));
    let again = queue.take_batch(2).expect("its turn");
    assert_eq!((numbers(&again), again.was_locked_out()), (vec![0], true));
    let others = queue.take_batch(2).expect("those of its event do not wait for it");
    assert_eq!((numbers(&others), others.was_locked_out()), (vec![2, 3], false));
    assert!(!queue.has_ended());
    drop((others, again));
    drop(waiting);
}

#[tokio::test]
async fn requests_locked_out_and_all_others_take_turns() {
    let queue = Queue::<Numbers>::new();
    let waiting = push(&queue, 7, 0..6);
    queue.put_aside(std::mem::take(&mut queue.take_batch(2).expect("a batch").jobs));
    tokio::time::sleep(LOCKED_OUT_PAUSE).await;
    let taken: Vec<_> = (0..4).map(|_| numbers(&queue.take_batch(2).expect("a batch"))).collect();
    assert_eq!(taken, [vec![0], vec![2, 3], vec![1], vec![4, 5]]);
    drop(waiting);
}

#[tokio::test]
async fn requests_locked_out_are_hopeless_like_others_and_the_end_waits_for_them() {
    let queue = Queue::<Numbers>::new();
    let waiting = push(&queue, 7, [0, 1]);
    queue.put_aside(std::mem::take(&mut queue.take_batch(2).expect("a batch").jobs));
    queue.close();
    assert!(!queue.has_ended());
    assert!(queue.take_hopeless(Duration::MAX).is_empty());
    assert_eq!(queue.take_hopeless(Duration::ZERO).len(), 2);
    assert!(queue.has_ended());
    drop(waiting);
}

#[tokio::test]
async fn locks_are_expected_for_a_moment_after_one_was_met() {
    let queue = Queue::<Numbers>::new();
    let _waiting = push(&queue, 7, [0]);
    assert!(!queue.meets_locks());
    queue.put_aside(std::mem::take(&mut queue.take_batch(2).expect("a batch").jobs));
    assert!(queue.meets_locks());
    let forgotten = async {
        while queue.meets_locks() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(5 * LOCKED_OUT_LATELY, forgotten).await.expect("no longer");
}
