//! Redis crashes, hangs, is emptied and comes back while seats are sold.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use redis::AsyncCommands;
use serde_json::Value;

use super::ledger::{SECTIONS, Shoppers};
use crate::harness::{EventHandle, PATIENCE, RedisMode, TestServer, event_json, eventually};

/// How long ten purchases may take in total: a dead Redis must not slow them down much.
const TEN_SOLD_WITHIN: Duration = Duration::from_secs(5);

async fn readiness(server: &TestServer) -> (Value, Value) {
    let ready = server.anyone().get("/readyz").await.expect(200);
    (ready["status"].clone(), ready["redis"].clone())
}

async fn becomes(server: &TestServer, status: &str, redis: &str) {
    eventually(PATIENCE, || async { readiness(server).await == (status.into(), redis.into()) }).await;
}

async fn event_of(server: &TestServer, window_ms: i32) -> EventHandle {
    let mut request = event_json(SECTIONS);
    request["window_ms"] = window_ms.into();
    server.event(request).await
}

/// Ten buyers in a row read, claim and pay without delay.
async fn ten_are_sold(server: &TestServer, event: &EventHandle) {
    let (alice, begun) = (server.customer("alice"), Instant::now());
    for _ in 0..10 {
        server.anyone().get(&event.at("sections")).await.expect(200);
        let order = alice.best_available(event, "B", 1).await.expect(201);
        assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid");
    }
    assert!(begun.elapsed() < TEN_SOLD_WITHIN, "it took {} ms", begun.elapsed().as_millis());
}

