//! More connections than the server keeps open.

use pretty_assertions::assert_eq;

use crate::harness::{PATIENCE, Raw, RedisMode, TestServer, eventually};

/// What every one of them may send: nothing, or half a head.
const SILENCE: [&str; 2] = ["", "GET /livez HTTP/1.1\r\nx: "];

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_shut_nobody_out() {
    const MAX: usize = 20;
    let builder = TestServer::builder().arg("--connections-max", MAX).arg("--connections-per-address-max", 0);
    let server = builder.start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let mut silent = Vec::new();
    for number in 0..3 * MAX {
        let mut raw = Raw::connect(&server).await;
        raw.send(SILENCE[number % SILENCE.len()]).await;
        silent.push(raw);
    }
    silent[0].closed().await;
    let open = || async { futures_util::future::join_all(silent.iter().map(|raw| async { raw.is_silent().await })).await };
    eventually(PATIENCE, || async { open().await.iter().filter(|is_open| **is_open).count() <= MAX }).await;
    server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    // Whoever came first has gone. Those that came within the same millisecond go in any order, and a busy machine refuses some.
    let open = open().await;
    let are_left = open.iter().filter(|is_open| **is_open).count();
    assert!(open[..MAX].iter().all(|is_open| !is_open) && are_left >= MAX / 2, "not those that were idle longest: {open:?}");
    let counted = server.metric("rowlock_connections_open").await;
    assert!((MAX as u64 / 2..=MAX as u64 + 2).contains(&counted), "{counted} are open");
    assert!(server.metric("rowlock_connections_closed_for_room_total").await >= MAX as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_does_not_take_the_connections_of_all_others() {
    let server = TestServer::builder().arg("--connections-max", 40).arg("--connections-per-address-max", 10).start().await;
    let mut silent = Vec::new();
    for _ in 0..30 {
        silent.push(Raw::connect(&server).await);
    }
    silent[0].closed().await;
    let few = || async { Some(server.metric("rowlock_connections_open").await).filter(|count| *count <= 10) };
    assert!(eventually(PATIENCE, few).await >= 5);
}

/// Whether the login and the limits suffice shows at the start, not with the first buyers.
#[tokio::test(flavor = "multi_thread")]
async fn the_lanes_connect_before_anybody_claims() {
    let server = TestServer::builder().redis(RedisMode::Off).arg("--lanes", 3).start().await;
    let sessions = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    eventually(PATIENCE, || async { server.ask::<i64>(sessions).await >= 12 }).await;
    assert_eq!(server.metric("rowlock_pool_connections{state=\"open\"}").await, 0, "they are the lanes'");
}
