//! The expiry queue in Redis: fast, and never trusted.

use pretty_assertions::assert_eq;
use redis::AsyncCommands;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::harness::{HOLD_CLAIMS, RedisMode};
use crate::stored::{unhurried, until_somebody_waits};

async fn server_without_sweep() -> TestServer {
    TestServer::builder().arg(NO_SWEEP.0, NO_SWEEP.1).start().await
}

/// The time that many milliseconds from now in Unix milliseconds, by the database's clock.
async fn in_ms(server: &TestServer, ms: i64) -> i64 {
    server.ask::<i64>("select (extract(epoch from clock_timestamp()) * 1000)::bigint").await + ms
}

async fn queue_is_empty(server: &TestServer) -> bool {
    server.redis().await.zcard::<_, u64>(queue_key(server)).await.expect("Redis answers") == 0
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_order_expires_through_the_queue_and_its_seats_are_sold_again() {
    let server = server_without_sweep().await;
    let event = brief_event(&server, 4).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
    let queued = eventually(PATIENCE, || queued_for_ms(&server, &order)).await;
    let deadline = "select extract(epoch from expires_at)::float8 * 1000 from rowlock.orders";
    assert_eq!(queued, server.ask::<f64>(deadline).await, "it is queued for its deadline");
    let late_ms = expired_after_ms(&server, &order).await;
    assert!(late_ms < 250.0 * SLACK, "{late_ms} ms late");
    assert_sold_again(&server, &event, &[("A", 2), ("A", 1)]).await;
    eventually(PATIENCE, || queue_is_empty(&server)).await;
    assert_eq!(server.customer("alice").order(&order).await.expect(200)["status"], "expired");
    server.assert_invariants().await;
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

/// A batch's entry names one order, and all its orders that are still pending expire.
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
    let batches: i64 = server.ask("select count(*) from rowlock.deadlines").await;
    assert!(batches <= 10, "{batches} batches of {ORDERS} claims");
    let queued = || async { server.redis().await.zcard::<_, i64>(queue_key(&server)).await.expect("Redis answers") };
    eventually(PATIENCE, || async { queued().await == batches }).await;
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
        assert!((0.0..250.0 * SLACK).contains(&late_ms), "{late_ms} ms late");
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
    let (locked, unlocked) = tokio::join!(alice.claim_seats(&stuck, &[("A", 1)]), alice.claim_seats(&free, &[("A", 1)]));
    let (locked, unlocked) = (locked.expect(201), unlocked.expect(201));
    let lock = format!("begin; select from rowlock.orders where order_id = '{}' for update", order_id(&locked));
    let holder = server.second().await;
    holder.db.batch_execute(&lock).await.expect("its lock");
    let late_ms = expired_after_ms(&server, &unlocked).await;
    assert!(late_ms < 250.0 * SLACK, "{late_ms} ms late");
    assert_eq!(status_of(&server, &locked).await, "pending_payment");
    holder.db.batch_execute("commit").await.expect("released");
    expired_after_ms(&server, &locked).await;
    server.assert_invariants().await;
}

/// If the clock of Redis is ahead of PostgreSQL's, the server takes entries too early.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_taken_too_early_comes_back_when_it_is_due() {
    let server = server_without_sweep().await;
    let event = brief_event(&server, 4).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    eventually(PATIENCE, || queued_for_ms(&server, &order)).await;
    let moved: u64 = redis::cmd("ZADD")
        .arg(queue_key(&server))
        .arg("XX")
        .arg("CH")
        .arg(1)
        .arg(entry(&order))
        .query_async(&mut server.redis().await)
        .await
        .expect("Redis answers");
    assert_eq!(moved, 1);
    let late_ms = expired_after_ms(&server, &order).await;
    assert!((0.0..250.0 * SLACK).contains(&late_ms), "{late_ms} ms late");
    eventually(PATIENCE, || queue_is_empty(&server)).await;
}

/// What has gone from the queue meanwhile, because another worker was done with it, must not come back into it.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_gone_is_not_postponed() {
    let server = server_without_sweep().await;
    let event = server.event(unhurried(&[("A", 1000, 4)])).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    eventually(PATIENCE, || queued_for_ms(&server, &order)).await;
    // Both are leased at once, and the stranger's entry is removed after the other is postponed.
    let stranger = format!("{}:{}:1", event.id + 1, Uuid::now_v7());
    let locker = server.connect().await;
    locker.batch_execute("begin; lock table rowlock.deadlines in access exclusive mode").await.expect("its lock");
    let due = [(1, entry(&order)), (1, stranger.clone())];
    server.redis().await.zadd_multiple::<_, _, _, ()>(queue_key(&server), &due).await.expect("Redis answers");
    until_somebody_waits(&server).await;
    let gone: u64 = server.redis().await.zrem(queue_key(&server), entry(&order)).await.expect("Redis answers");
    assert_eq!(gone, 1);
    locker.batch_execute("commit").await.expect("released");
    eventually(PATIENCE, || async {
        let left: Option<f64> = server.redis().await.zscore(queue_key(&server), &stranger).await.expect("Redis answers");
        left.is_none()
    })
    .await;
    assert_eq!(queued_for_ms(&server, &order).await, None);
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

