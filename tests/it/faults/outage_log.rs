//! What the log says about an outage, and how soon the outage ends once PostgreSQL is back.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::network::{Network, Weather};
use crate::commands::process::{Running, serve};
use crate::harness::{JWT_SECRET, PATIENCE, TestDatabase, TestServer, WEBHOOK_SECRET, event_json, eventually};

pub const SETTINGS: [(&str, &str); 4] = [
    ("ROWLOCK_JWT_SECRET", JWT_SECRET),
    ("ROWLOCK_JWT_AUDIENCE", "tests"),
    ("ROWLOCK_WEBHOOK_SECRET", WEBHOOK_SECRET),
    ("ROWLOCK_LOG_FORMAT", "json"),
];
/// How soon the first claim must succeed once PostgreSQL can be reached again.
const BACK_WITHIN: Duration = Duration::from_millis(500);

/// How soon a server that nobody calls must notice a PostgreSQL that answers no more: the limits of a call and of connecting again.
const HANG_NOTICED_WITHIN: Duration = Duration::from_secs(25);

/// The port in a database's URL, and the same URL with the network's port.
pub fn through(url: &str, network: impl Fn(u16) -> u16) -> String {
    let port = port_of(url);
    url.replace(&format!(":{port}/"), &format!(":{}/", network(port)))
}

pub fn port_of(url: &str) -> u16 {
    let (_, place) = url.rsplit_once('@').expect("a URL with a password");
    let port = place.split(['/', '?']).next().and_then(|place| place.rsplit_once(':')).expect("a port").1;
    port.parse().expect("a number")
}

/// The lines with that message: their time and their other fields.
fn lines(server: &Running, message: &str) -> Vec<(OffsetDateTime, Value)> {
    let all = server.stderr();
    let parsed = all.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let said = parsed.filter(|line| line["message"].as_str().is_some_and(|text| text.starts_with(message)));
    said.map(|line| (OffsetDateTime::parse(line["timestamp"].as_str().expect("a time"), &Rfc3339).expect("a time"), line)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_said_once_then_at_growing_intervals_and_once_when_it_is_over() {
    let database = TestDatabase::cloned().await;
    let port = port_of(&database.url());
    let network = Network::to(port).await;
    network.becomes(Weather::Refusing);
    let (server, url) = serve(&through(&database.url(), |_| network.port()), &SETTINGS).await;
    let (away, back) = ("PostgreSQL cannot be reached", "the database answers again");
    // Requests that are refused in the meantime add no lines either.
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    eventually(PATIENCE, || async {
        assert_eq!(http.get(format!("{url}/v1/events")).send().await.expect("an answer").status(), 503);
        lines(&server, away).len() >= 3
    })
    .await;
    let said = lines(&server, away);
    let pauses: Vec<_> = said.windows(2).map(|two| (two[1].0 - two[0].0).as_seconds_f64()).collect();
    assert!((0.99..1.9).contains(&pauses[0]) && (1.99..3.9).contains(&pauses[1]), "said again after {pauses:?} s");
    for (_, line) in &said {
        assert!(line["message"].as_str().is_some_and(|text| text.contains("DATABASE_URL")), "what to do: {line}");
        assert!(line["cause"].as_str().is_some_and(|text| text.contains("refused")), "{line}");
    }
    let complaints = server.stderr().lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).count();
    assert_eq!(complaints, lines(&server, away).len(), "{}", server.stderr());

    network.becomes(Weather::Fair(port));
    eventually(PATIENCE, || async { !lines(&server, back).is_empty() }).await;
    eventually(PATIENCE, || async { http.get(format!("{url}/readyz")).send().await.expect("an answer").status() == 200 }).await;
    assert_eq!(lines(&server, back).len(), 1, "{}", server.stderr());
    assert!(lines(&server, back)[0].1["away_s"].as_u64() >= Some(3), "{}", server.stderr());
}

#[cfg_attr(debug_assertions, ignore = "a promise of speed: .ci/promises runs it in an optimised build")]
#[tokio::test(flavor = "multi_thread")]
async fn claims_go_on_within_half_a_second_of_postgresql_being_back() {
    let database = TestDatabase::cloned().await;
    let port = port_of(&database.url());
    let network = Network::to(port).await;
    let server = TestServer::builder().arg("--database-url", through(&database.url(), |_| network.port())).start().await;
    let api_key = rowlock::db::api_keys::create_api_key(&rowlock::db::Endpoint::new(&database.url(), None).expect("a URL"), "tests").await;
    let admin = server.anyone().with("x-api-key", &api_key.expect("a key").1);
    let event = admin.post("/v1/events", &event_json(&[("A", 1000, 100)])).await.expect(201);
    let event = crate::harness::EventHandle { id: event["event_id"].as_i64().expect("an id") };
    admin.patch(&event.path(), &serde_json::json!({"status": "open"})).await.expect(200);
    let alice = server.customer("alice");
    alice.best_available(&event, "A", 1).await.expect(201);

    network.becomes(Weather::Refusing);
    let begun = Instant::now();
    // Long enough for every pause to grow to its maximum.
    while begun.elapsed() < Duration::from_secs(3) {
        // The first may still have been in a call, whose outcome is unknown.
        alice.best_available(&event, "A", 1).await.expect(503);
    }
    network.becomes(Weather::Fair(port));
    let begun = Instant::now();
    eventually(PATIENCE, || async { alice.best_available(&event, "A", 1).await.status == 201 }).await;
    let took = begun.elapsed();
    eprintln!("a claim succeeded {} ms after PostgreSQL was back", took.as_millis());
    assert!(took < BACK_WITHIN, "after {} ms", took.as_millis());
}

/// PostgreSQL neither answers nor closes a connection: the sweep, which is all that a server without requests does, must not hang, too.
#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_of_a_postgresql_that_hangs_gives_up_and_says_so() {
    let database = TestDatabase::cloned().await;
    let (db, port) = (database.connect().await, port_of(&database.url()));
    let network = Network::to(port).await;
    let (server, _) = serve(&through(&database.url(), |_| network.port()), &SETTINGS).await;
    let has_swept = "select exists (select from pg_stat_activity where datname = current_database() and query = 'commit')";
    eventually(PATIENCE, || async { db.query_one(has_swept, &[]).await.expect("an answer").get::<_, bool>(0) }).await;
    network.becomes(Weather::Silent);
    eventually(HANG_NOTICED_WITHIN, || async { !lines(&server, "PostgreSQL cannot be reached").is_empty() }).await;
    network.becomes(Weather::Fair(port));
    eventually(PATIENCE, || async { !lines(&server, "the database answers again").is_empty() }).await;
}

/// The sweep fails each time, several times a second.
#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_takes_no_writes_is_warned_of_once_in_a_while_and_the_failures_are_counted() {
    let database = TestDatabase::cloned().await;
    let read_only = "do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$";
    database.connect().await.batch_execute(read_only).await.expect("set");
    let (server, _) = serve(&database.url(), &SETTINGS).await;
    let counted = || lines(&server, "more calls of expiry failed than were logged").pop();
    let (_, summary) = eventually(PATIENCE, || async { counted() }).await;
    assert!(summary["left_out"].as_u64() >= Some(5), "{summary}");
    let warnings = lines(&server, "the sweep cannot list overdue orders");
    // A period may end after the first.
    assert!((1..=3).contains(&warnings.len()), "{}", server.stderr());
    assert!(warnings[0].1["error"].as_str().is_some_and(|text| text.contains("read-only")), "{}", server.stderr());
}
