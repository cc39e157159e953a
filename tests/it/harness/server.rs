//! The server under test: in this process, with its own port and database.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use rowlock::auth::mint_customer_token;
use rowlock::db::Endpoint;
use rowlock::server::Bound;
use rowlock_lab::embedded::PrivateRedis;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::builder::{Builder, Shared};
use super::event::{EventHandle, event_json};
use super::http::Caller;
use super::people::{Customer, Gateway};
use super::redis::Redis;
use super::wait::{PATIENCE, patience_left};

/// Secret of the customers' tokens.
pub const JWT_SECRET: &str = "the tests' secret of customers' tokens, long enough";
/// Secret of the gateway's notices.
pub const WEBHOOK_SECRET: &str = "whsec_dGhlIHRlc3RzJyBzZWNyZXQgb2YgdGhlIGdhdGV3YXk=";

/// A running server, with everything that a test needs.
pub struct TestServer {
    /// Where it listens, as `http://127.0.0.1:port`.
    pub url: String,
    /// Its database, with a superuser's password in it.
    pub database_url: String,
    /// A superuser's connection to the database.
    pub db: Client,
    /// What its keys in Redis begin with: the prefix and the database.
    pub redis_prefix: String,
    http: reqwest::Client,
    shared: Arc<Shared>,
    stop: CancellationToken,
    serving: JoinHandle<anyhow::Result<()>>,
}

