//! All of Rowlock on one machine: a private PostgreSQL, a private Redis if there is one, and the server as a process of its own.
//!
//! The server is its own process because a process may have only so many files open: ten thousand buyers and the server that
//! serves them would need twice as many. Everything stops with [`Stack::stop`], and with this process, however it ends.

mod secrets;
mod server;

use std::path::{Path, PathBuf};

use anyhow::Context;

use self::{
    secrets::Secrets,
    server::{ServerProcess, ServerSettings},
};
use rowlock::db::{Endpoint, api_keys, migrate::migrate};

use crate::{
    client::Target,
    embedded::{PostgresProfile, PrivatePostgres, PrivateRedis},
    rush::{Access, Promoter},
};

#[derive(Clone, Debug)]
pub struct StackSettings {
    /// Holds the cluster, the logs and the secrets; made if missing.
    pub dir: PathBuf,
    /// The server's port on 127.0.0.1; a free one is taken when it is in use, or when it is 0.
    pub port: u16,
    /// Begins with an empty database.
    pub fresh: bool,
}

/// PostgreSQL, Redis and the server, running.
pub struct Stack {
    postgres: PrivatePostgres,
    redis: Option<PrivateRedis>,
    server: ServerProcess,
    secrets: Secrets,
    api_key: String,
}

/// The ids of a [`Stack`]'s processes; `None` where one has ended.
#[derive(Clone, Copy, Debug)]
pub struct StackProcesses {
    /// Rowlock.
    pub server: Option<u32>,
    /// PostgreSQL's first process, the parent of the others.
    pub postgres: Option<u32>,
    pub redis: Option<u32>,
}

/// The server's login, as in production: it may call the stored functions and touch no table.
const SERVER_LOGIN: &str = "rowlock_server";
/// The database of every stack, within a cluster of its own.
const DATABASE: &str = "rowlock";

impl Stack {
    /// Starts everything, migrates the database and waits until the server is ready.
    ///
    /// # Errors
    /// When a part does not start: then with the end of its log.
    pub async fn start(settings: &StackSettings) -> anyhow::Result<Self> {
        Self::start_with(settings, &[]).await
    }

    /// The same, with more arguments for `rowlock serve`.
    ///
    /// # Errors
    /// When a part does not start: then with the end of its log.
    pub async fn start_with(settings: &StackSettings, serve_arguments: &[&str]) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&settings.dir).with_context(|| format!("cannot create {}", settings.dir.display()))?;
        let dir = settings.dir.canonicalize()?;
        let secrets = Secrets::load_or_create(&dir.join("secrets.json"))?;
        let (postgres, redis) = tokio::try_join!(PrivatePostgres::start(&dir, PostgresProfile::Durable), PrivateRedis::start(&dir))?;
        if settings.fresh {
            drop_database(&postgres).await?;
            postgres.create_database(DATABASE).await?;
        }
        let endpoint = Endpoint::new(&postgres.url(DATABASE), None)?;
        migrate(&endpoint).await.context("cannot migrate the private database")?;
        let redis_url = redis.as_ref().map(PrivateRedis::url);
        let serving = ServerSettings {
            port: settings.port,
            database_url: &server_login(&postgres, &endpoint).await?,
            redis_url: redis_url.as_deref(),
            secrets: &secrets,
            arguments: serve_arguments,
        };
        let server = ServerProcess::start(&dir, &serving).await?;
        let api_key = admin_key(&dir.join("api-key"), server.url(), &endpoint).await?;
        Ok(Self { postgres, redis, server, secrets, api_key })
    }

    /// Where the server listens, as `http://127.0.0.1:port`.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// The database, with the password of its superuser in the URL.
    pub fn database_url(&self) -> String {
        self.postgres.url(DATABASE)
    }

    /// PostgreSQL's data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.postgres.data_dir()
    }

    /// Redis, with its password in the URL.
    pub fn redis_url(&self) -> Option<String> {
        self.redis.as_ref().map(PrivateRedis::url)
    }

    /// The processes it consists of.
    pub fn processes(&self) -> StackProcesses {
        StackProcesses { server: self.server.pid(), postgres: self.postgres.pid(), redis: self.redis.as_ref().and_then(PrivateRedis::pid) }
    }

    /// Whether `redis-server` was found on this machine.
    pub fn has_redis(&self) -> bool {
        self.redis.is_some()
    }

    /// The file the server logs to.
    pub fn server_log(&self) -> &Path {
        self.server.log()
    }

    /// What a rush needs to know.
    ///
    /// # Errors
    /// When the database's URL cannot be read.
    pub fn access(&self) -> anyhow::Result<Access> {
        Ok(Access {
            url: self.url().to_owned(),
            jwt_secret: self.secrets.jwt_secret.clone(),
            webhook_secret: self.secrets.webhook_secret.clone(),
            api_key: Some(self.api_key.clone()),
            database: Some(Endpoint::new(&self.database_url(), None)?),
        })
    }

    /// Waits until the server ends, which it does not do by itself.
    pub async fn server_ended(&mut self) -> anyhow::Error {
        self.server.ended().await
    }

    /// Stops the server, which finishes what it has begun, then Redis, then PostgreSQL.
    ///
    /// # Errors
    /// When PostgreSQL had to be killed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.server.stop().await;
        if let Some(redis) = self.redis {
            redis.stop().await;
        }
        self.postgres.stop().await
    }
}

/// Makes the server's login, or gives it a new password; returns the URL to connect with.
async fn server_login(postgres: &PrivatePostgres, endpoint: &Endpoint) -> anyhow::Result<String> {
    let password = format!("{:032x}", rand::random::<u128>());
    let (client, _driver) = endpoint.connect().await?;
    let sql = format!(
        "do $$ begin create role {SERVER_LOGIN}; exception when duplicate_object then null; end $$; \
         alter role {SERVER_LOGIN} login password '{password}'; grant rowlock_app to {SERVER_LOGIN}"
    );
    client.batch_execute(&sql).await.context("cannot make the server's login")?;
    Ok(postgres.url_of(SERVER_LOGIN, &password, DATABASE))
}

async fn drop_database(postgres: &PrivatePostgres) -> anyhow::Result<()> {
    let (client, _driver) = Endpoint::new(&postgres.url("postgres"), None)?.connect().await?;
    let sql = format!("drop database if exists {DATABASE} with (force)");
    client.batch_execute(&sql).await.context("cannot begin with an empty database")
}

/// The admin key of earlier runs if it still works, else a new one.
async fn admin_key(file: &Path, url: &str, endpoint: &Endpoint) -> anyhow::Result<String> {
    if let Ok(kept) = std::fs::read_to_string(file) {
        let target = Target::resolve(url).await?;
        if Promoter::connect(&target, Some(&kept)).await?.is_admin().await? {
            return Ok(kept);
        }
    }
    let (_, api_key) = api_keys::create_api_key(endpoint, "private stack").await?;
    secrets::write_private(file, &api_key)?;
    Ok(api_key)
}
