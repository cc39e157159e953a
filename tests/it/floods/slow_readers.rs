//! Clients that ask for a large answer and hardly read it.

use std::time::Duration;

use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::harness::{PATIENCE, Raw, TestServer, eventually};

/// Their map takes 1.4 MB, far more than the kernel keeps for a client.
const SEATS: i32 = 20_000;
const MAX_MB: u64 = 4;
const HELD: &str = "rowlock_answers_in_flight_bytes";

/// Waits until there is another version of the map than that with this tag, and returns its tag.
async fn changed(server: &TestServer, path: &str, tag: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nif-none-match: {tag}\r\n\r\n");
    let tag = || async {
        let mut raw = Raw::connect(server).await;
        raw.send(&request).await;
        let answer = raw.answer().await;
        (answer.status == 200).then(|| answer.header("etag").expect("a tag").to_owned())
    };
    eventually(PATIENCE, tag).await
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_of_a_map_that_changes_take_bounded_memory_and_cost_nobody_else_the_map() {
    let server = TestServer::builder().arg("--answers-in-flight-max-mb", MAX_MB).start().await;
    let event = server.small_event(&[("A", 1000, SEATS)]).await;
    let path = event.at("sections/A/seats");
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
    // It comes first and is not fast, but it goes on reading.
    let mut honest = Raw::connect_narrowly(&server).await;
    honest.send(&request).await;
    honest.take(1).await;
    // Whoever reads what it reads stays with it, so the others get another version.
    let first = changed(&server, &path, "none").await;
    server.customer("buyer-0").claim_seats(&event, &[("A", 9)]).await.expect(201);
    let (mut slow, mut tag) = (Vec::new(), changed(&server, &path, &first).await);
    for seat in 1..=8 {
        for _ in 0..3 {
            let mut raw = Raw::connect_narrowly(&server).await;
            raw.send(&request).await;
            raw.take(4096).await;
            slow.push(raw);
            honest.take(43_690).await;
        }
        // Each of them by another customer: nobody may let too many orders end unpaid, however long this takes.
        server.customer(&format!("buyer-{seat}")).claim_seats(&event, &[("A", seat)]).await.expect(201);
        tag = changed(&server, &path, &tag).await;
        // Whoever was asked to go is gone within moments.
        eventually(Duration::from_secs(10), || async { server.metric(HELD).await <= MAX_MB * 1024 * 1024 }).await;
    }
    let cut = tokio::time::timeout(PATIENCE, slow[0].next()).await.expect("it is still open");
    assert!(cut.is_none(), "it was given all of the map");
    assert!(server.metric("rowlock_slow_readers_closed_total").await >= 15, "three readers each of at least five versions");
    let answer = honest.answer().await;
    assert_eq!(answer.status, 200);
    let map: Value = serde_json::from_slice(&answer.body).expect("all of the map");
    assert_eq!(map["seats"].as_array().map(Vec::len), Some(20_000));
    drop((slow, honest));
    eventually(PATIENCE, || async { server.metric(HELD).await == 0 }).await;
}
