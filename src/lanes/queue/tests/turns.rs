//! Customers take turns: events of one customer do not hold up those of others.

use super::super::leaders::LEADERS_MAX;
use super::*;

/// The event of the next batch, which ends at once.
fn next_event(queue: &Queue<Numbers>) -> i64 {
    queue.take_batch(256).expect("a batch").jobs[0].event_id()
}

#[tokio::test]
async fn nobody_waits_behind_the_many_events_of_one_customer() {
    // Fewer and more than make a second call of an event worthwhile.
    for claims in [2, 6] {
        let queue = Queue::<Numbers>::new();
        let mut waiting = Vec::new();
        for event_id in 100..140 {
            waiting.extend(push(&queue, event_id, 0..claims));
        }
        let first = queue.take_batch(256).expect("a batch");
        assert_eq!((first.jobs[0].event_id(), first.jobs.len()), (100, claims));
        waiting.extend(push(&queue, 200, [0]));
        waiting.extend(push(&queue, 300, [0]));
        let order: Vec<_> = (0..4).map(|_| next_event(&queue)).collect();
        assert_eq!(order, [200, 300, 101, 102], "those who have not had a turn, then everybody as they came");
        drop(first);
    }
}

#[tokio::test]
async fn somebody_with_many_events_has_a_turn_now_and_then_however_many_others_come() {
    let queue = Queue::<Numbers>::new();
    let mut waiting = Vec::new();
    for event_id in 100..140 {
        waiting.extend(push(&queue, event_id, [0]));
    }
    let turns: Vec<usize> = (0..10 * (LEADERS_MAX + 1))
        .filter(|turn| {
            waiting.extend(push(&queue, 200 + 100 * i64::try_from(*turn).expect("few"), [0]));
            next_event(&queue) < 200
        })
        .collect();
    assert_eq!(turns, (0..10).map(|nth| nth * (LEADERS_MAX + 1)).collect::<Vec<_>>());
}

#[tokio::test]
async fn it_is_the_turn_of_whoever_is_first_in_a_batch_and_their_claims_for_one_event_stay_in_their_order() {
    let queue = Queue::<Numbers>::new();
    let (one, two) = (push(&queue, 100, [0, 1, 2]), push(&queue, 200, [0]));
    let taken: Vec<_> = (0..3)
        .map(|_| {
            let batch = queue.take_batch(2).expect("a batch");
            (batch.jobs[0].event_id(), numbers(&batch))
        })
        .collect();
    assert_eq!(taken, [(100, vec![0, 1]), (200, vec![0]), (100, vec![2])]);
    drop((one, two));
}
