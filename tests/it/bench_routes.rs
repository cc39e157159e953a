//! The routes for benchmarks: they exist only if asked for, and they do the work that they are meant to measure.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::harness::TestServer;

const PATHS: [&str; 3] = ["/bench/no-op", "/bench/customer-no-op", "/bench/events/1/sections"];

fn claim() -> Value {
    json!({"seats": [{"section": "A", "seat": 3}]})
}

async fn with_bench_routes() -> TestServer {
    TestServer::builder().switch("--bench-routes").start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_has_no_measuring_routes_and_no_document_speaks_of_them() {
    let server = TestServer::start().await;
    let alice = server.customer("alice");
    for path in PATHS {
        alice.get(path).await.problem(404, "not_found");
        alice.post(path, &claim()).await.problem(404, "not_found");
    }
    for server in [server, with_bench_routes().await] {
        let document = server.anyone().get("/openapi.json").await;
        document.expect(200);
        assert!(document.text().contains("claimSeats") && !document.text().contains("bench"));
        assert!(!server.anyone().get("/docs").await.text().contains("/bench"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_op_reads_checks_and_answers_like_a_claim_and_claims_nothing() {
    let server = with_bench_routes().await;
    let event = server.small_event(&[("A", 280_000, 10)]).await;
    let before = server.trace().await;
    let (anyone, alice) = (server.anyone(), server.customer("alice"));
    let order = anyone.post("/bench/no-op", &claim()).await.expect(201);
    assert_eq!(alice.post("/bench/customer-no-op", &claim()).await.expect(201)["status"], order["status"]);
    anyone.post("/bench/customer-no-op", &claim()).await.problem(401, "unauthorized");
    anyone.post("/bench/no-op", &json!({"seats": []})).await.invalid("seats");
    anyone.post("/bench/no-op", &json!({"seats": [{"section": "A", "seat": "3"}]})).await.invalid("seats[0].seat");
    assert_eq!(server.trace().await, before);

    let real = alice.claim(&event, claim()).await.expect(201);
    let shape = |order: &Value| order.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(shape(&order), shape(&real));
    assert_eq!(order["seats"], real["seats"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_uncached_summary_is_never_behind_and_the_no_op_read_is_as_large() {
    let server = with_bench_routes().await;
    let codes: Vec<String> = (0..10).map(|section| char::from(b'A' + section).to_string()).collect();
    let sections: Vec<(&str, i64, i32)> = codes.iter().map(|code| (code.as_str(), 280_000, 1000)).collect();
    let event = server.small_event(&sections).await;
    let uncached = format!("/bench/events/{}/sections", event.id);
    let fresh = server.anyone().get(&uncached).await;
    assert_eq!(fresh.expect(200), server.anyone().get(&event.at("sections")).await.expect(200));
    let no_op = server.anyone().get("/bench/no-op").await;
    no_op.expect(200);
    let (large, small) = (no_op.bytes.len().max(fresh.bytes.len()), no_op.bytes.len().min(fresh.bytes.len()));
    assert!(large * 9 <= small * 10, "{large} and {small} bytes");

    server.customer("alice").claim_seats(&event, &[("B", 1)]).await.expect(201);
    assert_eq!(server.anyone().get(&uncached).await.expect(200)["sections"][1]["available"], 999, "at once");
    server.anyone().get("/bench/events/4711/sections").await.problem(404, "event_not_found");
}