impl TestServer {
    /// A server for most tests: a new migrated database and the shared Redis.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// A server with options to set.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(super) async fn launch(shared: Arc<Shared>) -> Self {
        start_log();
        let config = shared.config();
        let bound = Bound::new(&config).await.unwrap_or_else(|error| panic!("the server does not start: {error:#}"));
        let url = format!("http://{}", bound.address());
        let stop = CancellationToken::new();
        let serving = tokio::spawn(bound.serve(stop.clone()));
        let http = reqwest::Client::builder().no_proxy().timeout(patience_left(PATIENCE)).build().expect("a client");
        let db = shared.database.connect().await;
        let database_url = shared.database.url();
        let redis_prefix = match config.redis_url {
            Some(_) => {
                format!("{}:{}", config.redis_prefix, database_id(config.database.database_url.as_deref().expect("a URL")).await.simple())
            }
            None => config.redis_prefix.clone(),
        };
        Self { url, database_url, db, redis_prefix, http, shared, stop, serving }
    }

    /// A second server on the same database and Redis.
    pub async fn second(&self) -> Self {
        Self::launch(Arc::clone(&self.shared)).await
    }

    /// Stops it as an operator would, so requests in progress are finished. Returns the result of serving.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        (&mut self.serving).await.expect("serving does not panic")
    }

    /// Somebody without credentials.
    pub fn anyone(&self) -> Caller {
        Caller::new(self.http.clone(), self.url.clone())
    }

    /// An admin with a valid key.
    pub fn admin(&self) -> Caller {
        self.anyone().with("x-api-key", &self.shared.api_key)
    }

    pub fn admin_key(&self) -> &str {
        &self.shared.api_key
    }

    /// A customer with a valid token.
    pub fn customer(&self, id: &str) -> Customer {
        Customer::new(self.bearer(&self.token(id)), id)
    }

    /// The token of a customer.
    pub fn token(&self, id: &str) -> String {
        mint_customer_token(JWT_SECRET, id, 3600).expect("a token")
    }

    /// Somebody with this bearer token.
    pub fn bearer(&self, token: &str) -> Caller {
        self.anyone().with("authorization", &format!("Bearer {token}"))
    }

    pub fn gateway(&self) -> Gateway {
        Gateway::new(self.anyone())
    }

    /// Creates an event and leaves it a draft.
    pub async fn draft(&self, event: Value) -> EventHandle {
        let created = self.admin().post("/v1/events", &event).await.expect(201);
        EventHandle { id: created["event_id"].as_i64().expect("an id") }
    }

    /// Creates an event and opens it.
    pub async fn event(&self, event: Value) -> EventHandle {
        let event = self.draft(event).await;
        self.set_status(&event, "open").await;
        event
    }

    /// Creates and opens an event with these sections (code, price of a seat, seats), see [`event_json`].
    pub async fn small_event(&self, sections: &[(&str, i64, i32)]) -> EventHandle {
        self.event(event_json(sections)).await
    }

    /// Opens, pauses or closes an event.
    pub async fn set_status(&self, event: &EventHandle, status: &str) {
        let changed = self.admin().patch(&event.path(), &json!({"status": status})).await.expect(200);
        assert_eq!(changed["status"], status);
    }

    /// Checks that no invariant is violated.
    pub async fn assert_invariants(&self) {
        let sql = "select coalesce(jsonb_agg(to_jsonb(v)), '[]') from admin.invariant_violations v";
        assert_eq!(self.ask::<Value>(sql).await, json!([]), "invariants are violated");
    }

    /// The result of a statement with one row and one column.
    pub async fn ask<T: for<'a> tokio_postgres::types::FromSql<'a>>(&self, sql: &str) -> T {
        self.db.query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
    }

    /// Everything that a request can change, to compare before and after.
    pub async fn trace(&self) -> Value {
        self.ask(
            "select jsonb_build_object(
                'events', (select jsonb_agg(to_jsonb(e) order by event_id) from rowlock.events e),
                'orders', (select jsonb_agg(to_jsonb(o) order by event_id, order_id) from rowlock.orders o),
                'payments', (select jsonb_agg(to_jsonb(p) order by event_id, provider, provider_reference) from rowlock.payments p),
                'tickets', (select count(*) from rowlock.tickets),
                'seats', (select jsonb_object_agg(status, seats) from (select status, count(*) seats from rowlock.seats group by status) s),
                'sections', (select jsonb_agg(jsonb_build_array(event_id, section_no, available, held, sold, blocked)
                                              order by event_id, section_no) from rowlock.sections))",
        )
        .await
    }

    /// Another superuser's connection to the database.
    pub async fn connect(&self) -> Client {
        self.shared.database.connect().await
    }

    /// A counter or gauge of the server's metrics, by its name and labels as printed.
    pub async fn metric(&self, name: &str) -> u64 {
        let metrics = self.anyone().get("/metrics").await.text();
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in\n{metrics}")).parse().expect("a count")
    }

    /// Where its Redis is.
    pub fn redis_url(&self) -> Option<String> {
        self.shared.redis.url()
    }

    /// A connection to its Redis.
    pub async fn redis(&self) -> ::redis::aio::MultiplexedConnection {
        let client = ::redis::Client::open(self.redis_url().expect("a server with Redis")).expect("a URL");
        client.get_multiplexed_async_connection().await.expect("a connection to Redis")
    }

    /// Its own Redis ([`RedisMode::Own`]), to be killed and restarted.
    pub async fn own_redis(&self) -> tokio::sync::MutexGuard<'_, PrivateRedis> {
        match &self.shared.redis {
            Redis::Own { server, .. } => server.lock().await,
            _ => panic!("only RedisMode::Own may be killed"),
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Which database it is; nil before it is migrated, and where there is none.
async fn database_id(url: &str) -> Uuid {
    match Endpoint::new(url, None).expect("a URL").connect().await {
        Ok((client, _)) => rowlock::db::database_id(&client).await.unwrap_or_default(),
        Err(_) => Uuid::nil(),
    }
}

/// Shows the servers' log when `ROWLOCK_LOG` asks for it.
fn start_log() {
    static STARTED: std::sync::Once = std::sync::Once::new();
    STARTED.call_once(|| {
        if let Ok(filter) = tracing_subscriber::EnvFilter::try_from_env("ROWLOCK_LOG") {
            tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().init();
        }
    });
}
