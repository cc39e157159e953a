//! The PostgreSQL and the Redis that all tests of this process share.
//!
//! Each test has a runtime of its own, so what they share belongs to a thread with one of its own.

use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;

use anyhow::Context;
use rowlock::db::{Endpoint, migrate::migrate};
use rowlock_lab::embedded::{PostgresProfile, PrivatePostgres, PrivateRedis};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::skip::{is_ci, skip};
use super::{docker, reaper::after_our_end};

/// A migrated database, cloned for each test.
pub const TEMPLATE: &str = "rowlock_template";
/// Several test processes may share a cluster: one at a time prepares the template.
const TEMPLATE_LOCK: &str = "select pg_advisory_lock(hashtext('rowlock_template'))";

/// Where the shared servers are.
pub struct Cluster {
    url: String,
    /// Absent where there is neither `redis-server` nor a container engine.
    pub redis_url: Option<String>,
    discarded: UnboundedSender<String>,
}

impl Cluster {
    /// The cluster of this process, started on first use.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let started = tokio::task::spawn_blocking(|| SHARED.get_or_init(start)).await.expect("no panic");
        started.as_ref().unwrap_or_else(|error| panic!("the tests have no servers: {error}"))
    }

    /// Where a database of this cluster is, with a superuser's password in it.
    pub fn url(&self, database: &str) -> String {
        with_database(&self.url, database)
    }

    /// Drops a database soon, even if somebody is still connected to it.
    pub fn discard(&self, database: &str) {
        self.discarded.send(database.to_owned()).ok();
    }
}

/// A cluster for a single test; `None` if this machine has no PostgreSQL and need not have one (see [`skip`]).
pub async fn own_postgres(dir: &Path) -> Option<PrivatePostgres> {
    if let Err(error) = rowlock_lab::embedded::postgres_program("postgres") {
        skip("postgres", &format!("no PostgreSQL of this machine ({error:#})"));
        return None;
    }
    Some(PrivatePostgres::start(dir, PostgresProfile::Test).await.unwrap_or_else(|error| panic!("{error:#}")))
}

/// What must live as long as this process.
enum Servers {
    Given,
    Local(Box<PrivatePostgres>),
    Docker(Box<docker::Container>),
}

enum RedisServer {
    None,
    Local(Box<PrivateRedis>),
    Docker(Box<docker::Container>),
}

fn start() -> Result<Cluster, String> {
    let (ready, started) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            match start_servers().await {
                Ok((postgres, redis, url)) => {
                    let (discarded, to_drop) = unbounded_channel();
                    let cluster = Cluster { url: url.clone(), redis_url: redis.url(), discarded };
                    ready.send(Ok(cluster)).ok();
                    drop_discarded(&url, to_drop).await;
                    drop((postgres, redis));
                }
                Err(error) => ready.send(Err(format!("{error:#}"))).unwrap_or_default(),
            }
        });
    });
    started.recv().map_err(|error| error.to_string())?
}

async fn start_servers() -> anyhow::Result<(Servers, RedisServer, String)> {
    let docker_only = std::env::var("ROWLOCK_TEST_BACKEND").is_ok_and(|backend| backend == "docker");
    let dir = std::env::temp_dir().join(format!("rowlock-test-{}", uuid::Uuid::now_v7().simple()));
    std::fs::create_dir_all(&dir).context("no directory for the servers")?;
    let remove = "tenths=0; while [ -e \"$1\"/postgres/postmaster.pid ] && [ $tenths -lt 400 ]; do tenths=$((tenths + 1)); sleep 0.1; done; \
                  rm -rf \"$1\"";
    after_our_end(remove, &dir.display().to_string())?;
    let redis = start_redis(&dir, docker_only);
    let (servers, redis) = tokio::try_join!(start_postgres(&dir, docker_only), redis)?;
    let url = match &servers {
        Servers::Given => std::env::var("ROWLOCK_TEST_DATABASE_URL")?,
        Servers::Local(postgres) => postgres.url("postgres"),
        Servers::Docker(container) => container.url.clone(),
    };
    tell_version(&url).await?;
    prepare_template(&url).await.context("no migrated template")?;
    Ok((servers, redis, url))
}

