//! Bugs that other ticket sellers had: a test for each, named by the bug.
//!
//! Some are tested elsewhere, with their subject:
//! - A best-available search outside the lock refuses most requests with seats left; a retry limit answers "unavailable" with seats free:
//!   `buyers_who_want_exactly_all_seats_all_get_their_seats` and `whoever_is_refused_wanted_more_than_was_left` in
//!   `best_available::rivals`.
//! - `limit n … for update skip locked` in a subquery reserves too many: the same two, by their counts.
//! - A lock skipped for performance, two orders for one ticket: `concurrency::one_seat_and_two_hundred_rivals_have_one_winner`.
//! - A counter updated later, limits checked before the lock: `concurrency::parallel_claims_of_one_customer_stop_at_the_limit`, and
//!   `batches::the_customer_limit_holds_within_a_batch`.
//! - A limit that forgets what was paid: `claims::the_customers_limit_counts_all_orders_and_is_freed_by_cancelling_but_not_by_paying`.
//! - Idempotency replayed on the key alone: `claims::idempotency::the_same_key_with_another_request_is_refused` and
//!   `claims::idempotency::a_key_is_its_customers_and_its_events_own`.
//! - Neighbours taken from consecutive numbers: `best_available::the_end_of_a_row_parts_seats_whose_numbers_follow_each_other`.
//! - A replayed notice answered well while the order stays reserved: `payments::the_same_notice_is_settled_once_however_often_it_comes`.
//! - An expired unpaid booking is never released: `expiry::queue::an_unpaid_order_expires_through_the_queue_and_its_seats_are_sold_again`
//!   and `expiry::sweep::without_redis_an_unpaid_order_expires_and_its_seats_are_sold_again`.
//! - A lease held by the server's clock, two workers at once:
//!   `expiry::leases::a_lease_that_runs_out_during_the_work_expires_nothing_twice`.

mod locks;
mod money;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{EventHandle, HOLD_CLAIMS, RedisMode, TestServer, event_json};
use crate::stored::{Ask, Notice, Session, make_due, server_without_expiry, unhurried, until_somebody_waits};

fn id(order: &Value) -> Uuid {
    order["order_id"].as_str().expect("an order's id").parse().expect("a UUID")
}

async fn one_session(seats: i32) -> (TestServer, EventHandle, Session) {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, seats)])).await;
    let session = Session::new(&server, &event).await;
    (server, event, session)
}

