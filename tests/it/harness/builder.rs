//! How a server under test is set up.

use std::sync::Arc;

use clap::{Command, CommandFactory, FromArgMatches, Parser};
use rowlock::config::ServeConfig;
use rowlock::db::{Endpoint, api_keys};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::database::TestDatabase;
use super::redis::{Redis, RedisMode};
use super::server::{JWT_SECRET, TestServer, WEBHOOK_SECRET};

/// `rowlock serve`'s own reading of its flags.
#[derive(Parser)]
#[command(args_override_self = true)]
struct Flags {
    #[command(flatten)]
    config: ServeConfig,
}

impl Flags {
    /// Settings in the environment are of somebody's own server, and no part of any test.
    fn command() -> Command {
        <Self as CommandFactory>::command().mut_args(|arg| arg.env(None::<&'static str>))
    }

    fn read(flags: Vec<String>) -> Result<Self, clap::Error> {
        Self::from_arg_matches(&Self::command().try_get_matches_from(flags)?)
    }
}

/// How to start a server.
pub struct Builder {
    redis: RedisMode,
    args: Vec<String>,
    empty: bool,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self { redis: RedisMode::Shared, args: Vec::new(), empty: false }
    }

    /// Which Redis it gets; by default the shared one.
    pub fn redis(mut self, redis: RedisMode) -> Self {
        self.redis = redis;
        self
    }

    /// Another flag of `rowlock serve`.
    pub fn arg(mut self, name: &str, value: impl ToString) -> Self {
        self.args.extend([name.to_owned(), value.to_string()]);
        self
    }

    /// Another switch of `rowlock serve`, which takes no value.
    pub fn switch(mut self, name: &str) -> Self {
        self.args.push(name.to_owned());
        self
    }

    /// On a database that was never migrated.
    pub fn unmigrated(mut self) -> Self {
        self.empty = true;
        self
    }

    /// Starts it and waits until it listens.
    pub async fn start(self) -> TestServer {
        // Each server opens connections, and the cluster allows 200.
        static SLOTS: std::sync::LazyLock<Arc<Semaphore>> = std::sync::LazyLock::new(|| Arc::new(Semaphore::new(8)));
        let slot = Arc::clone(&SLOTS).acquire_owned().await.expect("never closed");
        let database = if self.empty { TestDatabase::empty().await } else { TestDatabase::cloned().await };
        let redis = Redis::prepare(self.redis).await;
        let redis_prefix = format!("test-{}", Uuid::now_v7().simple());
        let api_key = if self.empty { "none".to_owned() } else { new_api_key(&database.url()).await };
        let shared = Shared { database, redis, redis_prefix, api_key, args: self.args, _slot: slot };
        TestServer::launch(Arc::new(shared)).await
    }
}

/// What the servers of one test have in common.
pub(super) struct Shared {
    pub(super) database: TestDatabase,
    pub(super) redis: Redis,
    pub(super) redis_prefix: String,
    pub(super) api_key: String,
    args: Vec<String>,
    _slot: OwnedSemaphorePermit,
}

impl Shared {
    pub(super) fn config(&self) -> ServeConfig {
        let mut flags = vec!["serve".to_owned()];
        let database_url = self.database.url();
        let own = [
            ("--database-url", database_url.as_str()),
            ("--redis-prefix", &self.redis_prefix),
            ("--listen", "127.0.0.1:0"),
            ("--jwt-secret", JWT_SECRET),
            ("--webhook-secret", WEBHOOK_SECRET),
            ("--pool-size", "8"),
            ("--lanes", "1"),
            ("--drain-s", "2"),
        ];
        flags.extend(own.into_iter().flat_map(|(name, value)| [name.to_owned(), value.to_owned()]));
        flags.extend(self.args.iter().cloned());
        let mut config = Flags::read(flags).unwrap_or_else(|error| panic!("{error}")).config;
        config.redis_url = self.redis.url();
        config
    }
}

async fn new_api_key(database_url: &str) -> String {
    let endpoint = Endpoint::new(database_url, None).expect("a URL");
    api_keys::create_api_key(&endpoint, "tests").await.expect("an API key").1
}

#[test]
fn no_setting_of_a_server_under_test_comes_from_the_environment() {
    let of_serve = <Flags as CommandFactory>::command().get_arguments().filter(|arg| arg.get_env().is_some()).count();
    let here = Flags::command().get_arguments().filter(|arg| arg.get_env().is_some()).count();
    assert!(of_serve > 20 && here == 0, "{here} of {of_serve}");
}