/// Seats on sale, by the summary.
async fn available(server: &TestServer, event: &EventHandle) -> i64 {
    let summary = server.anyone().get(&event.at("sections")).await.expect(200);
    summary["sections"].as_array().expect("sections").iter().filter_map(|section| section["available"].as_i64()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_redis_is_done_without_and_used_again_when_it_is_back() {
    let server = TestServer::builder().redis(RedisMode::Own).start().await;
    let event = event_of(&server, 600_000).await;
    let mut shoppers = Shoppers::start(&server, event, 10);
    eventually(PATIENCE, || async { shoppers.sold() > 20 }).await;
    becomes(&server, "ready", "up").await;

    server.own_redis().await.kill().await;
    becomes(&server, "degraded", "down").await;
    ten_are_sold(&server, &event).await;
    let sold = shoppers.sold();
    eventually(PATIENCE, || async { shoppers.sold() > sold + 20 }).await;
    let brief = event_of(&server, 1_000).await;
    let forgotten = server.customer("bob").claim_seats(&brief, &[("A", 1)]).await.expect(201);
    eventually(PATIENCE, || async { server.customer("bob").order(&forgotten).await.expect(200)["status"] == "expired" }).await;

    server.own_redis().await.restart().await.expect("restarted");
    becomes(&server, "ready", "up").await;
    let quiet = event_of(&server, 600_000).await;
    let order = server.customer("carol").claim_seats(&quiet, &[("A", 20_000)]).await.expect(201);
    let (key, entry) =
        (format!("{{{}}}:expiry", server.redis_prefix), format!("{}:{}:1", quiet.id, order["order_id"].as_str().expect("an id")));
    eventually(PATIENCE, || async {
        server.redis().await.zscore::<_, _, Option<f64>>(&key, &entry).await.expect("Redis answers").is_some()
    })
    .await;
    server.gateway().pay(&order).await.expect(200);
    let refusals = shoppers.refusals();
    let sold = shoppers.sold();
    eventually(PATIENCE, || async { shoppers.sold() > sold + 20 }).await;
    shoppers.stop().await;
    assert_eq!(refusals, 0, "somebody was refused for want of Redis");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_redis_costs_nothing() {
    let server = TestServer::builder().redis(RedisMode::Own).start().await;
    let event = event_of(&server, 600_000).await;
    let shoppers = Shoppers::start(&server, event, 10);
    let mut connection = server.redis().await;
    for _ in 0..20 {
        let sold = shoppers.sold();
        eventually(PATIENCE, || async { shoppers.sold() > sold + 5 }).await;
        redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.expect("Redis answers");
        server.anyone().get(&event.at("sections")).await.expect(200);
    }
    assert_eq!(shoppers.refusals(), 0);
    shoppers.stop_and_check(&server.db).await;
    // The cache becomes correct.
    let truth: i64 = server.ask("select sum(available) from rowlock.sections").await;
    eventually(PATIENCE, || async { available(&server, &event).await == truth }).await;
    server.assert_invariants().await;
}

/// It accepts connections and never answers, which is worse than a dead one, because no error tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_keeps_nobody_waiting() {
    let server = TestServer::builder().redis(RedisMode::Own).start().await;
    let event = event_of(&server, 600_000).await;
    ten_are_sold(&server, &event).await;
    let mut connection = server.redis().await;
    redis::cmd("CLIENT").arg("PAUSE").arg(5_000).arg("ALL").query_async::<()>(&mut connection).await.expect("Redis answers");
    ten_are_sold(&server, &event).await;
    becomes(&server, "degraded", "down").await;
    becomes(&server, "ready", "up").await;
    server.assert_invariants().await;
}

/// It answers, but refuses writes: a failover left the server with a replica, or its memory is full.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_refuses_writes_is_done_without_until_it_takes_them_again() {
    let server = TestServer::builder().redis(RedisMode::Own).start().await;
    let event = event_of(&server, 600_000).await;
    becomes(&server, "ready", "up").await;
    let mut connection = server.redis().await;
    let nowhere = rowlock_lab::embedded::free_port().expect("a port").to_string();
    let (full, replica) = (["CONFIG", "SET", "maxmemory", "1"], ["REPLICAOF", "127.0.0.1", nowhere.as_str()]);
    let refusals: [(&[&str], &[&str]); 2] = [(&full, &["CONFIG", "SET", "maxmemory", "0"]), (&replica, &["REPLICAOF", "NO", "ONE"])];
    for (refuse, relent) in refusals {
        run(&mut connection, refuse).await;
        becomes(&server, "degraded", "down").await;
        // Reads alone do not make it look healthy again.
        for _ in 0..3 {
            ten_are_sold(&server, &event).await;
            assert_eq!(readiness(&server).await, ("degraded".into(), "down".into()), "{refuse:?}");
        }
        run(&mut connection, relent).await;
        becomes(&server, "ready", "up").await;
    }
    server.assert_invariants().await;
}

async fn run(connection: &mut redis::aio::MultiplexedConnection, command: &[&str]) {
    redis::cmd(command[0]).arg(&command[1..]).exec_async(connection).await.unwrap_or_else(|error| panic!("{command:?}: {error}"));
}

/// Redis may contain anything under any key: none of it reaches a buyer, and none of it stays.
#[tokio::test(flavor = "multi_thread")]
async fn rubbish_where_a_summary_should_be_is_replaced_and_never_served() {
    const RUBBISH: usize = 10;
    let server = TestServer::builder().redis(RedisMode::Own).start().await;
    let (event, other) = (event_of(&server, 600_000).await, server.small_event(&[("A", 1000, 7)]).await);
    let expected = server.anyone().get(&event.at("sections")).await.expect(200);
    let another = server.anyone().get(&other.at("sections")).await.expect(200);
    let mut few = expected.clone();
    few["sections"][0]["available"] = 20_001.into();
    let revision = expected["revision"].as_i64().expect("a number");
    let (mut connection, key) = (server.redis().await, format!("{}:summary:{}", server.redis_prefix, event.id));
    let rubbish = |number: usize| -> Vec<u8> {
        let now_ms = time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        let all: [Vec<u8>; RUBBISH] = [
            b"".into(),
            b"\xff\xfe".into(),
            b"1".into(),
            format!("{key} 1 {now_ms}\n").into(),
            format!("{key} 1 {now_ms}\n<html>").into(),
            format!("{key} 1 {now_ms}\n{{}}").into(),
            format!("{key} {} {now_ms}\n{another}", another["revision"]).into(),
            format!("{key} {revision} {now_ms}\n{few}").into(),
            format!("{key} {} {now_ms}\n{expected}", revision + 1).into(),
            format!("{revision} {now_ms}\n{expected}").into(),
        ];
        all[number].clone()
    };
    for text in (0..RUBBISH).map(rubbish) {
        connection.set::<_, _, ()>(&key, &text).await.expect("Redis takes it");
        replaced(&server, &event, &expected, || async {
            server.redis().await.get::<_, Option<Vec<u8>>>(&key).await.expect("Redis answers") != Some(text.clone())
        })
        .await;
    }
    // Not even text, and not only here.
    for key in [key, format!("{{{}}}:expiry", server.redis_prefix)] {
        run(&mut connection, &["DEL", &key]).await;
        run(&mut connection, &["SADD", &key, "rubbish"]).await;
        replaced(&server, &event, &expected, || async {
            let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut server.redis().await).await.expect("Redis answers");
            kind != "set"
        })
        .await;
    }
    assert_eq!(readiness(&server).await, ("ready".into(), "up".into()), "Redis is well: only what was in it was not");
}

/// Reads the summary until what was in Redis is gone; every answer must be right.
async fn replaced<F: Future<Output = bool>>(server: &TestServer, event: &EventHandle, expected: &Value, gone: impl Fn() -> F) {
    eventually(PATIENCE, || async {
        assert_eq!(server.anyone().get(&event.at("sections")).await.expect(200), *expected);
        gone().await
    })
    .await;
}
