//! Heads that HTTP forbids: whatever refuses them, the parser or the server, answers with a problem.

use pretty_assertions::assert_eq;

use crate::harness::{Raw, RawAnswer, TestServer};

async fn answer_to(server: &TestServer, request: &str) -> (RawAnswer, Raw) {
    let mut raw = Raw::connect(server).await;
    raw.send(request).await;
    (raw.answer().await, raw)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_exactly_one_host_is_refused() {
    let server = TestServer::start().await;
    for head in ["", "host: a\r\nhost: a\r\n", "host: a\r\nhost: b\r\n", "host: a/b\r\n", "host: user@a\r\n", "host: a:99999\r\n"] {
        let (answer, _) = answer_to(&server, &format!("GET /v1/events HTTP/1.1\r\n{head}\r\n")).await;
        assert_eq!(answer.problem(400, "invalid_request")["field"], "Host", "{head}");
    }
    let (answer, _) = answer_to(&server, "GET /v1/events HTTP/1.1\r\nhost:\r\n\r\n").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let (answer, _) = answer_to(&server, "GET http://b:80/v1/events HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let (answer, _) = answer_to(&server, "GET http://user@a/v1/events HTTP/1.1\r\nhost: a\r\n\r\n").await;
    answer.problem(400, "invalid_request");
    let (answer, mut raw) = answer_to(&server, "GET /livez HTTP/1.0\r\n\r\n").await;
    assert_eq!(answer.status, 200, "a load balancer's probe: {answer:?}");
    raw.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transfer_codings_that_are_not_understood_are_refused() {
    let server = TestServer::start().await;
    for coding in ["gzip", "gzip, chunked", "chunked, chunked", "xchunked", "identity", "chunked, gzip"] {
        let head = format!("POST /v1/payments HTTP/1.1\r\nhost: a\r\ntransfer-encoding: {coding}\r\n\r\n0\r\n\r\n");
        answer_to(&server, &head).await.0.problem(501, "unsupported_transfer_coding");
    }
    let (answer, _) = answer_to(&server, "POST /v1/payments HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n").await;
    answer.problem(401, "invalid_signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_credentials_of_a_kind_are_refused_by_name() {
    let server = TestServer::start().await;
    let key = server.admin_key();
    for (name, value) in [("Authorization", "Bearer x"), ("X-Api-Key", key)] {
        for path in ["/v1/events", "/v1/admin/dead-letters", "/v1/events/1/orders"] {
            let (answer, _) =
                answer_to(&server, &format!("GET {path} HTTP/1.1\r\nhost: a\r\n{name}: {value}\r\n{name}: {value}\r\n\r\n")).await;
            let problem = answer.problem(400, "invalid_request");
            assert_eq!((problem["field"].as_str(), &problem["detail"]), (Some(name), &format!("{name} must be sent only once").into()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_parser_refuses_is_a_problem_and_the_end_of_the_connection() {
    let server = TestServer::start().await;
    let long = "x".repeat(70_000);
    let many: String = (0..101).map(|number| format!("x-{number}: y\r\n")).collect();
    for (request, status, code) in [
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), 400, "invalid_request"),
        ("G\u{7f}T / HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(), 400, "invalid_request"),
        ("GET / HTTP/3.0\r\nhost: a\r\n\r\n".to_owned(), 400, "invalid_request"),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n".to_owned(), 400, "invalid_request"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 400, "invalid_request"),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}".to_owned(), 400, "invalid_request"),
        (format!("GET / HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n"), 431, "head_too_large"),
        (format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n"), 431, "head_too_large"),
        (format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n"), 414, "uri_too_long"),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 18446744073709551615\r\n\r\n".to_owned(), 400, "invalid_request"),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 18446744073709551614\r\n\r\na\nb".to_owned(), 400, "invalid_request"),
        ("\r\n".repeat(8_192), 400, "invalid_request"),
        (format!("{}GET / HT", "\r\n".repeat(9_000)), 400, "invalid_request"),
        (format!("{}GET / HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n", "\r\n".repeat(100)), 431, "head_too_large"),
    ] {
        let (answer, mut raw) = answer_to(&server, &request).await;
        let problem = answer.problem(status, code);
        assert_eq!(answer.header("connection"), Some("close"), "{problem}");
        raw.closed().await;
        // It is no different on a connection that has served another request.
        let mut raw = Raw::connect(&server).await;
        raw.send("GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert_eq!(raw.answer().await.status, 200);
        raw.send(&request).await;
        raw.answer().await.problem(status, code);
        // Nor behind one that is still being answered.
        let mut raw = Raw::connect(&server).await;
        raw.send(format!("GET /v1/events HTTP/1.1\r\nhost: a\r\n\r\n{request}")).await;
        assert_eq!(raw.answer().await.status, 200);
        raw.answer().await.problem(status, code);
        raw.closed().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_whose_chunks_are_broken_is_not_said_to_be_cut_off() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        event.at("orders"),
        server.token("alice")
    );
    for chunks in ["zz\r\n", "2\r\n{}x", "-1\r\n", "fffffffffffffffff\r\n"] {
        let (answer, mut raw) = answer_to(&server, &format!("{head}{chunks}")).await;
        let problem = answer.problem(400, "invalid_request");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.starts_with("body is not divided into chunks")), "{problem}");
        raw.closed().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_sent_is_not_sent_back_at_length() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let (long, alice) = ("\u{1f3ab}".repeat(300), server.customer("alice"));
    let names: String = (0..3).map(|number| format!("{long}{number}=1&")).collect();
    let anyone = server.anyone();
    let answers = [
        anyone.get(&format!("/v1/events?{}=1", "x".repeat(8_000))).await,
        anyone.get(&format!("/v1/events?{names}")).await,
        alice.claim(&event, serde_json::json!({ long.as_str(): 1 })).await,
        alice.post_text(&event.at("orders"), format!("{{\"{long}\": 1, \"{long}\": 2}}")).await,
        alice.with("content-encoding", &"x".repeat(8_000)).post(&event.at("orders"), &serde_json::json!({})).await,
    ];
    for answer in answers {
        assert!((400..500).contains(&answer.status) && answer.bytes.len() < 2_000, "{} bytes: {}", answer.bytes.len(), answer.text());
    }
}
