//! Rows that do not add up: a stored function that finds them says so with RL009, and whatever it has begun is undone.

use pretty_assertions::assert_eq;
use serde_json::Value;
use tokio_postgres::Error;

use crate::harness::TestServer;
use crate::stored::{Ask, Notice, Placed, Session, make_due, server_without_expiry, unhurried};

async fn small_concert() -> (TestServer, Session) {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let session = Session::new(&server, &event).await;
    (server, session)
}

/// The call must have found an inconsistency, in these words, and must have left everything as it was.
#[track_caller]
fn assert_undone<T: std::fmt::Debug>(call: Result<T, Error>, detail: &str, (before, after): (Value, Value)) {
    let error = call.expect_err("rows that do not add up");
    let error = error.as_db_error().expect("PostgreSQL's answer");
    assert_eq!((error.code().code(), error.detail()), ("RL009", Some(detail)));
    assert_eq!(after, before);
}

/// A seat that was locked and is yet not held: nobody may get an order that lists it.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_seat_is_not_held_after_all_makes_no_order() {
    let (server, session) = small_concert().await;
    server
        .db
        .batch_execute(
            "create function public.skip() returns trigger language plpgsql as 'begin return null; end';
             create trigger skip before update on rowlock.seats for each row when (new.seat_no = 2) execute function public.skip()",
        )
        .await
        .expect("a trigger");
    for ask in [Ask::seats("ann", &[(1, 1), (1, 2)]), Ask::best("ann", 1, 2)] {
        let before = server.trace().await;
        let claim = session.try_claim(&[ask]).await;
        assert_undone(claim, "claimed seats: 1 rows where 2 were expected", (before, server.trace().await));
    }
    server.assert_invariants().await;
}

/// Two pending orders of which the first lists a seat that the second holds.
async fn a_seat_listed_by_another_order(server: &TestServer, session: &Session) -> Placed {
    let listed = session.claim_one(Ask::seats("ann", &[(1, 1), (1, 2)])).await.order();
    let holder = session.claim_one(Ask::seats("bob", &[(1, 3)])).await.order();
    let sql = "update rowlock.seats set order_id = $1 where seat_no = 2";
    assert_eq!(server.db.execute(sql, &[&holder.order_id]).await.expect("planted"), 1);
    listed
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_not_paid_with_a_seat_that_another_holds() {
    let (server, session) = small_concert().await;
    let order = a_seat_listed_by_another_order(&server, &session).await;
    let before = server.trace().await;
    let paid = session.try_settle(&[Notice::of(&order)]).await;
    assert_undone(paid, "tickets of paid seats: 1 rows where 2 were expected", (before, server.trace().await));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_ends_does_not_put_a_seat_on_sale_that_another_holds() {
    let (server, session) = small_concert().await;
    let order = a_seat_listed_by_another_order(&server, &session).await;
    make_due(&server, order.order_id).await;
    let (before, detail) = (server.trace().await, "seats held by their orders: 1 rows where 2 were expected");
    assert_undone(session.try_expire(order.order_id).await, detail, (before.clone(), server.trace().await));
    assert_eq!(session.cancel(order.order_id, "ann").await, Err("RL009".to_owned()));
    assert_eq!(session.release(order.order_id, "ann", &[(1, 1)]).await, Err("RL009".to_owned()));
    assert_eq!(server.trace().await, before);
}
