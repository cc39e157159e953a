//! Limits on how many requests one client may send.

use futures_util::future::join_all;
use pretty_assertions::assert_eq;
use serde_json::json;

use crate::harness::{Answer, Caller, PATIENCE, TestServer, eventually};

/// Asks ten times at once; returns the statuses, and checks what is said to whom is refused.
async fn ten_at_once(caller: &Caller, path: &str) -> Vec<u16> {
    let answers: Vec<Answer> = join_all((0..10).map(|_| caller.get(path))).await;
    for refused in answers.iter().filter(|answer| answer.status == 429) {
        refused.problem(429, "too_many_requests");
        assert_eq!(refused.header("retry-after"), Some("1"));
    }
    answers.iter().map(|answer| answer.status).collect()
}

fn refused(statuses: &[u16]) -> usize {
    statuses.iter().filter(|status| **status == 429).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_asks_too_often_is_told_when_to_ask_again_and_others_are_served() {
    let server = TestServer::builder().arg("--requests-per-customer-per-s", 1).start().await;
    let (alice, bob) = (server.customer("alice"), server.customer("bob"));
    let path = "/v1/events/1/orders";
    let statuses = ten_at_once(&alice, path).await;
    assert!(refused(&statuses) > 0 && statuses.contains(&404), "{statuses:?}");
    assert_eq!(bob.get(path).await.status, 404);
    let counted = server.metric("rowlock_requests_limited_total{limit=\"customer\"}").await;
    assert_eq!(counted, refused(&statuses) as u64);
    eventually(PATIENCE, || async { alice.get(path).await.status == 404 }).await;
    // Who is not known has no such limit.
    assert_eq!(refused(&ten_at_once(&server.anyone(), "/v1/events").await), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_the_one_that_a_trusted_proxy_names_and_nobody_else_is_believed() {
    const LIMIT: &str = "--requests-per-address-per-s";
    let behind = TestServer::builder().arg(LIMIT, 1).arg("--trusted-proxies", "127.0.0.0/8,::1").start().await;
    let from = |server: &TestServer, list: &str| server.anyone().with("x-forwarded-for", list);
    let greedy = from(&behind, "6.6.6.6, 198.51.100.1");
    assert!(refused(&ten_at_once(&greedy, "/v1/events").await) > 0);
    assert!(refused(&ten_at_once(&from(&behind, "7.7.7.7, 198.51.100.1"), "/v1/events").await) > 0, "it is the same client");
    from(&behind, "198.51.100.2").get("/v1/events").await.expect(200);
    // Probes and payment notices are always answered.
    assert_eq!(ten_at_once(&greedy, "/livez").await, [200; 10]);
    let empty = json!({});
    let notices = join_all((0..10).map(|_| greedy.post("/v1/payments", &empty))).await;
    assert!(notices.iter().all(|answer| answer.status == 401));

    let alone = TestServer::builder().arg(LIMIT, 1).start().await;
    let asked = join_all(
        (0..10)
            .map(|number| async move { number })
            .map(|number| async { from(&alone, &format!("198.51.100.{}", number.await)).get("/v1/events").await.status }),
    );
    assert!(refused(&asked.await) > 0, "the header was believed");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_limited_and_right_tokens_are_not() {
    let server = TestServer::builder().arg("--wrong-credentials-per-address-per-min", 3).start().await;
    let path = "/v1/events/1/orders";
    let wrong = server.bearer("no token");
    for _ in 0..3 {
        wrong.get(path).await.problem(401, "unauthorized");
    }
    let too_many = wrong.get(path).await;
    too_many.problem(429, "too_many_requests");
    let retry_after_s: u64 = too_many.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
    assert!((1..=20).contains(&retry_after_s), "{retry_after_s}");
    // No key is looked up any more, whatever it is.
    let key = format!("rlk_{}", "A".repeat(43));
    server.anyone().with("x-api-key", &key).get("/v1/admin/dead-letters").await.problem(429, "too_many_requests");
    let mut notice = server.gateway().sign(&json!({}));
    notice.headers[2].1 = format!("v1,{}=", "A".repeat(43));
    server.gateway().raw(&notice.headers, notice.body).await.problem(429, "too_many_requests");
    // Nobody's mistakes keep out whoever is at the same address, nor those who say nothing of who they are.
    assert_eq!(server.customer("alice").get(path).await.status, 404);
    server.anyone().get(path).await.problem(401, "unauthorized");
}
