//! What `serve` logs about refused requests.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::process::{Running, serve};
use crate::harness::{Caller, JWT_SECRET, PATIENCE, RedisMode, TestServer, WEBHOOK_SECRET, eventually};

/// A server as a child process that logs JSON, and its callers.
async fn logging(log: &str) -> (TestServer, Running) {
    let mut server = TestServer::builder().redis(RedisMode::Off).start().await;
    let settings = [
        ("ROWLOCK_JWT_SECRET", JWT_SECRET),
        ("ROWLOCK_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("ROWLOCK_LOG", log),
        ("ROWLOCK_LOG_FORMAT", "json"),
    ];
    let (child, url) = serve(&server.database_url, &settings).await;
    server.url = url;
    (server, child)
}

fn lines(child: &Running) -> Vec<Value> {
    let log = child.stderr();
    // The last line may be half written.
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON: {line}: {error}"))).collect()
}

/// The same caller, with a request id of its own.
fn named(caller: &Caller, request_id: &str) -> Caller {
    caller.with("x-request-id", request_id)
}

/// The line of the request with this id.
async fn line_of(child: &Running, request_id: &str) -> Value {
    eventually(PATIENCE, || async { lines(child).into_iter().find(|line| line["request_id"] == request_id) }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_is_found_by_its_id_with_route_code_and_caller() {
    let (server, child) = logging("info").await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let alice = server.customer("alice@example.org");
    alice.claim_seats(&event, &[("A", 1)]).await.expect(201);

    named(&alice, "taken-1").post(&event.at("orders"), &json!({"seats": [{"section": "A", "seat": 1}]})).await.problem(409, "seat_taken");
    let line = line_of(&child, "taken-1").await;
    let told = ["level", "message", "method", "route", "code"].map(|key| line[key].as_str().unwrap_or_default());
    assert_eq!(told, ["INFO", "refused", "POST", "/v1/events/{event_id}/orders", "seat_taken"], "{line}");
    // printf %s alice@example.org | sha256sum | cut -c1-16
    assert_eq!((&line["status"], &line["customer_hash"]), (&json!(409), &json!("7a64adf28737ea90")), "{line}");
    assert!(line.get("api_key_id").is_none(), "{line}");

    named(&server.admin(), "missing-1").get("/v1/admin/events/4711/sales").await.problem(404, "event_not_found");
    let line = line_of(&child, "missing-1").await;
    assert_eq!((&line["route"], &line["code"]), (&json!("/v1/admin/events/{event_id}/sales"), &json!("event_not_found")), "{line}");
    let key: i64 = server.ask("select api_key_id from rowlock.api_keys where name = 'tests'").await;
    assert_eq!((&line["api_key_id"], line.get("customer_hash")), (&json!(key), None), "{line}");

    named(&server.bearer("forged.bearer.token"), "forged-1").get(&event.at("orders")).await.problem(401, "unauthorized");
    let line = line_of(&child, "forged-1").await;
    assert_eq!((line.get("api_key_id"), line.get("customer_hash")), (None, None), "{line}");
    assert!(line["detail"].as_str().is_some_and(|detail| detail.contains("malformed")), "{line}");

    named(&server.anyone(), "nowhere-1").get("/v1/customers/alice@example.org?secret=x").await.problem(404, "not_found");
    assert_eq!(line_of(&child, "nowhere-1").await["route"], "unknown");
    for secret in ["alice@example.org", "forged.bearer", "secret=x", server.admin_key()] {
        assert!(!child.stderr().contains(secret), "the log gives {secret} away");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_refusals_is_counted_rather_than_logged_line_by_line() {
    const STORM: u64 = 400;
    let (server, child) = logging("info").await;
    for _ in 0..STORM {
        server.anyone().get("/v1/events/x").await.invalid("event_id");
    }
    let counted = || {
        let (mut logged, mut left_out) = (0, 0);
        for line in lines(&child).iter().filter(|line| line["code"] == "invalid_request") {
            logged += u64::from(line["message"] == "refused");
            left_out += line["left_out"].as_u64().unwrap_or_default();
        }
        (logged, left_out)
    };
    eventually(PATIENCE, || async { counted().0 + counted().1 == STORM }).await;
    let (logged, left_out) = counted();
    assert!(left_out > 0 && logged < STORM, "{logged} logged, {left_out} left out");
}

/// A gateway repeats a notice until it is taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_refused_money_is_counted_rather_than_logged_line_by_line() {
    const STORM: u64 = 200;
    let (server, child) = logging("info").await;
    let gateway = server.gateway();
    let notice = gateway.notice(&json!({"event_id": 4711, "order_id": uuid::Uuid::now_v7(), "amount_minor": 1, "currency": "TWD"}));
    for _ in 0..STORM {
        gateway.notify(notice.clone()).await.problem(404, "event_not_found");
    }
    let counted = || {
        let (mut logged, mut left_out) = (0, 0);
        for line in lines(&child).iter().filter(|line| line["level"] == "ERROR") {
            logged += u64::from(line["message"] == "a payment notice was refused");
            left_out += line["left_out"].as_u64().unwrap_or_default();
        }
        (logged, left_out)
    };
    eventually(PATIENCE, || async { counted().0 + counted().1 == STORM }).await;
    let (logged, left_out) = counted();
    assert!(logged >= 10 && left_out > 0, "{logged} logged, {left_out} left out");
}

#[tokio::test(flavor = "multi_thread")]
async fn debug_shows_our_own_lines_and_a_pair_those_of_a_driver() {
    let (server, child) = logging("debug").await;
    server.anyone().with("x-request-id", "fine-1").get("/v1/events").await.expect(200);
    assert_eq!(line_of(&child, "fine-1").await["level"], "DEBUG");
    for line in lines(&child) {
        assert!(line["target"].as_str().is_some_and(|target| target.starts_with("rowlock")), "{line}");
    }
    let (server, child) = logging("warn,tokio_postgres=debug").await;
    server.anyone().get("/v1/events").await.expect(200);
    let is_of = |line: &Value, target: &str| line["target"].as_str().is_some_and(|known| known.starts_with(target));
    eventually(PATIENCE, || async { lines(&child).iter().any(|line| is_of(line, "tokio_postgres")) }).await;
    for line in lines(&child).iter().filter(|line| is_of(line, "rowlock")) {
        assert!(line["level"] == "WARN" || line["level"] == "ERROR", "{line}");
    }
}

/// Whatever else is refused: at this level refusals have no lines.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_and_a_reversal_are_warned_of() {
    let (server, child) = logging("warn").await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let gateway = server.gateway();
    let mut notice = gateway.notice(&order);
    let long_ago = gateway.sign_bytes(notice.to_string().into_bytes(), OffsetDateTime::now_utc() - Duration::seconds(600));
    gateway.raw(&long_ago.headers, long_ago.body).await.problem(401, "invalid_signature");
    gateway.notify(notice.clone()).await.expect(200);
    notice["status"] = json!("failed");
    assert_eq!(gateway.notify(notice.clone()).await.expect(200)["outcome"], "reversal_recorded");
    notice["amount_minor"] = json!(1);
    gateway.notify(notice.clone()).await.problem(409, "payment_conflict");

    let reference = notice["provider_reference"].as_str().expect("a reference");
    let has =
        |line: &Value, level: &str, parts: [&str; 2]| line["level"] == level && parts.iter().all(|part| line.to_string().contains(part));
    for (level, parts) in [
        ("WARN", ["the signature is right, but the header webhook-timestamp is ", "s in the past"]),
        ("WARN", ["a payment was reversed", reference]),
        ("ERROR", ["a payment notice was refused", reference]),
    ] {
        eventually(PATIENCE, || async { lines(&child).iter().any(|line| has(line, level, parts)) }).await;
    }
}
