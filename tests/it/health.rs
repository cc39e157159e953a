//! Liveness, readiness, metrics, documentation; and how a server stops.

mod readiness;

use std::time::Duration;

use pretty_assertions::assert_eq;
use rowlock::db::Endpoint;
use rowlock::db::migrate::migrate;
use serde_json::json;

use crate::harness::{Answer, EventHandle, HOLD_CLAIMS, PATIENCE, RedisMode, Scratch, TestServer, event_json, eventually, own_postgres};

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

/// One operation of each kind: they reach the database in different ways.
async fn answers_of_all_kinds(server: &TestServer) -> Vec<Answer> {
    let (anyone, event) = (server.anyone(), EventHandle { id: 1 });
    let admin = anyone.with("x-api-key", "rlk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let notice = json!({"event_id": 1, "order_id": uuid::Uuid::nil(), "amount_minor": 1, "currency": "TWD"});
    vec![
        anyone.get("/readyz").await,
        anyone.get("/v1/events").await,
        anyone.get(&event.path()).await,
        anyone.get(&event.at("sections")).await,
        admin.post("/v1/events", &event_json(&[("A", 1, 1)])).await,
        server.customer("alice").claim_seats(&event, &[("A", 1)]).await,
        server.customer("alice").orders(&event).await,
        server.gateway().pay(&notice).await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_database_that_was_never_migrated_a_server_says_what_to_do_until_it_is_done() {
    let empty = TestServer::builder().unmigrated().start().await;
    empty.anyone().get("/livez").await.expect(200);
    for answer in answers_of_all_kinds(&empty).await {
        let problem = answer.problem(503, "unavailable");
        assert_eq!(problem["detail"], "the database is not migrated: run `rowlock migrate`", "{answer:?}");
        assert_eq!(answer.header("retry-after"), Some("5"), "{answer:?}");
    }
    migrate(&Endpoint::new(&empty.database_url, None).expect("a URL")).await.expect("migrated");
    eventually(PATIENCE, || async { empty.anyone().get("/readyz").await.status == 200 }).await;
    eventually(PATIENCE, || async {
        let statuses: Vec<u16> = answers_of_all_kinds(&empty).await.iter().map(|answer| answer.status).collect();
        // No such event, no such key; and a payment for an unknown event is refused.
        statuses == [200, 200, 404, 404, 401, 404, 404, 404]
    })
    .await;
}

/// No migration has made the roles in this cluster yet: nobody can even log in as the server does.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_cluster_that_was_never_migrated_a_server_says_what_to_do() {
    let dir = Scratch::new();
    let Some(postgres) = own_postgres(dir.path()).await else { return };
    let url = postgres.url("rowlock");
    let mut server = TestServer::builder().redis(RedisMode::Off).arg("--database-url", &url).start().await;
    let problem = server.anyone().get("/readyz").await.problem(503, "unavailable");
    assert_eq!(problem["detail"], "the database is not migrated: run `rowlock migrate`");
    migrate(&Endpoint::new(&url, None).expect("a URL")).await.expect("migrated");
    eventually(PATIENCE, || async { server.anyone().get("/readyz").await.status == 200 }).await;
    server.stop().await.expect("an orderly end");
    postgres.stop().await.expect("stopped");
}

/// A missing function means that somebody must migrate, or that there is a bug in ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_function_is_a_fault_of_ours_only_where_everything_is_migrated() {
    let server = TestServer::start().await;
    server.db.batch_execute("alter table rowlock.events rename to elsewhere").await.expect("renamed");
    server.anyone().get("/v1/events").await.problem(500, "internal_error");
    server.anyone().get("/readyz").await.problem(500, "internal_error");
    server.db.batch_execute("alter table rowlock.elsewhere rename to events").await.expect("renamed");
    server.anyone().get("/v1/events").await.expect(200);

    let drop = "do $$ begin execute format('drop function %s', 'rowlock.list_events'::regproc::regprocedure); end $$";
    server.db.batch_execute(drop).await.expect("dropped");
    server.anyone().get("/v1/events").await.problem(500, "internal_error");
    server.db.execute("delete from rowlock.applied_files where path like '%/list_events.sql'", &[]).await.expect("deleted");
    let problem = server.anyone().get("/v1/events").await.problem(503, "unavailable");
    assert!(problem["detail"].as_str().expect("a text").contains("run `rowlock migrate`"), "{problem}");
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
    // The claim waits for its seats, which another session has locked.
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
