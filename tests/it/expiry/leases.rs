//! Leases of due entries: an entry that is taken comes back until it is done with, and nothing expires twice.

use pretty_assertions::assert_eq;
use redis::AsyncCommands;
use uuid::Uuid;

use super::*;
use crate::harness::{Stops, at_the_gate, build_gate, open_gate};
use crate::stored::{unhurried, until_somebody_waits};

/// The time that many milliseconds from now in Unix milliseconds, by the database's clock.
async fn in_ms(server: &TestServer, ms: i64) -> i64 {
    server.ask::<i64>("select (extract(epoch from clock_timestamp()) * 1000)::bigint").await + ms
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
    assert_queued_in_time(late_ms);
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
    // Redis' clock is read apart from PostgreSQL's.
    assert_queued_in_time(ended - lease_ends as f64 + 5.0);
    assert_sold_again(&server, &event, &[("A", 1)]).await;
}

/// What a worker that takes longer than its lease has locked, another one leaves alone: the order expires once.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_runs_out_during_the_work_expires_nothing_twice() {
    let server = TestServer::builder().arg(NO_SWEEP.0, NO_SWEEP.1).arg("--expiry-lease-ms", 100).start().await;
    let event = brief_event(&server, 4).await;
    let second = server.second().await;
    build_gate(&server.db, "update on rowlock.orders", "new.status = 'expired'", Stops::First).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    at_the_gate(&server.db).await;
    for _ in 0..3 {
        let leased = queued_for_ms(&server, &order).await.expect("an entry that nobody is done with");
        eventually(PATIENCE, || async { queued_for_ms(&server, &order).await > Some(leased) }).await;
    }
    open_gate(&server.db).await;
    expired_after_ms(&server, &order).await;
    eventually(PATIENCE, || queue_is_empty(&server)).await;
    let expired = counter(&server, "rowlock_orders_expired_total").await + counter(&second, "rowlock_orders_expired_total").await;
    assert_eq!(expired, 1);
    server.assert_invariants().await;
}
