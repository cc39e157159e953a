//! Bodies that never end.

use pretty_assertions::assert_eq;

use crate::harness::{EventHandle, PATIENCE, Raw, TestServer, eventually};

/// Begins a claim whose body has `announced` bytes, and sends only some of them.
async fn half_sent(server: &TestServer, event: &EventHandle, token: &str, announced: usize, sent: usize) -> Raw {
    let mut raw = Raw::connect(server).await;
    let path = event.at("orders");
    let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n");
    raw.send(format!("{head}content-length: {announced}\r\n\r\n{}", " ".repeat(sent))).await;
    raw
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_too_slowly_is_given_up_with_its_connection() {
    let server = TestServer::builder().arg("--body-s", 1).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let token = server.token("alice");
    for (announced, sent) in [(100, 0), (100, 99), (60_000, 20_000)] {
        let mut raw = half_sent(&server, &event, &token, announced, sent).await;
        let answer = raw.answer().await;
        answer.problem(408, "request_timeout");
        assert_eq!(answer.header("connection"), Some("close"));
        raw.closed().await;
    }
    // An operation that takes no body does not wait for one any longer.
    let mut raw = Raw::connect(&server).await;
    raw.send("GET /v1/events HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12").await;
    raw.answer().await.problem(408, "request_timeout");
    raw.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_in_flight_are_limited_together_and_those_that_are_given_up_make_room() {
    // The largest body may have 64 times as much as others: there must be room for one of them, compressed and decoded.
    let builder = TestServer::builder().arg("--body-max-bytes", 16_384).arg("--bodies-in-flight-max-mb", 2).arg("--body-s", 5);
    let server = builder.start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let (alice, token) = (server.customer("alice"), server.token("mallory"));
    let mut unfinished = Vec::new();
    for _ in 0..131 {
        unfinished.push(half_sent(&server, &event, &token, 16_384, 16_000).await);
    }
    let bytes = "rowlock_bodies_in_flight_bytes";
    eventually(PATIENCE, || async { server.metric(bytes).await > 2_000_000 }).await;
    // A body that comes in one piece is never refused for those that do not come.
    alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
    let refused = alice.post_text(&event.at("orders"), " ".repeat(16_384)).await;
    refused.problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(server.metric(bytes).await <= 2 * 1024 * 1024, "more than allowed");
    eventually(PATIENCE, || async { server.metric(bytes).await == 0 }).await;
    alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
}
