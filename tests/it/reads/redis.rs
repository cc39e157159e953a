//! Summaries in Redis: servers share one load from PostgreSQL, and nobody has to wait or gets an old answer for it.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use redis::AsyncCommands;
use serde_json::Value;
use time::OffsetDateTime;

use crate::harness::{EventHandle, TestServer, eventually};
use crate::stored::until_somebody_has_waited;

/// How soon a read leaves something in Redis, which is written in parallel with the answer.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);
/// How long Redis keeps a summary, and how old one may be when it is put there.
const KEPT_MS: i64 = 200;
/// How long the others leave it to one server to refill it.
const REFILLING_MS: i64 = 50;
const LOADED_WITHIN: Duration = Duration::from_millis(80);

fn key(server: &TestServer, event: &EventHandle) -> String {
    format!("{}:summary:{}", server.redis_prefix, event.id)
}

async fn read(server: &TestServer, event: &EventHandle) -> Value {
    server.anyone().get(&event.at("sections")).await.expect(200)
}

/// Has a server learn the sections of an event without their counts, which otherwise come with them the first time.
async fn introduce(server: &TestServer, event: &EventHandle) {
    server.anyone().get(&event.at("sections/A/seats")).await.expect(200);
}

/// The text of a summary in Redis as if its read had begun so many milliseconds ago.
fn read_ago(text: &str, ago_ms: i128) -> String {
    let (first, json) = text.split_once('\n').expect("two lines");
    let (place, _) = first.rsplit_once(' ').expect("when it was read");
    format!("{place} {}\n{json}", OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000 - ago_ms)
}

/// How often the server found a summary there.
async fn found_in_redis(server: &TestServer) -> u64 {
    let series = "rowlock_cache_reads_total{cache=\"summary\",result=\"redis\"}";
    let metrics = server.anyone().get("/metrics").await.text();
    metrics.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_has_read_another_one_finds_in_redis() {
    let server = TestServer::start().await;
    let other = server.second().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let (mut redis, key) = (server.redis().await, key(&server, &event));
    // It is there for a moment only; each read of an empty cache puts it there again.
    let (text, left_ms, refilling_ms) = eventually(WRITTEN_WITHIN, || async {
        read(&server, &event).await;
        let mut redis = server.redis().await;
        let asked = redis::pipe().get(&key).pttl(&key).pttl(format!("{key}:refill")).query_async(&mut redis).await;
        let (text, left_ms, refilling_ms): (Option<String>, i64, i64) = asked.expect("Redis answers");
        text.map(|text| (text, left_ms, refilling_ms))
    })
    .await;
    assert!((1..=KEPT_MS).contains(&left_ms), "kept for {left_ms} ms");
    assert!(refilling_ms <= REFILLING_MS, "left to one server for {refilling_ms} ms");

    // Recognisably from Redis: in PostgreSQL, no seat was ever sold.
    introduce(&other, &event).await;
    assert!(text.contains("\"available\":10"), "{text}");
    let sold = text.replace("\"available\":10", "\"available\":3");
    eventually(WRITTEN_WITHIN, || async {
        server.redis().await.pset_ex::<_, _, ()>(&key, read_ago(&sold, 0), 60_000).await.expect("Redis answers");
        read(&other, &event).await["sections"][0]["available"] == 3
    })
    .await;
    assert!(found_in_redis(&other).await >= 1);
    redis.del::<_, ()>(&key).await.expect("Redis answers");
    let is_true_again = || async { read(&other, &event).await["sections"][0]["available"] == 10 };
    eventually(Duration::from_secs(1), is_true_again).await;
}

/// A Redis that hangs puts it there long after it was read; and clocks may differ.
#[tokio::test(flavor = "multi_thread")]
async fn what_redis_was_late_to_write_or_comes_from_the_future_is_not_shown() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let key = key(&server, &event);
    let text = eventually(WRITTEN_WITHIN, || async {
        read(&server, &event).await;
        server.redis().await.get::<_, Option<String>>(&key).await.expect("Redis answers")
    })
    .await;
    let sold = text.replace("\"available\":10", "\"available\":3");
    for ago_ms in [3_000, 400, -3_000] {
        let other = server.second().await;
        introduce(&other, &event).await;
        server.redis().await.pset_ex::<_, _, ()>(&key, read_ago(&sold, ago_ms), 60_000).await.expect("Redis answers");
        assert_eq!(read(&other, &event).await["sections"][0]["available"], 10, "{ago_ms} ms");
        assert_eq!(found_in_redis(&other).await, 0, "{ago_ms} ms");
    }
}