/// A worker that crashed after leasing an entry has postponed it and done nothing else, as far as others can see.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_crashed_worker_leased_comes_due_again() {
    const LEASE_MS: i64 = 2_500;
    let server = server_without_sweep().await;
    let event = brief_event(&server, 4).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    eventually(PATIENCE, || queued_for_ms(&server, &order)).await;
    let lease_ends = in_ms(&server, LEASE_MS).await;
    let moved: u64 = redis::cmd("ZADD")
        .arg(queue_key(&server))
        .arg("XX")
        .arg("CH")
        .arg(lease_ends)
        .arg(entry(&order))
        .query_async(&mut server.redis().await)
        .await
        .expect("Redis answers");
    assert_eq!(moved, 1);
    expired_after_ms(&server, &order).await;
    let ended: f64 = server.ask("select extract(epoch from ended_at)::float8 * 1000 from rowlock.orders").await;
    let late_ms = ended - lease_ends as f64;
    assert!((-5.0..250.0 * SLACK).contains(&late_ms), "{late_ms} ms after the lease ended");
    assert_sold_again(&server, &event, &[("A", 1)]).await;
}

/// A worker that takes longer than its lease meets another one at the order's lock: the order expires once.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_runs_out_during_the_work_expires_nothing_twice() {
    let server = TestServer::builder().arg(NO_SWEEP.0, NO_SWEEP.1).arg("--expiry-lease-ms", 100).start().await;
    let event = brief_event(&server, 4).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    server.db.batch_execute("begin; select from rowlock.orders for update").await.expect("its lock");
    let queued = eventually(PATIENCE, || queued_for_ms(&server, &order)).await;
    eventually(PATIENCE, || async { queued_for_ms(&server, &order).await > Some(queued) }).await;
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let second = server.second().await;
    eventually(PATIENCE, || async { second.ask::<i64>(waiting).await >= 2 }).await;
    server.db.batch_execute("commit").await.expect("released");
    expired_after_ms(&server, &order).await;
    eventually(PATIENCE, || queue_is_empty(&server)).await;
    let expired = counter(&server, "rowlock_orders_expired_total").await + counter(&second, "rowlock_orders_expired_total").await;
    assert_eq!(expired, 1);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_the_queue_is_thrown_out_and_harms_nobody() {
    let server = server_without_sweep().await;
    let event = brief_event(&server, 10).await;
    let alice = server.customer("alice");
    let (early, never) =
        (alice.claim_seats(&event, &[("A", 1)]).await.expect(201), alice.claim_seats(&event, &[("A", 2)]).await.expect(201));
    for order in [&early, &never] {
        eventually(PATIENCE, || queued_for_ms(&server, order)).await;
    }
    let stranger = Uuid::now_v7();
    let garbage = [
        "nonsense".to_owned(),
        String::new(),
        ":".to_owned(),
        format!("{}:no-uuid:1", event.id),
        format!("99999999999999999999:{stranger}:1"),
        format!("-1:{stranger}:1"),
        format!("424242:{stranger}:1"),
        format!("{}:{stranger}:1", event.id),
        format!("{}:{stranger}:18446744073709551615", event.id),
        format!("{}:{}", event.id, order_id(&early)),
        format!("{}:{}:-1", event.id, order_id(&early)),
        format!("{}:{}:1:", event.id, order_id(&early)),
        "\u{0}\u{1}💺".to_owned(),
    ];
    let mut put = redis::pipe();
    for text in &garbage {
        put.zadd(queue_key(&server), text, 0).ignore();
    }
    // Bytes that are not text, and real orders at impossible times.
    put.zadd(queue_key(&server), b"\xff\xfe".as_slice(), "-inf").ignore();
    put.zadd(queue_key(&server), entry(&early), "-inf").ignore();
    put.query_async::<()>(&mut server.redis().await).await.expect("Redis answers");
    let later = alice.claim_seats(&event, &[("A", 3)]).await.expect(201);
    for order in [&early, &never, &later] {
        let late_ms = expired_after_ms(&server, order).await;
        assert!((0.0..250.0 * SLACK).contains(&late_ms), "{late_ms} ms late");
    }
    eventually(PATIENCE, || queue_is_empty(&server)).await;
    server.assert_invariants().await;
}

/// The queue's key holds something else, so every command on it fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_queue_leaves_the_work_to_the_sweep() {
    let server = TestServer::start().await;
    let event = brief_event(&server, 4).await;
    server.redis().await.set::<_, _, ()>(queue_key(&server), "no sorted set").await.expect("Redis answers");
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let late_ms = expired_after_ms(&server, &order).await;
    assert!(late_ms < SWEPT_WITHIN_MS, "{late_ms} ms late");
    assert_sold_again(&server, &event, &[("A", 1)]).await;
    // It has been thrown away meanwhile, so that the queue works again.
    let next = server.customer("alice").claim_seats(&event, &[("A", 2)]).await.expect(201);
    assert!(eventually(PATIENCE, || queued_for_ms(&server, &next)).await > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_flushall_the_sweep_finds_every_order() {
    const ORDERS: i32 = 20;
    let server = TestServer::builder().redis(RedisMode::Own).start().await;
    let event = brief_event(&server, ORDERS).await;
    let alice = server.customer("alice");
    let mut orders: Vec<Value> = Vec::new();
    for seat in 1..=ORDERS {
        orders.push(alice.claim_seats(&event, &[("A", seat)]).await.expect(201));
        if seat % 7 == 0 {
            redis::cmd("FLUSHALL").query_async::<()>(&mut server.redis().await).await.expect("Redis answers");
        }
    }
    redis::cmd("FLUSHALL").query_async::<()>(&mut server.redis().await).await.expect("Redis answers");
    for order in &orders {
        let late_ms = expired_after_ms(&server, order).await;
        assert!(late_ms < SWEPT_WITHIN_MS, "{late_ms} ms late");
    }
    let seats: Vec<_> = (1..=ORDERS).map(|seat| ("A", seat)).collect();
    assert_sold_again(&server, &event, &seats).await;
    server.assert_invariants().await;
}
