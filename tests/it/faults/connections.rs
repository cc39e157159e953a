//! Connections that are killed during a call.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::ledger::{SECTIONS, Shoppers};
use crate::harness::{PATIENCE, RedisMode, TestServer, event_json, eventually, patience_left};

/// Ends every session of this database that is currently in a call of a lane.
const KILL_BUSY_LANES: &str = "select count(pg_terminate_backend(pid)) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state = 'active' and query ~ 'rowlock\\.(claim|settle)'";
/// Ends every other session.
const KILL_ALL: &str = "select count(pg_terminate_backend(pid)) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()";

#[tokio::test(flavor = "multi_thread")]
async fn lanes_killed_in_mid_call_tell_every_buyer_the_truth() {
    const SHOPPERS: i32 = 50;
    const KILLS: i64 = 60;
    let server = TestServer::start().await;
    let mut request = event_json(SECTIONS);
    request["window_ms"] = json!(600_000);
    let event = server.event(request).await;
    let shoppers = Shoppers::start(&server, event, SHOPPERS);
    let mut kills = 0;
    while kills < KILLS {
        // Without a pause between the kills, no call would ever finish.
        let sold = shoppers.sold();
        eventually(PATIENCE, || async { shoppers.sold() >= sold + 5 }).await;
        kills += eventually(PATIENCE, || async { Some(server.ask::<i64>(KILL_BUSY_LANES).await).filter(|kills| *kills > 0) }).await;
    }
    let (sold, refusals) = (shoppers.sold(), shoppers.refusals());
    shoppers.stop_and_check(&server.db).await;
    eprintln!("{kills} sessions killed in mid-call, {sold} orders paid meanwhile");
    assert_eq!(refusals, 0, "PostgreSQL was up all the time: every answer could be known");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_every_connection_was_killed_the_server_goes_on_with_new_ones() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 50)]).await;
    let alice = server.customer("alice");
    for seat in 1..=5 {
        let order = alice.claim_seats(&event, &[("A", seat)]).await.expect(201);
        assert!(server.ask::<i64>(KILL_ALL).await > 0);
        eventually(PATIENCE, || async {
            let answers = [alice.order(&order).await, server.anyone().get("/readyz").await, server.admin().get("/v1/events").await];
            assert!(answers.iter().all(|answer| [200, 503].contains(&answer.status)), "{answers:?}");
            answers.iter().all(|answer| answer.status == 200)
        })
        .await;
        let outcome = server.gateway().pay(&order).await.expect(200)["outcome"].clone();
        assert!(outcome == "paid" || outcome == "duplicate", "{outcome}");
    }
    server.assert_invariants().await;
}

/// Who finds no free connection is told so as soon as whoever has one and waits for a lock.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_does_not_wait_long_for_a_free_connection() {
    const CONNECTIONS: usize = 4;
    let server = TestServer::builder().redis(RedisMode::Off).arg("--pool-size", CONNECTIONS).start().await;
    let locker = server.connect().await;
    locker.batch_execute("begin; lock table rowlock.events in access exclusive mode").await.expect("its lock");
    let read = || {
        let anyone = server.anyone();
        tokio::spawn(async move { anyone.get("/v1/events").await })
    };
    let first: Vec<_> = (0..CONNECTIONS).map(|_| read()).collect();
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    eventually(PATIENCE, || async { server.ask::<i64>(waiting).await >= 4 }).await;
    let begun = Instant::now();
    read().await.expect("no panic").problem(503, "unavailable");
    assert!(begun.elapsed() < Duration::from_secs(4), "told after {:?}", begun.elapsed());
    for read in first {
        read.await.expect("no panic").problem(503, "unavailable");
    }
    locker.batch_execute("commit").await.expect("released");
    eventually(PATIENCE, || async { server.anyone().get("/v1/events").await.status == 200 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_kept_for_as_long_as_the_setting_says() {
    let server = TestServer::builder().arg("--idle-s", 2).start().await;
    let begun = Instant::now();
    let mut idle = TcpStream::connect(server.url.trim_start_matches("http://")).await.expect("a connection");
    let ended = tokio::time::timeout(patience_left(PATIENCE), idle.read_to_end(&mut Vec::new())).await;
    ended.expect("it is closed").ok();
    assert!(begun.elapsed() >= Duration::from_secs(2), "closed after {} ms", begun.elapsed().as_millis());
    assert!(begun.elapsed() < Duration::from_secs(6), "closed after {} ms", begun.elapsed().as_millis());
}
