//! What operators ask: alive, ready, metrics, documentation; and how a server goes.

use std::time::Duration;

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::harness::{HOLD_CLAIMS, PATIENCE, RedisMode, TestServer, eventually};

/// The value of one series.
fn sample(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in:\n{metrics}")).parse().expect("a number")
}

async fn metrics(server: &TestServer) -> String {
    let answer = server.anyone().get("/metrics").await;
    answer.expect(200);
    answer.text()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_everything_is_alive_and_ready() {
    let server = TestServer::start().await;
    assert_eq!(server.anyone().get("/livez").await.expect(200), json!({"status": "alive"}));
    let expected = json!({"status": "ready", "postgresql": "up", "redis": "up", "version": env!("CARGO_PKG_VERSION")});
    assert_eq!(server.anyone().get("/readyz").await.expect(200), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_started_without_redis_is_ready_and_says_so() {
    let server = TestServer::builder().redis(RedisMode::Off).start().await;
    let ready = server.anyone().get("/readyz").await.expect(200);
    assert_eq!((&ready["status"], &ready["redis"]), (&json!("ready"), &json!("off")));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_redis_a_server_is_degraded_and_recovers() {
    let server = TestServer::builder().redis(RedisMode::Own).start().await;
    let is = async |status: &str, redis: &str| {
        let ready = server.anyone().get("/readyz").await.expect(200);
        (ready["status"] == status && ready["redis"] == redis).then_some(())
    };
    eventually(PATIENCE, || is("ready", "up")).await;
    server.own_redis().await.kill().await;
    eventually(PATIENCE, || is("degraded", "down")).await;
    server.own_redis().await.restart().await.expect("restarted");
    eventually(PATIENCE, || is("ready", "up")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_a_database_that_is_behind_is_alive_but_not_ready() {
    let behind = TestServer::start().await;
    behind.db.execute("delete from rowlock.applied_files where path = 'functions/claims/claim_seats.sql'", &[]).await.expect("deleted");
    let problem = behind.anyone().get("/readyz").await.problem(503, "unavailable");
    assert!(problem["detail"].as_str().expect("a text").contains("rowlock migrate"), "{problem}");
    behind.anyone().get("/livez").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_a_database_that_was_never_migrated_is_alive_but_not_ready() {
    let empty = TestServer::builder().unmigrated().start().await;
    empty.anyone().get("/livez").await.expect(200);
    empty.anyone().get("/readyz").await.problem(503, "unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgresql_a_server_is_alive_and_refuses_at_once_what_needs_it() {
    let nowhere = format!("postgres://nobody@127.0.0.1:{}/nothing", rowlock_lab::embedded::free_port().expect("a port"));
    let server = TestServer::builder().arg("--database-url", nowhere).start().await;
    server.anyone().get("/livez").await.expect(200);
    for path in ["/readyz", "/v1/events", "/v1/events/1", "/v1/events/1/sections"] {
        let answer = server.anyone().get(path).await;
        answer.problem(503, "unavailable");
        assert!(answer.header("retry-after").is_some(), "{path}");
    }
    server.admin().post("/v1/events", &crate::harness::event_json(&[("A", 1, 1)])).await.problem(503, "unavailable");
    let order = json!({"event_id": 1, "order_id": uuid::Uuid::nil(), "amount_minor": 1, "currency": "TWD"});
    server.gateway().pay(&order).await.problem(503, "unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_count_what_happens() {
    let server = TestServer::start().await;
    let event = server.event(crate::harness::event_json(&[("A", 1000, 10)])).await;
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    alice.claim_seats(&event, &[("A", 1)]).await.problem(409, "seat_taken");
    server.gateway().pay(&order).await.expect(200);
    server.anyone().get(&event.at("sections")).await.expect(200);
    server.anyone().get(&event.at("sections/A/seats")).await.expect(200);
    server.anyone().get(&event.at("availability")).await.expect(200);

    let text = metrics(&server).await;
    assert_eq!(sample(&text, "rowlock_claims_total{outcome=\"claimed\"}"), 1.0);
    assert_eq!(sample(&text, "rowlock_claims_total{outcome=\"seat_taken\"}"), 1.0);
    assert_eq!(sample(&text, "rowlock_payments_total{outcome=\"paid\"}"), 1.0);
    assert_eq!(sample(&text, "rowlock_claim_duration_seconds_count"), 2.0);
    assert_eq!(sample(&text, "rowlock_payment_duration_seconds_count"), 1.0);
    assert_eq!(sample(&text, "rowlock_batch_size_count{lane=\"claims\"}"), 2.0);
    assert_eq!(sample(&text, "rowlock_batch_size_sum{lane=\"payments\"}"), 1.0);
    assert_eq!(sample(&text, "rowlock_lane_depth{lane=\"claims\"}"), 0.0);
    assert_eq!(sample(&text, "rowlock_lane_depth{lane=\"payments\"}"), 0.0);
    assert_eq!(sample(&text, "rowlock_orders_expired_total"), 0.0);
    assert_eq!(sample(&text, "rowlock_expiry_lag_seconds_count"), 0.0);
    assert_eq!(sample(&text, "rowlock_expiry_failures_total"), 0.0);
    for cache in ["summary", "seats", "availability"] {
        assert_eq!(sample(&text, &format!("rowlock_cache_reads_total{{cache=\"{cache}\",result=\"database\"}}")), 1.0);
    }
    assert!(sample(&text, "rowlock_pool_connections{state=\"open\"}") >= 1.0);
    assert!(text.trim_end().ends_with("# EOF"), "OpenMetrics ends with its mark");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_count_an_expired_order_and_how_late_it_was() {
    let server = TestServer::start().await;
    let mut brief = crate::harness::event_json(&[("A", 1000, 10)]);
    brief["window_ms"] = json!(1000);
    let event = server.event(brief).await;
    server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    eventually(PATIENCE, || async { sample(&metrics(&server).await, "rowlock_orders_expired_total") >= 1.0 }).await;
    let text = metrics(&server).await;
    assert_eq!(sample(&text, "rowlock_orders_expired_total"), 1.0);
    assert_eq!(sample(&text, "rowlock_expiry_lag_seconds_count"), 1.0);
    let lag_s = sample(&text, "rowlock_expiry_lag_seconds_sum");
    assert!(lag_s > 0.0 && lag_s < 2.0, "seats return within 2 s of the deadline, and not before: {lag_s} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_is_served() {
    let server = TestServer::start().await;
    let page = server.anyone().get("/docs").await;
    page.expect(200);
    assert!(page.header("content-type").is_some_and(|media_type| media_type.starts_with("text/html")));
    assert!(page.text().contains("swagger-ui"));
    let document = server.anyone().get("/openapi.json").await.expect(200);
    assert_eq!(document["openapi"], "3.0.0");
    assert_eq!(document["paths"]["/v1/events/{event_id}/orders"]["post"]["operationId"], "claimSeats");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_finishes_what_it_has_begun_and_takes_no_more() {
    let mut server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let (alice, anyone) = (server.customer("alice"), server.anyone());
    // The claim waits for its seats, which a stranger holds.
    let stranger = rowlock::db::Endpoint::new(&server.database_url, None).expect("a URL").connect().await.expect("connected").0;
    stranger.batch_execute(HOLD_CLAIMS).await.expect("locked");
    let claiming = tokio::spawn(async move { alice.claim_seats(&event, &[("A", 1)]).await });
    let waiting = "select count(*) from pg_locks where not granted";
    eventually(PATIENCE, || async { server.ask::<i64>(waiting).await > 0 }).await;

    let url = server.url.clone();
    let stopping = tokio::spawn(async move { server.stop().await });
    eventually(PATIENCE, || async { tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await.is_err() }).await;
    assert!(!stopping.is_finished(), "a claim is under way");
    stranger.batch_execute("commit").await.expect("released");
    claiming.await.expect("no panic").expect(201);
    let stopped = tokio::time::timeout(Duration::from_secs(10), stopping).await.expect("it stops");
    stopped.expect("no panic").expect("in good order");
    drop(anyone);
}
