//! A server whose PostgreSQL may be crashed, stopped and started again: with its own cluster behind its own network.

use std::process::Command;

use pretty_assertions::assert_eq;
use rowlock::db::{Endpoint, api_keys, migrate::migrate};
use rowlock_lab::embedded::{PostgresProfile, PrivatePostgres};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::network::{Network, Weather};
use crate::harness::{Answer, EventHandle, PATIENCE, Scratch, TestServer, event_json, eventually, own_postgres};

const DATABASE: &str = "rowlock";

/// The server, its cluster and its network.
pub struct OnOwnCluster {
    pub server: TestServer,
    pub network: Network,
    postgres: Option<PrivatePostgres>,
    api_key: String,
    dir: Scratch,
}

impl OnOwnCluster {
    /// Starts everything; `None`, with a message, if this machine has no PostgreSQL.
    pub async fn start() -> Option<Self> {
        let dir = Scratch::new();
        let postgres = own_postgres(dir.path()).await?;
        let endpoint = Endpoint::new(&postgres.url(DATABASE), None).expect("a URL");
        migrate(&endpoint).await.expect("migrated");
        let api_key = api_keys::create_api_key(&endpoint, "tests").await.expect("a key").1;
        let network = Network::to(postgres.port()).await;
        let url = postgres.url(DATABASE).replace(&format!(":{}/", postgres.port()), &format!(":{}/", network.port()));
        let server = TestServer::builder().arg("--database-url", url).start().await;
        Some(Self { server, network, postgres: Some(postgres), api_key, dir })
    }

    fn running(&self) -> &PrivatePostgres {
        self.postgres.as_ref().expect("PostgreSQL runs")
    }

    pub fn port(&self) -> u16 {
        self.running().port()
    }

    /// The URL of the database that bypasses the network, with a superuser's password in it.
    pub fn url(&self) -> String {
        self.running().url(DATABASE)
    }

    /// How many errors and warnings PostgreSQL has logged.
    pub fn lines_of_errors(&self) -> usize {
        let log = std::fs::read_to_string(self.running().log()).expect("PostgreSQL's log");
        log.lines().filter(|line| ["WARNING:  ", "ERROR:  ", "FATAL:  "].iter().any(|level| line.contains(level))).count()
    }

    /// A superuser's connection that bypasses the network.
    pub async fn db(&self) -> Client {
        Endpoint::new(&self.url(), None).expect("a URL").connect().await.expect("a connection").0
    }

    /// Creates and opens an event with a payment window of ten minutes.
    pub async fn event(&self, sections: &[(&str, i64, i32)]) -> EventHandle {
        let admin = self.server.anyone().with("x-api-key", &self.api_key);
        let mut request = event_json(sections);
        request["window_ms"] = json!(600_000);
        let event = EventHandle { id: admin.post("/v1/events", &request).await.expect(201)["event_id"].as_i64().expect("an id") };
        admin.patch(&event.path(), &json!({"status": "open"})).await.expect(200);
        event
    }

    /// Kills one of PostgreSQL's processes: PostgreSQL stops all others, recovers from its log and continues.
    pub async fn crash(&self) {
        let db = self.db().await;
        let pid: i32 = db.query_one("select pg_backend_pid()", &[]).await.expect("a pid").get(0);
        let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status().expect("kill runs");
        assert!(killed.success());
        eventually(PATIENCE, || async { db.is_closed() }).await;
    }

    /// Stops PostgreSQL; nothing listens on its port from now on.
    pub async fn stop_postgres(&mut self) {
        self.network.becomes(Weather::Refusing);
        self.postgres.take().expect("PostgreSQL runs").stop().await.expect("stopped");
    }

    pub async fn start_postgres(&mut self) {
        let postgres = PrivatePostgres::start(self.dir.path(), PostgresProfile::Test).await.expect("started again");
        self.network.becomes(Weather::Fair(postgres.port()));
        self.postgres = Some(postgres);
    }

    /// Waits until a claim succeeds again, by itself.
    pub async fn recovers(&self, event: &EventHandle) -> Value {
        let answer = eventually(PATIENCE, || async { self.claim(event).await.status == 201 });
        answer.await;
        eventually(PATIENCE, || async { self.server.anyone().get("/readyz").await.status == 200 }).await;
        self.claim(event).await.expect(201)
    }

    async fn claim(&self, event: &EventHandle) -> Answer {
        self.server.customer("somebody").best_available(event, "B", 1).await
    }

    /// Checks the invariants, and stops everything in order.
    pub async fn end(mut self) {
        let db = self.db().await;
        let violations: Value = db
            .query_one("select coalesce(jsonb_agg(to_jsonb(v)), '[]') from admin.invariant_violations v", &[])
            .await
            .expect("the view")
            .get(0);
        assert_eq!(violations, json!([]));
        drop(db);
        self.server.stop().await.expect("an orderly end");
        self.postgres.take().expect("PostgreSQL runs").stop().await.expect("stopped");
    }
}
