//! The sweep of PostgreSQL: nothing depends on Redis, and one server at a time runs it.

use std::time::Duration;

use pretty_assertions::assert_eq;

use super::*;
use crate::harness::RedisMode;
use crate::stored::{Ask, Session, server_without_expiry, unhurried};

async fn server_without_redis() -> TestServer {
    TestServer::builder().redis(RedisMode::Off).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_an_unpaid_order_expires_and_its_seats_are_sold_again() {
    /// The pause between two sweeps, and some time to work: an order need not wait for the queue where there is none.
    const USUALLY_WITHIN_MS: f64 = 400.0 + 200.0;
    let server = server_without_redis().await;
    let event = brief_event(&server, 4).await;
    assert_soon(USUALLY_WITHIN_MS, async |_| {
        let order = server.customer("alice").claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
        let late_ms = expired_after_ms(&server, &order).await;
        assert!((0.0..SWEPT_WITHIN_MS).contains(&late_ms), "{late_ms} ms late");
        assert_eq!(server.customer("alice").order(&order).await.expect(200)["status"], "expired");
        late_ms
    })
    .await;
    assert_sold_again(&server, &event, &[("A", 2), ("A", 1)]).await;
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_does_not_expire() {
    let server = server_without_redis().await;
    let event = brief_event(&server, 4).await;
    let alice = server.customer("alice");
    let paid = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    assert_eq!(server.gateway().pay(&paid).await.expect(200)["outcome"], "paid");
    // Claimed later, so that the paid one would have been swept before it.
    let unpaid = alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
    expired_after_ms(&server, &unpaid).await;
    assert_eq!(status_of(&server, &paid).await, "paid");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_a_leader_leaves_lying_is_swept_by_others() {
    let server = server_without_redis().await;
    let second = server.second().await;
    let event = brief_event(&server, 4).await;
    // A session that never ends plays a server that hangs.
    server.db.batch_execute("begin; select rowlock.try_lead_sweep()").await.expect("the leadership");
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let overdue = "select clock_timestamp() > expires_at + interval '1500 milliseconds' from rowlock.orders";
    eventually(PATIENCE, || server.ask::<bool>(overdue)).await;
    let others = server.connect().await;
    let status = format!("select status::text from rowlock.orders where order_id = '{}'", order_id(&order));
    let status: String = others.query_one(&status, &[]).await.expect("an order").get(0);
    assert_eq!(status, "pending_payment");
    let late_ms = expired_after_ms(&second, &order).await;
    // Five seconds, the pause between two sweeps, and what a busy machine adds.
    assert!((5_000.0..7_000.0).contains(&late_ms), "{late_ms} ms late");
    server.db.batch_execute("commit").await.expect("given up");
    assert_sold_again(&second, &event, &[("A", 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leadership_passes_on_when_its_server_stops() {
    let mut first = server_without_redis().await;
    let event = brief_event(&first, 4).await;
    let order = first.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let second = first.second().await;
    first.stop().await.expect("an orderly end");
    let late_ms = expired_after_ms(&second, &order).await;
    assert!(late_ms < SWEPT_WITHIN_MS, "{late_ms} ms late");
    assert_sold_again(&second, &event, &[("A", 1)]).await;
}

/// A sweep goes on while there is something overdue: what lies behind the first call does not wait for the next sweep.
#[tokio::test(flavor = "multi_thread")]
async fn one_sweep_expires_more_than_one_call_can() {
    const ORDERS: i32 = 1_500;
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, ORDERS)])).await;
    let asks: Vec<Ask> = (1..=ORDERS).map(|seat| Ask::seats(&format!("customer {seat}"), &[(1, seat)])).collect();
    Session::new(&server, &event).await.claim(&asks).await;
    let make_all_due = "
        with due as (
            update rowlock.orders set created_at = created_at - interval '1 day', expires_at = expires_at - interval '1 day'
            returning event_id, order_id, expires_at
        )
        insert into rowlock.deadlines
        select event_id, expires_at, (array_agg(order_id order by order_id))[1], array_agg(order_id order by order_id)
        from due group by event_id, expires_at";
    server.db.batch_execute(make_all_due).await.expect("due");
    // It sweeps when it starts, and then not for a minute.
    let second = server.second().await;
    let are_pending = "select exists (select from rowlock.orders where status = 'pending_payment')";
    eventually(Duration::from_secs(20), || async { !second.ask::<bool>(are_pending).await }).await;
    second.assert_invariants().await;
}

/// As after an outage: the order is a day overdue when the sweep first sees it.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_long_overdue_is_found_and_a_paid_one_beside_it_is_left_alone() {
    let server = server_without_redis().await;
    let event = server.event(crate::stored::unhurried(&[("A", 1000, 4)])).await;
    let alice = server.customer("alice");
    let [paid, unpaid] =
        [alice.claim_seats(&event, &[("A", 1)]).await.expect(201), alice.claim_seats(&event, &[("A", 2)]).await.expect(201)];
    assert_eq!(server.gateway().pay(&paid).await.expect(200)["outcome"], "paid");
    for order in [&paid, &unpaid] {
        crate::stored::make_due(&server, order_id(order).parse().expect("an id")).await;
    }
    let late_ms = expired_after_ms(&server, &unpaid).await;
    assert!(late_ms > 22.0 * 3_600_000.0, "{late_ms} ms late");
    assert_sold_again(&server, &event, &[("A", 2)]).await;
    assert_eq!(status_of(&server, &paid).await, "paid");
    let stale = "select exists (select from rowlock.deadlines where expires_at < now())";
    eventually(PATIENCE, || async { !server.ask::<bool>(stale).await }).await;
    server.assert_invariants().await;
}
