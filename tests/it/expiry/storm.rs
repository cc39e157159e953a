//! Ten thousand orders that come due together, in an optimised build: a debug build is not held to promises of speed.

use std::time::Duration;

use pretty_assertions::assert_eq;
use redis::AsyncCommands;
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use super::*;
use crate::harness::RedisMode;

const SECTIONS: i32 = 10;
const SEATS: i32 = 1_000;
const ORDERS: i32 = SECTIONS * SEATS;
/// Time to put them all into the queue before they are due.
const AHEAD_MS: i32 = 4_000;

/// One storm at a time: two at once would slow each other down.
async fn alone() -> MutexGuard<'static, ()> {
    static STORM: Mutex<()> = Mutex::const_new(());
    STORM.lock().await
}

/// Sells one seat each to many customers until the event is sold out, with the same deadline for all orders.
async fn ten_thousand_orders(server: &TestServer) -> EventHandle {
    let codes: Vec<String> = (1..=SECTIONS).map(|section| format!("S{section}")).collect();
    let sections: Vec<(&str, i64, i32)> = codes.iter().map(|code| (code.as_str(), 1000, SEATS)).collect();
    let event = server.small_event(&sections).await;
    let claim = format!(
        "with n as (select n from generate_series(1, {SEATS}) n)
         select count(*) filter (where a.outcome = 'claimed')
         from rowlock.claim_seats(p_event_id => $1, p_order_ids => $2,
            p_customer_ids => array(select 'customer ' || $3::integer || ' ' || n from n), p_idempotency_keys => array_fill(null::text, array[{SEATS}]),
            p_fingerprints => array_fill(null::bytea, array[{SEATS}]), p_request_nos => array(table n),
            p_section_nos => array_fill($3::integer, array[{SEATS}]), p_seat_nos => array(table n)) a"
    );
    let claim = server.db.prepare(&claim).await.expect("prepared");
    for section in 1..=SECTIONS {
        let ids: Vec<Uuid> = (0..SEATS).map(|_| Uuid::now_v7()).collect();
        let claimed = server.db.query_one(&claim, &[&event.id, &ids, &section]).await.expect("claimed");
        assert_eq!(claimed.get::<_, i64>(0), i64::from(SEATS));
    }
    let due = format!("date_trunc('milliseconds', now()) + {AHEAD_MS} * interval '1 millisecond'");
    let delay = format!("with moved as (update rowlock.deadlines set expires_at = {due}) update rowlock.orders set expires_at = {due}");
    assert_eq!(server.db.execute(&delay, &[]).await.expect("delayed"), u64::try_from(ORDERS).expect("a count"));
    // The table as if they had been claimed that way, without dead rows of the update.
    server.db.batch_execute("vacuum full analyze rowlock.orders").await.expect("vacuumed");
    event
}

/// What the lanes do for orders that are claimed over HTTP.
async fn put_into_the_queue(server: &TestServer) {
    let sql = "select event_id || ':' || first_order_id || ':' || cardinality(order_ids), (extract(epoch from expires_at) * 1000)::bigint
                 from rowlock.deadlines";
    let rows = server.db.query(sql, &[]).await.expect("the deadlines");
    let entries: Vec<(i64, String)> = rows.iter().map(|row| (row.get(1), row.get(0))).collect();
    for some in entries.chunks(1_000) {
        server.redis().await.zadd_multiple::<_, _, _, ()>(queue_key(server), some).await.expect("Redis answers");
    }
    let late = "select clock_timestamp() > min(expires_at) from rowlock.orders";
    assert!(!server.ask::<bool>(late).await, "this machine is too slow to fill the queue in time");
}

/// How late they were: half of them at most, 99 % at most, and when the last seat was seen to be on sale, in milliseconds.
#[derive(Clone, Copy)]
struct Lateness {
    p50: f64,
    p99: f64,
    seen: f64,
}

async fn all_expired(server: &TestServer, event: &EventHandle) -> Lateness {
    let pending = "select exists (select from rowlock.orders where status = 'pending_payment')";
    eventually(Duration::from_secs(60), || async { !server.ask::<bool>(pending).await }).await;
    let seen = server.ask("select extract(epoch from clock_timestamp() - max(expires_at))::float8 * 1000 from rowlock.orders").await;
    let row = server
        .db
        .query_one(
            "select percentile_disc(array[0.5, 0.99]) within group (order by extract(epoch from ended_at - expires_at)::float8 * 1000)
             from rowlock.orders where status = 'expired'",
            &[],
        )
        .await
        .expect("percentiles");
    let percentiles: Vec<f64> = row.get(0);
    let lateness = Lateness { p50: percentiles[0], p99: percentiles[1], seen };
    let Lateness { p50, p99, seen } = lateness;
    eprintln!("{ORDERS} orders due together: p50 {p50:.0}, p99 {p99:.0} ms late, all seen on sale after {seen:.0} ms");
    let available = format!("select sum(available)::integer from rowlock.sections where event_id = {}", event.id);
    assert_eq!(server.ask::<i32>(&available).await, ORDERS);
    assert_sold_again(server, event, &[("S1", 1), ("S10", SEATS)]).await;
    server.assert_invariants().await;
    lateness
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(debug_assertions, ignore = "ten thousand orders: .ci/promises runs it in an optimised build")]
async fn with_redis_ten_thousand_orders_are_back_on_sale_within_a_quarter_second() {
    let _alone = alone().await;
    assert_soon(QUEUED_WITHIN_MS, async |_| {
        let server = TestServer::start().await;
        let event = ten_thousand_orders(&server).await;
        put_into_the_queue(&server).await;
        let late = all_expired(&server, &event).await;
        assert!(late.p50 >= 0.0);
        late.p99
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(debug_assertions, ignore = "ten thousand orders: .ci/promises runs it in an optimised build")]
async fn without_redis_ten_thousand_orders_are_back_on_sale_within_two_seconds() {
    let _alone = alone().await;
    assert_soon(SWEPT_WITHIN_MS, async |_| {
        let server = TestServer::builder().redis(RedisMode::Off).start().await;
        let event = ten_thousand_orders(&server).await;
        let late = all_expired(&server, &event).await;
        assert!(late.p50 >= 0.0);
        late.seen
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(debug_assertions, ignore = "ten thousand orders: .ci/promises runs it in an optimised build")]
async fn several_servers_share_the_work_and_no_order_expires_twice() {
    let _alone = alone().await;
    let server = TestServer::start().await;
    let others = [server.second().await, server.second().await];
    server
        .db
        .batch_execute(
            "create table public.expiries (order_id uuid);
             create function public.note() returns trigger language plpgsql security definer as
                'begin insert into public.expiries values (new.order_id); return null; end';
             create trigger note after update on rowlock.orders for each row when (new.status = 'expired') execute function public.note()",
        )
        .await
        .expect("a trigger");
    let event = ten_thousand_orders(&server).await;
    put_into_the_queue(&server).await;
    all_expired(&server, &event).await;
    let counts = "select array[count(*), count(distinct order_id)] from public.expiries";
    assert_eq!(server.ask::<Vec<i64>>(counts).await, vec![i64::from(ORDERS); 2]);
    let mut shares = Vec::new();
    for server in [&server, &others[0], &others[1]] {
        shares.push(counter(server, "rowlock_orders_expired_total").await);
    }
    assert_eq!(shares.iter().sum::<u64>(), u64::try_from(ORDERS).expect("a count"), "{shares:?}");
    assert!(shares.iter().filter(|share| **share > 0).count() >= 2, "one server did it all: {shares:?}");
}
