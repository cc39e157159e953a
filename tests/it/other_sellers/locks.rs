//! Locking bugs, each tested with two transactions, one of which is held open.

use std::time::Duration;

use pretty_assertions::assert_eq;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::one_session;
use crate::harness::{EventHandle, TestServer};
use crate::stored::{Ask, Claimed, Notice, Session, make_due, server_without_expiry, unhurried, until_it_waits};

/// Two sessions: one whose transaction the test holds open, and its rival.
async fn two_sessions(seats: i32) -> (TestServer, EventHandle, Session, Session) {
    let (server, event, session) = one_session(seats).await;
    let rival = Session::new(&server, &event).await;
    (server, event, session, rival)
}

/// A claim in a separate session, which is now waiting for a lock.
async fn waiting_claim(server: &TestServer, rival: Session, ask: Ask) -> JoinHandle<(Session, Claimed)> {
    let pid = rival.pid;
    let claim = tokio::spawn(async move {
        let answer = rival.claim_one(ask).await;
        (rival, answer)
    });
    until_it_waits(server, pid).await;
    claim
}

#[tokio::test(flavor = "multi_thread")]
async fn for_update_locked_a_shared_joined_row_too_false_sell_outs() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 2), ("B", 1000, 2)])).await;
    let (open, rival) = (Session::new(&server, &event).await, Session::new(&server, &event).await);
    open.begin().await;
    open.claim_one(Ask::seats("ann", &[(1, 1)])).await.order();
    // Another section is not touched at all: its claim does not even wait.
    let elsewhere = tokio::time::timeout(Duration::from_secs(5), rival.claim_one(Ask::seats("bob", &[(2, 1)])));
    elsewhere.await.expect("no waiting").order();
    // The same section: its counts are shared, but its other seat is still for sale.
    let claim = waiting_claim(&server, rival, Ask::best("bob", 1, 1)).await;
    open.commit().await;
    let (rival, answer) = claim.await.unwrap();
    assert_eq!(answer.order().seats, [(1, 2)]);
    assert_eq!(rival.seats(1).await, "hh");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advisory_lock_taken_after_the_snapshot_was_read_wrote_stale_counts() {
    let (server, _, open, rival) = two_sessions(40).await;
    open.begin().await;
    open.claim_one(Ask::best("ann", 1, 20)).await.order();
    let claim = waiting_claim(&server, rival, Ask::best("bob", 1, 2)).await;
    open.commit().await;
    assert_eq!(claim.await.unwrap().1.order().seats, [(1, 21), (1, 22)], "found after the lock, not among what was there before it");
    assert_eq!(server.ask::<String>("select (available, held)::text from rowlock.sections").await, "(18,22)");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_checked_before_the_lock_parallel_requests_pass_both() {
    let server = server_without_expiry().await;
    let mut event = unhurried(&[("A", 1000, 10), ("B", 1000, 10)]);
    event["seats_per_customer"] = 3.into();
    let event = server.event(event).await;
    for ask in [Ask::seats("ann", &[(2, 1), (2, 2)]), Ask::best("bob", 2, 2)] {
        let (open, rival) = (Session::new(&server, &event).await, Session::new(&server, &event).await);
        open.begin().await;
        open.claim_one(Ask::best(&ask.customer_id, 1, 2)).await.order();
        let claim = waiting_claim(&server, rival, ask).await;
        open.commit().await;
        assert_eq!(claim.await.unwrap().1.outcome, "customer_limit");
    }

    // Late money claims seats, too, and meets the same limit.
    let (open, rival) = (Session::new(&server, &event).await, Session::new(&server, &event).await);
    let late = open.claim_one(Ask::seats("cid", &[(1, 9), (1, 10)])).await.order();
    open.cancel(late.order_id, "cid").await.unwrap();
    open.begin().await;
    open.claim_one(Ask::seats("cid", &[(2, 9), (2, 10)])).await.order();
    let pid = rival.pid;
    let payment = tokio::spawn(async move { rival.settle(&[Notice::of(&late)]).await });
    until_it_waits(&server, pid).await;
    open.commit().await;
    assert_eq!(payment.await.unwrap(), ["refund_due"]);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_checked_before_the_lock_makes_two_orders() {
    let (server, _, open, rival) = two_sessions(10).await;
    open.begin().await;
    let first = open.claim_one(Ask::best("ann", 1, 2).keyed("k")).await.order();
    let claim = waiting_claim(&server, rival, Ask::best("ann", 1, 2).keyed("k")).await;
    open.commit().await;
    let answer = claim.await.unwrap().1;
    assert_eq!((answer.outcome.as_str(), answer.order()), ("replayed", first));
    server.assert_invariants().await;
}

/// What happens to an order while its payment, expiry or cancellation is not yet committed.
async fn meet<F, T>(server: &TestServer, open: &Session, rival: Session, act: impl FnOnce(Session) -> F) -> T
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let pid = rival.pid;
    let acting = tokio::spawn(act(rival));
    until_it_waits(server, pid).await;
    open.commit().await;
    acting.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_taken_but_the_condition_not_checked_again_after_it() {
    let (server, event, open) = one_session(10).await;
    let rival = || Session::new(&server, &event);
    let mut orders = Vec::new();
    for seat in 1..=6 {
        orders.push(open.claim_one(Ask::seats("ann", &[(1, seat)])).await.order());
        make_due(&server, orders.last().unwrap().order_id).await;
    }
    let ids: Vec<Uuid> = orders.iter().map(|order| order.order_id).collect();
    let notice = |index: usize| [Notice::of(&orders[index])];

    // A payment is in progress: expiry leaves its order alone, and cancellation waits; then both check again.
    let expiring = rival().await;
    open.begin().await;
    assert_eq!(open.settle(&notice(0)).await, ["paid"]);
    assert_eq!(expiring.expire(ids[0]).await, "locked");
    open.commit().await;
    assert_eq!(expiring.expire(ids[0]).await, "not_pending");
    open.begin().await;
    assert_eq!(open.settle(&notice(1)).await, ["paid"]);
    let order_id = ids[1];
    let cancelled = meet(&server, &open, rival().await, |it| async move { it.cancel(order_id, "ann").await });
    assert_eq!(cancelled.await, Err("order_not_pending".to_owned()));

    // An expiry or a cancellation is in progress: the payment waits, and finds its seat free again.
    open.begin().await;
    assert_eq!(open.expire(ids[2]).await, "expired");
    let late = notice(2);
    assert_eq!(meet(&server, &open, rival().await, |it| async move { it.settle(&late).await }).await, ["late_reclaimed"]);
    open.begin().await;
    open.cancel(ids[3], "ann").await.unwrap();
    let late = notice(3);
    assert_eq!(meet(&server, &open, rival().await, |it| async move { it.settle(&late).await }).await, ["late_reclaimed"]);

    // Two expiries of one order; a cancellation of an expired one.
    open.begin().await;
    assert_eq!(open.expire(ids[4]).await, "expired");
    assert_eq!(expiring.expire(ids[4]).await, "locked");
    open.commit().await;
    assert_eq!(expiring.expire(ids[4]).await, "not_pending");
    open.begin().await;
    assert_eq!(open.expire(ids[5]).await, "expired");
    let order_id = ids[5];
    let cancelled = meet(&server, &open, rival().await, |it| async move { it.cancel(order_id, "ann").await });
    assert_eq!(cancelled.await, Err("order_not_pending".to_owned()));

    // A claim is in progress: the box office waits, and finds the seat held.
    open.begin().await;
    open.claim_one(Ask::seats("ann", &[(1, 10)])).await.order();
    assert_eq!(meet(&server, &open, rival().await, |it| async move { it.block(1, &[9, 10]).await }).await, Err("RL008".to_owned()));
    assert_eq!(open.seats(1).await, "ssssaaaaah");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn count_drops_the_for_update_of_its_source() {
    // What a function's decision depends on stays locked until its transaction ends, even if it changes nothing.
    let (server, _, open, rival) = two_sessions(10).await;
    let order = open.claim_one(Ask::seats("ann", &[(1, 1)])).await.order();
    let free_orders = "select count(*) from (select from rowlock.orders for update skip locked) o";
    open.begin().await;
    assert_eq!(open.expire(order.order_id).await, "not_due");
    assert_eq!(server.ask::<i64>(free_orders).await, 0, "expiry holds the order it judged");
    open.rollback().await;
    assert_eq!(server.ask::<i64>(free_orders).await, 1);
    open.begin().await;
    assert_eq!(open.settle(&[Notice { amount_minor: 1, ..Notice::of(&order) }]).await, ["refund_due"]);
    assert_eq!(server.ask::<i64>(free_orders).await, 0, "settling holds the order it judged");
    open.rollback().await;
    open.begin().await;
    assert_eq!(open.block(1, &[2, 3]).await, Ok(2));
    assert_eq!(rival.claim_one(Ask::seats("bob", &[(1, 3), (1, 4)])).await.taken, [(1, 3)], "the box office holds what it blocks");
    open.rollback().await;
    open.begin().await;
    open.claim_one(Ask::seats("bob", &[(1, 5)])).await.order();
    assert_eq!(rival.claim_one(Ask::seats("cid", &[(1, 5), (1, 6)])).await.taken, [(1, 5)], "a claim holds its seats");
    open.rollback().await;
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn skip_locked_on_a_release_leaves_seats_behind() {
    let (server, event, open) = one_session(10).await;
    for way in ["expire", "cancel"] {
        let order = open.claim_one(Ask::seats("ann", &[(1, 1), (1, 2), (1, 3)])).await.order();
        make_due(&server, order.order_id).await;
        // Another session locks a held seat, as a claim of it does for a moment.
        server.db.batch_execute("begin; select from rowlock.seats where seat_no = 2 for update").await.unwrap();
        let releasing = Session::new(&server, &event).await;
        let pid = releasing.pid;
        let release = tokio::spawn(async move {
            match way {
                "expire" => releasing.expire(order.order_id).await,
                _ => releasing.cancel(order.order_id, "ann").await.unwrap(),
            }
        });
        until_it_waits(&server, pid).await;
        server.db.batch_execute("commit").await.unwrap();
        let outcome = release.await.unwrap();
        assert!(["expired", "cancelled"].contains(&outcome.as_str()), "{outcome}");
        assert_eq!(open.seats(1).await, "aaaaaaaaaa", "{way}");
    }
    server.assert_invariants().await;
}