/// Says which PostgreSQL the tests of this process run on, and adds its major version to the file that `ROWLOCK_TEST_VERSIONS_FILE` names:
/// so `.ci/database-tests` knows on which ones the tests have run.
async fn tell_version(url: &str) -> anyhow::Result<()> {
    let (client, _driver) = Endpoint::new(url, None)?.connect().await?;
    let row = client.query_one("select version(), current_setting('server_version_num')::integer / 10000", &[]).await?;
    let (version, major): (&str, i32) = (row.get(0), row.get(1));
    // Not `eprintln!`, which shows what a test has written only if it fails.
    writeln!(std::io::stderr(), "the tests run on {version}").ok();
    if let Some(path) = std::env::var_os("ROWLOCK_TEST_VERSIONS_FILE").filter(|path| !path.is_empty()) {
        let named = || format!("cannot write {} (ROWLOCK_TEST_VERSIONS_FILE)", path.display());
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).with_context(named)?;
        writeln!(file, "{major}").with_context(named)?;
    }
    Ok(())
}

async fn start_postgres(dir: &std::path::Path, docker_only: bool) -> anyhow::Result<Servers> {
    if std::env::var("ROWLOCK_TEST_DATABASE_URL").is_ok_and(|url| !url.is_empty()) {
        return Ok(Servers::Given);
    }
    if docker_only {
        return Ok(Servers::Docker(Box::new(docker::postgres().await?)));
    }
    match PrivatePostgres::start(dir, PostgresProfile::Test).await {
        Ok(postgres) => Ok(Servers::Local(Box::new(postgres))),
        Err(local) => match docker::postgres().await {
            Ok(container) => Ok(Servers::Docker(Box::new(container))),
            Err(engine) => anyhow::bail!("neither a local PostgreSQL ({local:#}) nor one in a container ({engine:#})"),
        },
    }
}

async fn start_redis(dir: &std::path::Path, docker_only: bool) -> anyhow::Result<RedisServer> {
    if !docker_only && let Some(redis) = PrivateRedis::start(dir).await? {
        return Ok(RedisServer::Local(Box::new(redis)));
    }
    match docker::redis().await {
        Ok(container) => Ok(RedisServer::Docker(Box::new(container))),
        Err(error) if docker_only || is_ci() => Err(error).context("the tests have no Redis"),
        Err(_) => Ok(RedisServer::None),
    }
}

impl RedisServer {
    fn url(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Local(redis) => Some(redis.url()),
            Self::Docker(container) => Some(container.url.clone()),
        }
    }
}

/// Creates the template, or migrates that of an earlier run to this binary; if that fails, it is created again.
async fn prepare_template(url: &str) -> anyhow::Result<()> {
    let (client, _driver) = Endpoint::new(url, None)?.connect().await?;
    client.batch_execute(TEMPLATE_LOCK).await?;
    let template = Endpoint::new(&with_database(url, TEMPLATE), None)?;
    let known = client.query_opt("select from pg_database where datname = $1", &[&TEMPLATE]).await?.is_some();
    if known && migrate(&template).await.is_ok() {
        return Ok(());
    }
    client.batch_execute(&format!("drop database if exists {TEMPLATE} with (force)")).await?;
    client.batch_execute(&format!("create database {TEMPLATE}")).await?;
    migrate(&template).await?;
    Ok(())
}

async fn drop_discarded(url: &str, mut discarded: UnboundedReceiver<String>) {
    let Ok(endpoint) = Endpoint::new(url, None) else { return };
    while let Some(database) = discarded.recv().await {
        let Ok((client, _driver)) = endpoint.connect().await else { continue };
        client.batch_execute(&format!("drop database if exists {database} with (force)")).await.ok();
    }
}

/// The same URL for another database.
fn with_database(url: &str, database: &str) -> String {
    let (address, parameters) = url.split_once('?').map_or((url, None), |(address, parameters)| (address, Some(parameters)));
    let authority = address.find("://").map_or(0, |at| at + 3);
    let end = address[authority..].find('/').map_or(address.len(), |at| authority + at);
    let parameters = parameters.map_or_else(String::new, |parameters| format!("?{parameters}"));
    format!("{}/{database}{parameters}", &address[..end])
}

#[test]
fn a_url_is_pointed_at_another_database() {
    assert_eq!(with_database("postgres://u:p@h:1/postgres", "x"), "postgres://u:p@h:1/x");
    assert_eq!(with_database("postgres://u:p@h:1", "x"), "postgres://u:p@h:1/x");
    assert_eq!(with_database("postgres://u:p@h:1/y?sslmode=require", "x"), "postgres://u:p@h:1/x?sslmode=require");
}
