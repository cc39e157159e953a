//! `serve --migrate` where PostgreSQL is not up yet: whatever starts them does not know which is faster.

use std::time::Duration;

use pretty_assertions::assert_eq;

use super::network::{Network, Weather};
use super::outage_log::{SETTINGS, port_of, through};
use crate::commands::process::{Running, serve};
use crate::harness::{PATIENCE, TestDatabase, eventually};

/// How soon a server must be ready once PostgreSQL can be reached: a pause between two attempts, and the migration.
const READY_WITHIN: Duration = Duration::from_secs(20);
const AWAY: &str = "PostgreSQL cannot be reached";
const MIGRATED: &str = "the database is migrated";

/// `serve --migrate` on the database at this URL, through a network that refuses; it listens, and it has said so.
async fn waiting_server(url: &str) -> (Running, String, Network) {
    let network = Network::to(port_of(url)).await;
    network.becomes(Weather::Refusing);
    let settings = [&SETTINGS[..], &[("ROWLOCK_MIGRATE", "true")]].concat();
    let (server, address) = serve(&through(url, |_| network.port()), &settings).await;
    // Said again: it has tried more than once.
    eventually(PATIENCE, || async { server.stderr().matches(AWAY).count() >= 2 }).await;
    (server, address, network)
}

async fn status_of(url: &str) -> u16 {
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    http.get(url).send().await.expect("an answer").status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_to_migrate_waits_for_postgresql_and_then_migrates() {
    let database = TestDatabase::empty().await;
    let (server, address, network) = waiting_server(&database.url()).await;
    let (live, ready) = (format!("{address}/livez"), format!("{address}/readyz"));
    assert_eq!((status_of(&live).await, status_of(&ready).await), (200, 503));
    assert!(!server.stderr().contains(MIGRATED));
    network.becomes(Weather::Fair(port_of(&database.url())));
    eventually(READY_WITHIN, || async { status_of(&ready).await == 200 }).await;
    assert_eq!(server.stderr().matches(MIGRATED).count(), 1, "{}", server.stderr());
}

/// As at the start, if PostgreSQL had been up.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_waited_and_may_not_migrate_ends_and_says_why() {
    let database = TestDatabase::empty().await;
    let (login, place) = database.url().rsplit_once('@').map(|(login, place)| (login.to_owned(), place.to_owned())).expect("a login");
    let (user, _) = login.rsplit_once(':').expect("a password");
    let (mut server, _, network) = waiting_server(&format!("{user}:wrong@{place}")).await;
    network.becomes(Weather::Fair(port_of(&database.url())));
    let status = server.ended().await;
    let log = server.stderr();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.lines().last().is_some_and(|last| last.starts_with("rowlock: ") && last.contains("28P01")), "{log}");
    assert!(!log.contains(MIGRATED), "{log}");
}
