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
    for head in ["", "host: a\r\nhost: a\r\n", "host: a\r\nhost: b\r\n", "host: a/b\r\n", "host: user@a\r\n"] {
        let (answer, _) = answer_to(&server, &format!("GET /v1/events HTTP/1.1\r\n{head}\r\n")).await;
        assert_eq!(answer.problem(400, "invalid_request")["field"], "Host", "{head}");
    }
    let (answer, _) = answer_to(&server, "GET /v1/events HTTP/1.1\r\nhost:\r\n\r\n").await;
    assert_eq!(answer.status, 200, "{answer:?}");
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