/// The same event, as far as numbers go, in two databases: each server answers what is true in its own.
#[tokio::test(flavor = "multi_thread")]
async fn two_databases_share_a_redis_and_a_prefix_and_each_answers_its_own() {
    let full = TestServer::start().await;
    let redis = full.redis_url().expect("Redis");
    // The copy is in another database of the same cluster, under the prefix of the first.
    let prefix = full.redis_prefix.split_once(':').expect("prefix and database").0.to_owned();
    let sold = TestServer::builder().arg("--redis-prefix", &prefix).start().await;
    assert_eq!(sold.redis_url(), Some(redis));
    assert!(sold.redis_prefix.starts_with(&prefix) && sold.redis_prefix != full.redis_prefix);
    let events = [full.small_event(&[("A", 1000, 10)]).await, sold.small_event(&[("A", 1000, 10)]).await];
    assert_eq!(events[0].id, events[1].id);
    sold.customer("alice").best_available(&events[1], "A", 6).await.expect(201);
    for round in 0..40 {
        for (server, event, available) in [(&full, &events[0], 10), (&sold, &events[1], 4)] {
            let is_its_own = || async { read(server, event).await["sections"][0]["available"] == available };
            if round == 0 {
                // What was read just before the claim.
                eventually(WRITTEN_WITHIN, is_its_own).await;
            }
            assert!(is_its_own().await, "round {round}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    swapped_values_are_replaced(&full, &sold, &events).await;
}

/// What a server of the other database has written is rubbish here, however well it looks.
async fn swapped_values_are_replaced(full: &TestServer, sold: &TestServer, events: &[EventHandle; 2]) {
    let (here, there) = (key(full, &events[0]), key(sold, &events[1]));
    let fresh = full.second().await;
    introduce(&fresh, &events[0]).await;
    let foreign = eventually(WRITTEN_WITHIN, || async {
        read(sold, &events[1]).await;
        full.redis().await.get::<_, Option<String>>(&there).await.expect("Redis answers")
    })
    .await;
    let mut redis = full.redis().await;
    let foreign = read_ago(&foreign, 0);
    redis.pset_ex::<_, _, ()>(&here, &foreign, 60_000).await.expect("Redis answers");
    assert_eq!(read(&fresh, &events[0]).await["sections"][0]["available"], 10, "{foreign}");
    let is_replaced =
        || async { full.redis().await.get::<_, Option<String>>(&here).await.expect("Redis answers") != Some(foreign.clone()) };
    eventually(WRITTEN_WITHIN, is_replaced).await;
}

/// A copy that another server is late to write, with numbers from before a sale that this server has already shown.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_summary_is_not_shown_after_a_newer_one() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let (mut redis, key) = (server.redis().await, key(&server, &event));
    let before = eventually(WRITTEN_WITHIN, || async {
        read(&server, &event).await;
        server.redis().await.get::<_, Option<String>>(&key).await.expect("Redis answers")
    })
    .await;
    server.customer("alice").best_available(&event, "A", 4).await.expect(201);
    eventually(WRITTEN_WITHIN, || async { read(&server, &event).await["sections"][0]["available"] == 6 }).await;
    for _ in 0..5 {
        let before = read_ago(&before, 0);
        redis.pset_ex::<_, _, ()>(&key, &before, 60_000).await.expect("Redis answers");
        let is_looked_at = || async {
            assert_eq!(read(&server, &event).await["sections"][0]["available"], 6);
            server.redis().await.get::<_, Option<String>>(&key).await.expect("Redis answers") != Some(before.clone())
        };
        eventually(WRITTEN_WITHIN, is_looked_at).await;
    }
}

/// Nothing of a server that is gone stays in Redis.
#[tokio::test(flavor = "multi_thread")]
async fn every_key_expires() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    server.customer("alice").best_available(&event, "A", 1).await.expect(201);
    let prefix = server.redis_prefix.split_once(':').expect("prefix and database").0.to_owned();
    let queue = format!("{{{}}}:expiry", server.redis_prefix);
    eventually(WRITTEN_WITHIN, || async { server.redis().await.exists::<_, bool>(&queue).await.expect("Redis answers") }).await;
    server.anyone().get("/readyz").await.expect(200);
    read(&server, &event).await;
    let mut redis = server.redis().await;
    let keys: Vec<String> = redis.keys(format!("*{prefix}*")).await.expect("Redis answers");
    assert!(keys.contains(&queue), "{keys:?}");
    for key in keys {
        // -2: it has expired since.
        let left_ms: i64 = redis.pttl(&key).await.expect("Redis answers");
        assert_ne!(left_ms, -1, "{key} stays forever");
        assert!(left_ms <= 25 * 3_600_000, "{key} stays for {left_ms} ms");
    }
    // One that lost its end, as after a command that a crash cut short.
    redis.persist::<_, ()>(&queue).await.expect("Redis answers");
    eventually(WRITTEN_WITHIN, || async { server.redis().await.pttl::<_, i64>(&queue).await.expect("Redis answers") > 0 }).await;
}

/// If it were shared, it could still be served more than half a second after a change.
#[tokio::test(flavor = "multi_thread")]
async fn what_took_long_to_load_is_answered_and_not_shared() {
    let server = TestServer::start().await;
    let (mut redis, locker) = (server.redis().await, server.connect().await);
    for is_known in [true, false] {
        let event = server.small_event(&[("A", 1000, 10)]).await;
        let key = key(&server, &event);
        if is_known {
            introduce(&server, &event).await;
        }
        locker.batch_execute("begin; lock table rowlock.sections in access exclusive mode").await.expect("its lock");
        let (anyone, path) = (server.anyone(), event.at("sections"));
        let slow = tokio::spawn(async move { anyone.get(&path).await });
        until_somebody_has_waited(&server, LOADED_WITHIN).await;
        let refill: bool = redis.exists(format!("{key}:refill")).await.expect("Redis answers");
        assert!(!refill, "others still wait for this refill");
        locker.batch_execute("commit").await.expect("released");
        assert_eq!(slow.await.expect("no panic").expect(200)["sections"][0]["available"], 10);
        let answered = Instant::now();
        while answered.elapsed() < Duration::from_millis(100) {
            assert_eq!(redis.get::<_, Option<String>>(&key).await.expect("Redis answers"), None);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The server that was to refill it has crashed: readers wait only for a moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_refill_that_never_comes_delays_a_reader_for_a_moment_only() {
    let server = TestServer::start().await;
    let mut redis = server.redis().await;
    let mut waits = Vec::new();
    for _ in 0..5 {
        let event = server.small_event(&[("A", 1000, 10)]).await;
        introduce(&server, &event).await;
        redis.pset_ex::<_, _, ()>(format!("{}:refill", key(&server, &event)), 1, 60_000).await.expect("Redis answers");
        let begun = Instant::now();
        assert_eq!(read(&server, &event).await["sections"][0]["available"], 10);
        waits.push(begun.elapsed());
    }
    let (least, most) = (waits.iter().min().expect("five"), waits.iter().max().expect("five"));
    assert!(*least >= Duration::from_millis(40), "it did not wait for another's refill at all: {waits:?}");
    // The fastest of them was not delayed by anything.
    assert!(*least < Duration::from_millis(100) && *most < Duration::from_secs(1), "{waits:?}");
}
