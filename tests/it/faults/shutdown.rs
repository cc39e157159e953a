//! The server stops in order: it finishes what it has begun, and accepts nothing new.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use rowlock::auth::{mint_customer_token, sign_notice};
use rowlock::db::{Endpoint, migrate::migrate};
use rowlock_lab::embedded::PrivateRedis;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::commands::process::{descendants, serve};
use crate::harness::{
    EventHandle, JWT_SECRET, PATIENCE, Scratch, Stops, TestServer, WEBHOOK_SECRET, build_gate, eventually, open_gate, own_postgres,
    patience_left, skip,
};

#[tokio::test(flavor = "multi_thread")]
async fn requests_under_way_are_answered_and_new_connections_are_refused() {
    let mut server = TestServer::builder().arg("--drain-s", 30).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let (alice, bob, gateway) = (server.customer("alice"), server.customer("bob"), server.gateway());
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);

    // A claim adds an order, and a payment changes one.
    build_gate(&server.db, "insert or update on rowlock.orders", "true", Stops::All).await;
    let claim = tokio::spawn(async move { bob.claim_seats(&event, &[("A", 2)]).await });
    let payment = tokio::spawn(async move { gateway.pay(&order).await });
    let at_the_gate = "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";
    eventually(PATIENCE, || async { server.ask::<i64>(at_the_gate).await == 2 }).await;

    let db = server.connect().await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let stopping = tokio::spawn(async move { (server.stop().await, server) });
    eventually(PATIENCE, || async { TcpStream::connect(&address).await.is_err() }).await;
    assert!(!stopping.is_finished() && !claim.is_finished() && !payment.is_finished(), "it did not wait for what is under way");
    open_gate(&db).await;

    assert_eq!(claim.await.expect("no panic").expect(201)["status"], "pending_payment");
    assert_eq!(payment.await.expect("no panic").expect(200)["outcome"], "paid");
    let (ended, server) = tokio::time::timeout(patience_left(PATIENCE), stopping).await.expect("it ends").expect("no panic");
    ended.expect("an orderly end");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_do_not_hold_up_the_end() {
    let mut server = TestServer::builder().arg("--drain-s", 30).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let idle = TcpStream::connect(server.url.trim_start_matches("http://")).await.expect("a connection that says nothing");
    tokio::time::timeout(Duration::from_secs(10), server.stop()).await.expect("it ends soon").expect("in order");
    drop(idle);
}

/// How long requests in progress have to finish; two seconds later at the latest the server has ended.
const DRAIN: Duration = Duration::from_secs(2);
const SETTINGS: [(&str, &str); 3] =
    [("ROWLOCK_JWT_SECRET", JWT_SECRET), ("ROWLOCK_WEBHOOK_SECRET", WEBHOOK_SECRET), ("ROWLOCK_DRAIN_S", "2")];

/// Servers that are frozen while this exists: they accept connections, and answer nothing.
struct Frozen(BTreeSet<u32>);

impl Frozen {
    fn all_of(servers: &[u32]) -> Self {
        let frozen = Self(servers.iter().flat_map(|server| descendants(*server).into_iter().chain([*server])).collect());
        frozen.signal("STOP");
        frozen
    }

