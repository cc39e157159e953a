//! Bodies that never end.

use futures_util::future::join_all;
use pretty_assertions::assert_eq;
use time::OffsetDateTime;

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
    // Where no body is taken, one that is announced in chunks may have no bytes.
    let mut raw = Raw::connect(&server).await;
    raw.send("GET /v1/events HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await;
    raw.answer().await.problem(408, "request_timeout");
    raw.closed().await;
}

/// It is refused for its size, which does not change however long its client takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_not_waited_for() {
    let server = TestServer::builder().arg("--body-s", 3600).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let token = server.token("alice");
    for (announced, sent) in [(1_000_000_000, 2), (100_000, 70_000)] {
        let mut raw = half_sent(&server, &event, &token, announced, sent).await;
        raw.answer().await.problem(413, "body_too_large");
        raw.closed().await;
    }
    let path = event.at("orders");
    let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n");
    let mut raw = Raw::connect(&server).await;
    raw.send(format!("{head}transfer-encoding: chunked\r\n\r\n11170\r\n{}\r\n", " ".repeat(70_000))).await;
    raw.answer().await.problem(413, "body_too_large");
    // Who asks before sending it hears no.
    let mut raw = Raw::connect(&server).await;
    raw.send(format!("{head}content-length: 1000000\r\nexpect: 100-continue\r\n\r\n")).await;
    raw.answer().await.problem(413, "body_too_large");
}

/// Nobody is waited for who will be refused anyway.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_not_waited_for_if_its_head_is_enough_to_refuse_it() {
    let server = TestServer::builder().arg("--body-s", 3600).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let json = "content-type: application/json\r\n";
    for (line, headers, status, code) in [
        ("GET /v1/events", String::new(), 400, "invalid_request"),
        ("POST /v1/payments", json.to_owned(), 401, "invalid_signature"),
        (
            "POST /v1/payments",
            format!("{json}webhook-id: a\r\nwebhook-timestamp: now\r\nwebhook-signature: v1,\r\n"),
            401,
            "invalid_signature",
        ),
        ("POST /v1/events", json.to_owned(), 401, "unauthorized"),
    ] {
        let mut raw = Raw::connect(&server).await;
        raw.send(format!("{line} HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n{headers}\r\n{{")).await;
        let answer = raw.answer().await;
        answer.problem(status, code);
        assert_eq!(answer.header("connection"), Some("close"), "{line}");
        raw.closed().await;
    }
    // What is there already costs nobody a connection.
    let mut raw = Raw::connect(&server).await;
    for _ in 0..2 {
        raw.send(format!("POST {} HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n{json}\r\n{{       }}", event.at("orders"))).await;
        let answer = raw.answer().await;
        answer.problem(401, "unauthorized");
        assert_eq!(answer.header("connection"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_bodies_keep_nobody_out() {
    const MAX: usize = 20;
    let builder = TestServer::builder().arg("--connections-max", MAX).arg("--connections-per-address-max", 0).arg("--body-s", 3600);
    let server = builder.start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let token = server.token("mallory");
    let gateway = server.gateway().sign_bytes(b"{}".to_vec(), OffsetDateTime::now_utc());
    let signature: String = gateway.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let notice = format!("POST /v1/payments HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n{signature}\r\n");
    let mut unfinished = Vec::new();
    for number in 0..MAX {
        unfinished.push(match number % 3 {
            0 => half_sent(&server, &event, &token, 100, 0).await,
            1 => half_sent(&server, &event, &token, 100, 99).await,
            _ => Raw::connect(&server).await,
        });
        if number % 3 == 2 {
            unfinished[number].send(&notice).await;
        }
    }
    // Those who come stay, so that others have to go: at first one newcomer for the next, and then those who have kept the server waiting.
    let mut newcomers: Vec<Raw> = Vec::new();
    let coming = async {
        while newcomers.len() < MAX / 2 {
            let mut raw = Raw::connect(&server).await;
            raw.send("GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").await;
            if raw.next().await.is_some_and(|answer| answer.status == 200) {
                newcomers.push(raw);
            }
            let are_open = join_all(newcomers.iter().map(Raw::is_silent)).await;
            let mut are_open = are_open.into_iter();
            newcomers.retain(|_| are_open.next().unwrap_or(false));
        }
    };
    tokio::time::timeout(PATIENCE, coming).await.expect("the newcomers are kept out");
    unfinished[0].closed().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_bodies_of_one_address_leave_room_for_those_of_others() {
    let builder = TestServer::builder().arg("--body-max-bytes", 16_384).arg("--bodies-in-flight-max-mb", 8);
    let server = builder.start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let token = server.token("mallory");
    let mut unfinished = Vec::new();
    for _ in 0..300 {
        unfinished.push(half_sent(&server, &event, &token, 16_384, 16_000).await);
    }
    let bytes = "rowlock_bodies_in_flight_bytes";
    // Half of what there is, but for less than a body.
    eventually(PATIENCE, || async { server.metric(bytes).await > 4 * 1024 * 1024 - 16_000 }).await;
    let claim = " ".repeat(16_000) + r#"{"seats": [{"section": "A", "seat": 1}]}"#;
    // In chunks, so that it counts.
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{claim}\r\n0\r\n\r\n",
        event.at("orders"),
        server.token("alice"),
        claim.len()
    );
    let from = async |local: &str| {
        let mut raw = Raw::connect_from(local, &server).await;
        raw.send(&request).await;
        raw.answer().await
    };
    let refused = from("127.0.0.1").await.problem(503, "overloaded");
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("from this address")), "{refused}");
    assert_eq!(from("127.0.0.2").await.status, 201);
    assert!(server.metric(bytes).await <= 4 * 1024 * 1024, "more than half");
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
