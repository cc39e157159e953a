//! The expiry queue in Redis: fast, and never trusted.

use pretty_assertions::assert_eq;
use redis::AsyncCommands;
use serde_json::Value;

use super::*;
use crate::harness::HOLD_CLAIMS;
use crate::stored::unhurried;

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_order_expires_through_the_queue_and_its_seats_are_sold_again() {
    let server = server_without_sweep().await;
    let event = brief_event(&server, 4).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
    let queued = eventually(PATIENCE, || queued_for_ms(&server, &order)).await;
    let deadline = "select extract(epoch from expires_at)::float8 * 1000 from rowlock.orders";
    assert_eq!(queued, server.ask::<f64>(deadline).await, "it is queued for its deadline");
    let late_ms = expired_after_ms(&server, &order).await;
    assert_queued_in_time(late_ms);
    assert_sold_again(&server, &event, &[("A", 2), ("A", 1)]).await;
    eventually(PATIENCE, || queue_is_empty(&server)).await;
    assert_eq!(server.customer("alice").order(&order).await.expect(200)["status"], "expired");
    server.assert_invariants().await;
}

/// Ten thousand take longer: this is what nothing in the way of one order may add up to.
#[tokio::test(flavor = "multi_thread")]
async fn a_single_order_expires_well_within_a_tenth_of_a_second_of_its_deadline() {
    const WITHIN_MS: f64 = 60.0;
    let server = server_without_sweep().await;
    let event = brief_event(&server, 4).await;
    let alice = server.customer("alice");
    assert_soon(WITHIN_MS, async |seat| {
        let order = alice.claim_seats(&event, &[("A", seat)]).await.expect(201);
        expired_after_ms(&server, &order).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_or_cancelled_stays_so_when_its_entry_comes_due() {
    let server = server_without_sweep().await;
    let event = brief_event(&server, 4).await;
    let alice = server.customer("alice");
    let paid = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    let cancelled = alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
    for order in [&paid, &cancelled] {
        eventually(PATIENCE, || queued_for_ms(&server, order)).await;
    }
    server.gateway().pay(&paid).await.expect(200);
    alice.cancel(&cancelled).await.expect(200);
    eventually(PATIENCE, || queue_is_empty(&server)).await;
    let overdue = "select min(expires_at) <= clock_timestamp() from rowlock.orders";
    assert!(server.ask::<bool>(overdue).await, "nobody took the entries before they were due");
    assert_eq!((status_of(&server, &paid).await, status_of(&server, &cancelled).await), ("paid".to_owned(), "cancelled".to_owned()));
    assert_eq!(counter(&server, "rowlock_orders_expired_total").await, 0);
    server.assert_invariants().await;
}

/// An entry names one order, and all orders claimed together with it that are still pending expire.
#[tokio::test(flavor = "multi_thread")]
async fn one_entry_expires_all_that_were_claimed_together_and_are_still_pending() {
    const ORDERS: i32 = 40;
    let server = server_without_sweep().await;
    let event = brief_event(&server, ORDERS).await;
    let alice = server.customer("alice");
    // While another session has locked the seats, claims gather behind the first call.
    server.db.batch_execute(HOLD_CLAIMS).await.expect("its lock");
    let claims = (1..=ORDERS).map(|seat| {
        let (alice, event) = (alice.clone(), event);
        tokio::spawn(async move { alice.claim_seats(&event, &[("A", seat)]).await.expect(201) })
    });
    let claims: Vec<_> = claims.collect();
    eventually(PATIENCE, || async { counter(&server, "rowlock_lane_depth{lane=\"claims\"}").await == u64::from(ORDERS.unsigned_abs()) })
        .await;
    server.db.batch_execute("commit").await.expect("released");
    let mut orders = Vec::new();
    for claim in claims {
        orders.push(claim.await.expect("a claim"));
    }
    let deadlines: i64 = server.ask("select count(*) from rowlock.deadlines").await;
    assert!(deadlines <= 10, "{deadlines} deadlines of {ORDERS} claims");
    let queued = || async { server.redis().await.zcard::<_, i64>(queue_key(&server)).await.expect("Redis answers") };
    eventually(PATIENCE, || async { queued().await == deadlines }).await;
    let entries = "select array_agg(event_id || ':' || first_order_id || ':' || cardinality(order_ids)) from rowlock.deadlines";
    for entry in server.ask::<Vec<String>>(entries).await {
        let due: Option<f64> = server.redis().await.zscore(queue_key(&server), &entry).await.expect("Redis answers");
        assert!(due.is_some(), "no entry {entry}");
    }
    // The order that the entry names may be paid; the others keep their deadline.
    let named: String = server.ask("select first_order_id::text from rowlock.deadlines order by cardinality(order_ids) desc limit 1").await;
    let (paid, unpaid): (Vec<Value>, Vec<Value>) = orders.into_iter().partition(|order| order_id(order) == named);
    assert_eq!(server.gateway().pay(&paid[0]).await.expect(200)["outcome"], "paid");
    for order in &unpaid {
        let late_ms = expired_after_ms(&server, order).await;
        assert_queued_in_time(late_ms);
    }
    eventually(PATIENCE, || queue_is_empty(&server)).await;
    assert_eq!(status_of(&server, &paid[0]).await, "paid");
    assert_eq!(counter(&server, "rowlock_orders_expired_total").await, unpaid.len() as u64);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_order_is_locked_does_not_keep_anothers_seats() {
    let server = server_without_sweep().await;
    let (stuck, free) = (brief_event(&server, 4).await, brief_event(&server, 4).await);
    let alice = server.customer("alice");
    let holder = server.connect().await;
    assert_soon(QUEUED_WITHIN_MS, async |seat| {
        let seats = [("A", seat)];
        let (locked, unlocked) = tokio::join!(alice.claim_seats(&stuck, &seats), alice.claim_seats(&free, &seats));
        let (locked, unlocked) = (locked.expect(201), unlocked.expect(201));
        let lock = format!("begin; select from rowlock.orders where order_id = '{}' for update", order_id(&locked));
        holder.batch_execute(&lock).await.expect("its lock");
        let late_ms = expired_after_ms(&server, &unlocked).await;
        assert_eq!(status_of(&server, &locked).await, "pending_payment");
        holder.batch_execute("commit").await.expect("released");
        expired_after_ms(&server, &locked).await;
        late_ms
    })
    .await;
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_written_once() {
    let server = server_without_sweep().await;
    let event = server.event(unhurried(&[("A", 1000, 4)])).await;
    let (alice, mut redis) = (server.customer("alice"), server.redis().await);
    let first = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    eventually(PATIENCE, || queued_for_ms(&server, &first)).await;
    assert_eq!(redis.zrem::<_, _, u64>(queue_key(&server), entry(&first)).await.expect("Redis answers"), 1);
    let second = alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
    eventually(PATIENCE, || queued_for_ms(&server, &second)).await;
    assert_eq!(queued_for_ms(&server, &first).await, None, "written again with the second");
}