    fn signal(&self, name: &str) {
        let pids = self.0.iter().map(ToString::to_string);
        // One of them may have ended meanwhile.
        Command::new("kill").arg(format!("-{name}")).args(pids).stderr(Stdio::null()).status().expect("kill runs");
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.signal("CONT");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_hangs_does_not_hold_up_the_end() {
    let dir = Scratch::new();
    let Some(postgres) = own_postgres(dir.path()).await else { return };
    let database_url = postgres.url("rowlock");
    migrate(&Endpoint::new(&database_url, None).expect("a URL")).await.expect("migrated");
    let (mut server, url) = serve(&database_url, &SETTINGS).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let get = async |path: &str| client.get(format!("{url}{path}")).send().await?.text().await;
    eventually(PATIENCE, || async { get("/readyz").await.is_ok_and(|text| text.contains("\"ready\"")) }).await;

    let frozen = Frozen::all_of(&[postgres.pid().expect("it runs")]);
    let stopping = async {
        // A reader waits, and before its time is over the sweep does, too.
        let waits = |metrics: String| metrics.contains("rowlock_pool_connections{state=\"idle\"} 0");
        eventually(PATIENCE, || async { get("/metrics").await.is_ok_and(waits) }).await;
        let begun = Instant::now();
        server.signal("TERM");
        (server.ended().await, begun.elapsed())
    };
    let reading = async {
        get("/v1/events").await.ok();
    };
    let ((status, took), ()) = tokio::join!(stopping, reading);
    assert!(status.success() && took < DRAIN + Duration::from_secs(2), "{status} after {} ms: {}", took.as_millis(), server.stderr());
    drop(frozen);
    postgres.stop().await.expect("stopped");
}

/// An event on sale, made without a server.
async fn made_event(database_url: &str) -> EventHandle {
    let (db, _driver) = Endpoint::new(database_url, None).expect("a URL").connect().await.expect("a connection");
    let sections = json!([{"code": "A", "name": "A", "price_minor": 1000, "rows": [{"label": "1", "seats": 10}]}]);
    let event = json!({"name": "Concert", "currency": "TWD", "window_ms": 600_000, "sections": sections});
    let id = db.query_one("select event_id from rowlock.create_event($1)", &[&event]).await.expect("an event").get(0);
    db.execute("select rowlock.change_event($1, '{\"status\": \"open\"}')", &[&id]).await.expect("an open event");
    EventHandle { id }
}

/// Claims and payments wait in lanes, whose workers find out what became of a lost call: not once the server must end.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_and_a_notice_in_flight_do_not_hold_up_the_end_while_postgresql_and_redis_hang() {
    let dir = Scratch::new();
    let Some(postgres) = own_postgres(dir.path()).await else { return };
    let Some(redis) = PrivateRedis::start(dir.path()).await.expect("a private Redis") else { return skip("redis-server", "no Redis here") };
    let database_url = postgres.url("rowlock");
    migrate(&Endpoint::new(&database_url, None).expect("a URL")).await.expect("migrated");
    let (event, redis_url) = (made_event(&database_url).await, redis.url());
    let settings = [&SETTINGS[..], &[("REDIS_URL", redis_url.as_str())]].concat();
    let (mut server, url) = serve(&database_url, &settings).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let get = async |path: &str| client.get(format!("{url}{path}")).send().await?.text().await;
    eventually(PATIENCE, || async { get("/readyz").await.is_ok_and(|text| text.contains("\"redis\":\"up\"")) }).await;
    let claim = |customer: &str, seat: i32| {
        let token = mint_customer_token(JWT_SECRET, customer, 3600).expect("a token");
        let seats = json!({"seats": [{"section": "A", "seat": seat}]});
        client.post(format!("{url}{}", event.at("orders"))).bearer_auth(token).json(&seats).send()
    };
    let order: Value = claim("alice", 1).await.expect("an answer").json().await.expect("an order");
    let notice = json!({
        "event_id": event.id, "order_id": order["order_id"], "provider": "testpay", "provider_reference": "1", "amount_minor": 1000,
        "currency": "TWD", "status": "succeeded",
    });
    let notice = notice.to_string().into_bytes();
    let signed = sign_notice(WEBHOOK_SECRET, "msg_1", &notice, time::OffsetDateTime::now_utc()).expect("a good secret");
    let pay = client.post(format!("{url}/v1/payments")).header("content-type", "application/json").body(notice);
    let pay = signed.iter().fold(pay, |request, (name, value)| request.header(*name, value)).send();

    let frozen = Frozen::all_of(&[postgres.pid().expect("it runs"), redis.pid().expect("it runs")]);
    let stopping = async {
        let are_in_flight = |metrics: String| ["claims", "payments"].iter().all(|lane| metrics.contains(&in_flight(lane)));
        eventually(PATIENCE, || async { get("/metrics").await.is_ok_and(are_in_flight) }).await;
        let begun = Instant::now();
        server.signal("TERM");
        (server.ended().await, begun.elapsed())
    };
    let ((status, took), claimed, paid) = tokio::join!(stopping, claim("bob", 2), pay);
    assert!(status.success() && took < DRAIN + Duration::from_secs(2), "{status} after {} ms: {}", took.as_millis(), server.stderr());
    for answer in [claimed, paid].into_iter().flatten() {
        assert_eq!(answer.status(), 503, "nobody knows yet what became of it");
    }
    drop(frozen);
    redis.stop().await;
    postgres.stop().await.expect("stopped");
}

/// The line of the metrics that says that one request is in a lane.
fn in_flight(lane: &str) -> String {
    format!("rowlock_lane_depth{{lane=\"{lane}\"}} 1\n")
}
