//! An expiry that fails: retried, given up in the end, listed, and redriven.

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::*;
use crate::harness::RedisMode;
use crate::stored::{Ask, Notice, Session, make_due, server_without_expiry, unhurried};

const ATTEMPTS_MAX: i32 = 3;

/// From now on the order cannot expire.
async fn make_stubborn(server: &TestServer, order: &Value) {
    let sql = format!(
        "create function public.stubborn() returns trigger language plpgsql as 'begin raise exception ''planted''; end';
         create trigger stubborn before update on rowlock.orders for each row
         when (new.status = 'expired' and new.order_id = '{}') execute function public.stubborn()",
        order_id(order)
    );
    server.db.batch_execute(&sql).await.expect("a trigger");
}

async fn dead_letters(server: &TestServer, event: &EventHandle) -> Vec<Value> {
    let listed = server.admin().get(&format!("/v1/admin/dead-letters?event_id={}", event.id)).await.expect(200);
    listed["dead_letters"].as_array().expect("a list").clone()
}

async fn redrive(server: &TestServer, order: &Value) -> crate::harness::Answer {
    let path = format!("/v1/admin/dead-letters/{}/{}/redrive", order["event_id"], order_id(order));
    server.admin().post_nothing(&path).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_that_fails_becomes_a_dead_letter_and_keeps_nobody_waiting_with_redis() {
    fail_give_up_and_redrive(RedisMode::Shared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_that_fails_becomes_a_dead_letter_and_keeps_nobody_waiting_without_redis() {
    fail_give_up_and_redrive(RedisMode::Off).await;
}

async fn fail_give_up_and_redrive(redis: RedisMode) {
    let server = TestServer::builder().redis(redis).arg("--expiry-attempts-max", ATTEMPTS_MAX).start().await;
    let event = brief_event(&server, 20).await;
    let alice = server.customer("alice");
    let mut orders = Vec::new();
    for seat in 1..=10 {
        orders.push(alice.claim_seats(&event, &[("A", seat)]).await.expect(201));
    }
    let stubborn = orders.remove(4);
    make_stubborn(&server, &stubborn).await;
    for order in &orders {
        let late_ms = expired_after_ms(&server, order).await;
        assert!(late_ms < SWEPT_WITHIN_MS, "{late_ms} ms late behind an order that cannot expire");
    }
    let letter = given_up(&server, &event, &stubborn).await;
    assert_given_up_for_good(&server, &event, &letter).await;

    // Redriven while it still fails: a new set of attempts, and given up again.
    redrive(&server, &stubborn).await.expect(204);
    let again = eventually(PATIENCE, || async { dead_letters(&server, &event).await.pop() }).await;
    assert_eq!(again["attempts"], ATTEMPTS_MAX);
    assert!(again["first_failed_at"].as_str() > letter["last_failed_at"].as_str(), "{again} after {letter}");

    server.db.batch_execute("drop trigger stubborn on rowlock.orders").await.expect("mended");
    redrive(&server, &stubborn).await.expect(204);
    expired_after_ms(&server, &stubborn).await;
    assert_eq!(dead_letters(&server, &event).await, Vec::<Value>::new());
    redrive(&server, &stubborn).await.problem(404, "dead_letter_not_found");
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.expiry_failures").await, 0);
    assert_sold_again(&server, &event, &[("A", 5)]).await;
    server.assert_invariants().await;
}

/// Waits for the dead letter and checks it.
async fn given_up(server: &TestServer, event: &EventHandle, order: &Value) -> Value {
    let letter = eventually(PATIENCE, || async { dead_letters(server, event).await.pop() }).await;
    assert_eq!(letter["order_id"], order["order_id"]);
    assert_eq!(letter["event_id"], event.id);
    assert_eq!(letter["attempts"], ATTEMPTS_MAX);
    assert!(letter["last_error"].as_str().expect("an error").contains("planted"), "{letter}");
    let everywhere = server.admin().get("/v1/admin/dead-letters").await.expect(200);
    assert_eq!(everywhere["dead_letters"], serde_json::json!([letter]));
    let elsewhere = server.admin().get(&format!("/v1/admin/dead-letters?event_id={}", event.id + 1)).await.expect(200);
    assert_eq!(elsewhere["dead_letters"], serde_json::json!([]));
    // 100 ms after the first failure and 200 ms after the second.
    let backoff: f64 =
        server.ask("select extract(epoch from last_failed_at - first_failed_at)::float8 * 1000 from rowlock.expiry_failures").await;
    assert!(backoff >= 290.0, "given up after {backoff} ms");
    assert_eq!(status_of(server, order).await, "pending_payment");
    letter
}

/// Other orders expire in the meantime, and nothing touches the dead letter.
async fn assert_given_up_for_good(server: &TestServer, event: &EventHandle, letter: &Value) {
    let failures = counter(server, "rowlock_expiry_failures_total").await;
    assert!(failures >= u64::try_from(ATTEMPTS_MAX).expect("a count"), "{failures}");
    let other = server.customer("carol").claim_seats(event, &[("A", 11)]).await.expect(201);
    expired_after_ms(server, &other).await;
    assert_eq!(counter(server, "rowlock_expiry_failures_total").await, failures);
    assert_eq!(dead_letters(server, event).await, std::slice::from_ref(letter));
    server.customer("bob").claim_seats(event, &[("A", 5)]).await.problem(409, "seat_taken");
}

/// Queue and sweep may find the same order at the same moment: that is one attempt, and nothing is counted after the last.
#[tokio::test(flavor = "multi_thread")]
async fn failures_before_the_retry_is_due_and_after_the_last_are_not_counted() {
    let server = TestServer::start().await;
    let failed = "select attempts || ' ' || coalesce((retry_in_ms between 1 and 100)::text, 'dead')
        from rowlock.record_expiry_failure(
            p_event_id => 1, p_order_id => '01890000-0000-7000-8000-000000000000', p_error => 'planted', p_attempts_max => 2)";
    let due = "update rowlock.expiry_failures set retry_at = clock_timestamp() where retry_at is not null";
    let mut answers = Vec::new();
    for _ in 0..2 {
        answers.push(server.ask::<String>(failed).await);
        answers.push(server.ask::<String>(failed).await);
        server.db.batch_execute(due).await.expect("due");
    }
    assert_eq!(answers, ["1 true", "1 true", "2 dead", "2 dead"]);
}

/// Nor does it try a dead letter ever again.
#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_finds_a_failed_order_when_its_retry_is_due_and_not_before() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let session = Session::new(&server, &event).await;
    let order = session.claim_one(Ask::seats("ann", &[(1, 1)])).await.order();
    make_due(&server, order.order_id).await;
    let overdue = "select count(*) from rowlock.overdue_orders(0, 100)";
    assert_eq!(server.ask::<i64>(overdue).await, 1);
    let fail = "select rowlock.record_expiry_failure(p_event_id => $1, p_order_id => $2, p_error => 'planted', p_attempts_max => 2)";
    server.db.execute(fail, &[&event.id, &order.order_id]).await.expect("written down");
    for (retry_at, found) in [("now() + interval '1 hour'", 0), ("now() - interval '1 second'", 1), ("null", 0)] {
        server.db.batch_execute(&format!("update rowlock.expiry_failures set retry_at = {retry_at}")).await.expect("put off");
        assert_eq!(server.ask::<i64>(overdue).await, found, "{retry_at}");
    }
}

/// The latest come first, and an order whose next attempt is due is not among them: it can be neither listed nor redriven.
#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_from_the_latest_on_and_failures_that_are_retried_are_none() {
    let server = server_without_expiry().await;
    let id = |number: u128| uuid::Uuid::from_u128(number);
    let plant = "insert into rowlock.expiry_failures (event_id, order_id, attempts, last_error, first_failed_at, last_failed_at, retry_at)
        values (1, $1, 1, 'planted', now() - interval '1 hour', now() - $2::integer * interval '1 minute',
            case when $3 then now() + interval '1 minute' end)";
    for (number, minutes_ago, is_retried) in [(1, 2, false), (2, 1, false), (3, 3, false), (4, 0, true)] {
        server.db.execute(plant, &[&id(number), &minutes_ago, &is_retried]).await.expect("planted");
    }
    let listed = server.admin().get("/v1/admin/dead-letters").await.expect(200);
    let ids: Vec<_> = listed["dead_letters"].as_array().expect("a list").iter().map(|letter| letter["order_id"].clone()).collect();
    assert_eq!(ids, [2, 1, 3].map(|number| Value::from(id(number).to_string())));
    let retried = format!("/v1/admin/dead-letters/1/{}/redrive", id(4));
    server.admin().post_nothing(&retried).await.problem(404, "dead_letter_not_found");
}

/// Failures of an order count until it has ended, and are then forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn the_record_of_a_failure_goes_when_its_order_has_ended() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let session = Session::new(&server, &event).await;
    let [due, paid, early] = [1, 2, 3].map(|seat| Ask::seats("ann", &[(1, seat)]));
    let orders: Vec<_> = session.claim(&[due, paid, early]).await.iter().map(|claim| claim.order()).collect();
    make_due(&server, orders[0].order_id).await;
    assert_eq!(session.settle(&[Notice::of(&orders[1])]).await, ["paid"]);
    for (order, (outcome, kept)) in orders.iter().zip([("expired", 0), ("not_pending", 0), ("not_due", 1)]) {
        let fail = "select rowlock.record_expiry_failure(p_event_id => $1, p_order_id => $2, p_error => 'planted', p_attempts_max => 2)";
        server.db.execute(fail, &[&event.id, &order.order_id]).await.expect("written down");
        assert_eq!(session.expire(order.order_id).await, outcome);
        assert_eq!(server.ask::<i64>("select count(*) from rowlock.expiry_failures").await, kept, "{outcome}");
    }
}

/// If the buyer pays after all, the dead letter disappears.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_can_still_be_paid() {
    let server = TestServer::builder().arg("--expiry-attempts-max", 1).start().await;
    let event = brief_event(&server, 4).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    make_stubborn(&server, &order).await;
    eventually(PATIENCE, || async { !dead_letters(&server, &event).await.is_empty() }).await;
    assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid");
    redrive(&server, &order).await.expect(204);
    assert_eq!(status_of(&server, &order).await, "paid");
    assert_eq!(dead_letters(&server, &event).await, Vec::<Value>::new());
    server.assert_invariants().await;
}
