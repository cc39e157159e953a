//! A notice that was settled before is answered with its recorded outcome, by the same call that finds it.

use pretty_assertions::assert_eq;

use super::concert;
use crate::stored::{Ask, Notice};

/// The answers to the notices.
type Answers = Vec<(String, Option<String>)>;

fn settled(outcome: &str) -> (String, Option<String>) {
    (outcome.to_owned(), None)
}

fn duplicate(recorded: &str) -> (String, Option<String>) {
    ("duplicate".to_owned(), Some(recorded.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_says_what_became_of_the_payment_in_the_same_batch_and_later() {
    let (server, _, session) = concert(10).await;
    let [right, wrong, failed, late] = [1, 2, 3, 4].map(|seat| Ask::seats("ann", &[(1, seat)]));
    let orders: Vec<_> = session.claim(&[right, wrong, failed, late]).await.iter().map(|answer| answer.order()).collect();
    let mut notices: Vec<Notice> = orders.iter().map(Notice::of).collect();
    notices[1].amount_minor += 1;
    notices[2].succeeded = false;
    session.cancel(orders[3].order_id, "ann").await.expect("cancelled");

    let first: Answers = session.settle_recorded(&notices).await;
    assert_eq!(first, ["paid", "refund_due", "failed_recorded", "late_reclaimed"].map(settled));
    let again = session.settle_recorded(&notices).await;
    assert_eq!(again, ["paid", "refund_due", "failed_recorded", "late_reclaimed"].map(duplicate));

    // Twice in one batch; and the identity of a payment under another order's name.
    let order = session.claim_one(Ask::seats("ann", &[(1, 5)])).await.order();
    let notice = Notice::of(&order);
    let stolen = Notice { order_id: orders[0].order_id, ..notice.clone() };
    let batch = session.settle_recorded(&[notice.clone(), notice.clone(), stolen, notice]).await;
    assert_eq!(batch, [settled("paid"), duplicate("paid"), settled("payment_conflict"), duplicate("paid")]);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_succeeds_after_a_failure_is_dated_by_its_success() {
    let (server, _, session) = concert(10).await;
    let order = session.claim_one(Ask::seats("ann", &[(1, 1)])).await.order();
    let failed = Notice { succeeded: false, ..Notice::of(&order) };
    assert_eq!(session.settle(std::slice::from_ref(&failed)).await, ["failed_recorded"]);
    server.db.batch_execute("update rowlock.payments set received_at = received_at - interval '1 day'").await.expect("a day ago");
    assert_eq!(session.settle(&[failed.then(true)]).await, ["paid"]);
    let dated = "select p.received_at = o.ended_at from rowlock.payments p join rowlock.orders o using (event_id, order_id)";
    assert!(server.ask::<bool>(dated).await, "dated by the failure");
}