#[tokio::test(flavor = "multi_thread")]
async fn booking_takes_the_lowest_locked_seats_whoever_locked_them() {
    let (server, event, session) = one_session(10).await;
    server.customer("early").claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
    let order = server.customer("late").claim_seats(&event, &[("A", 8), ("A", 5)]).await.expect(201);
    assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid");
    assert_eq!(session.seats(1).await, "hhaasaasaa");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_under_a_minute_rounds_to_zero_and_frees_everything() {
    let server = server_without_expiry().await;
    let mut event = event_json(&[("A", 1000, 2)]);
    event["window_ms"] = 10_999.into();
    let event = server.event(event).await;
    let session = Session::new(&server, &event).await;
    let order = session.claim_one(Ask::seats("ann", &[(1, 1)])).await.order();
    assert_eq!(order.window_ms, 10_999);
    assert_eq!(session.expire(order.order_id).await, "not_due");
    assert_eq!(session.claim_one(Ask::seats("bob", &[(1, 1)])).await.outcome, "seat_taken");
    let overdue = "select count(*) from rowlock.overdue_orders(0, 100)";
    assert_eq!(server.ask::<i64>(overdue).await, 0);
    make_due(&server, order.order_id).await;
    assert_eq!(server.ask::<i64>(overdue).await, 1);
    assert_eq!(session.expire(order.order_id).await, "expired");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_is_written_though_no_seat_row_was_updated() {
    let (server, event, session) = one_session(10).await;
    let order = session.claim_one(Ask::seats("ann", &[(1, 1), (1, 2)])).await.order();
    session.settle(&[Notice::of(&order)]).await;
    session.claim_one(Ask::seats("ann", &[(1, 3)])).await.order();
    session.block(1, &[4]).await.unwrap();
    server.db.batch_execute("begin; select from rowlock.seats where seat_no = 5 for update").await.unwrap();
    let before = server.trace().await;
    // Sold, held, blocked, and locked by a rival: alone, and together with a free seat.
    let bob = server.customer("bob");
    for seat in 1..=5 {
        for wanted in [vec![("A", seat)], vec![("A", 6), ("A", seat)]] {
            assert_eq!(bob.claim_seats(&event, &wanted).await.problem(409, "seat_taken")["taken"], json!([{"section": "A", "seat": seat}]));
        }
    }
    assert_eq!(server.trace().await, before);
    server.db.batch_execute("rollback").await.unwrap();
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_checked_only_in_redis_and_deleted_after_the_sale_are_sold_again() {
    let server = TestServer::builder().redis(RedisMode::Own).start().await;
    let event = server.small_event(&[("A", 1000, 2)]).await;
    let (ann, bob) = (server.customer("ann"), server.customer("bob"));
    let sold = ann.claim_seats(&event, &[("A", 1)]).await.expect(201);
    server.gateway().pay(&sold).await.expect(200);
    let held = ann.claim_seats(&event, &[("A", 2)]).await.expect(201);
    let _: () = redis::cmd("FLUSHALL").query_async(&mut server.redis().await).await.unwrap();
    for seat in [1, 2] {
        bob.claim_seats(&event, &[("A", seat)]).await.problem(409, "seat_taken");
    }
    bob.best_available(&event, "A", 1).await.problem(409, "sold_out");
    assert_eq!(server.gateway().pay(&held).await.expect(200)["outcome"], "paid");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_reset_endpoint() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 2)]).await;
    server.customer("ann").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let before = server.trace().await;
    let document = server.anyone().get("/openapi.json").await.expect(200);
    let mut tried = 0;
    // Every documented operation other than reading: none of them does anything without credentials.
    for (path, operations) in document["paths"].as_object().unwrap() {
        let path =
            path.replace("{event_id}", &event.id.to_string()).replace("{section}", "A").replace("{order_id}", &Uuid::now_v7().to_string());
        for (method, operation) in operations.as_object().unwrap().iter().filter(|(method, _)| *method != "get" && *method != "parameters")
        {
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let anyone = server.anyone();
            let request = anyone.request(method.clone(), &path);
            let takes_body = operation.get("requestBody").is_some();
            let answer = anyone.send(if takes_body { request.json(&json!({})) } else { request }).await;
            assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
            tried += 1;
        }
    }
    assert!(tried >= 8, "{tried} operations are not all that change something");
    assert_eq!(server.trace().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holders_own_pending_order_shows_sold_out_and_cancelling_restores_nothing() {
    let (server, event, _) = one_session(2).await;
    let (ann, bob) = (server.customer("ann"), server.customer("bob"));
    let order = ann.claim_once(&event, "k", json!({"best_available": {"section": "A", "quantity": 2}})).await.expect(201);
    bob.best_available(&event, "A", 1).await.problem(409, "sold_out");
    // The holder gets the order, not `sold_out`, also when repeating the claim.
    assert_eq!(ann.order(&order).await.expect(200), order);
    assert_eq!(ann.orders(&event).await.expect(200)["orders"], json!([order]));
    let again = ann.claim_once(&event, "k", json!({"best_available": {"section": "A", "quantity": 2}})).await.expect(201);
    assert_eq!(again, order);
    ann.cancel(&order).await.expect(200);
    assert_eq!(bob.best_available(&event, "A", 2).await.expect(201)["seats"], order["seats"]);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_response_claimed_a_second_block_of_seats() {
    let (server, event, _) = one_session(20).await;
    let ann = server.customer("ann");
    let claim = || json!({"best_available": {"section": "A", "quantity": 4}});
    // The connection breaks while the claim is in progress: nobody reads the answer.
    server.db.batch_execute(HOLD_CLAIMS).await.unwrap();
    let lost = tokio::spawn({
        let (ann, claim) = (ann.clone(), claim());
        async move { ann.claim_once(&event, "k", claim).await }
    });
    until_somebody_waits(&server).await;
    lost.abort();
    lost.await.unwrap_err();
    server.db.batch_execute("commit").await.unwrap();

    let order = ann.claim_once(&event, "k", claim()).await.expect(201);
    assert_eq!(order["seats"].as_array().unwrap().len(), 4);
    assert_eq!(ann.orders(&event).await.expect(200)["orders"], json!([order]));
    assert_eq!(server.ask::<i64>("select held::bigint from rowlock.sections").await, 4);
    server.assert_invariants().await;
}
