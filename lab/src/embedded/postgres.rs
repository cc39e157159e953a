//! A private PostgreSQL: the server process of a [`Cluster`].

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use tokio::process::Child;
use tokio_postgres::{NoTls, error::SqlState};

use super::{Guard, account::Account, binaries::PostgresBinaries, cluster::Cluster, free_port, log_tail};

/// Long enough for the recovery after a crash with 4 GB of WAL.
const START_PATIENCE: Duration = Duration::from_secs(120);
/// A fast shutdown writes a checkpoint; after this the server is killed, and recovers at its next start.
const STOP_PATIENCE_SECONDS: u32 = 30;
/// How many ports to try: another process may take a free one before the server does.
const PORT_TRIES: u32 = 3;

/// How big a private PostgreSQL is. It is as durable in every profile: `fsync`, `synchronous_commit` and `full_page_writes` are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostgresProfile {
    /// For the demo and the rush: 512 MB of shared buffers and WAL enough to keep checkpoints out of the way.
    Durable,
    /// For tests: smaller buffers, the same durability.
    Test,
}

impl PostgresProfile {
    fn settings(self) -> [&'static str; 13] {
        let (shared_buffers, max_wal_size) = match self {
            Self::Durable => ("shared_buffers=512MB", "max_wal_size=4GB"),
            Self::Test => ("shared_buffers=128MB", "max_wal_size=1GB"),
        };
        [
            shared_buffers,
            max_wal_size,
            "listen_addresses=127.0.0.1",
            "fsync=on",
            "synchronous_commit=on",
            "full_page_writes=on",
            "wal_compression=off",
            "checkpoint_timeout=15min",
            "max_connections=200",
            "max_locks_per_transaction=128",
            "jit=off",
            "logging_collector=off",
            "log_line_prefix=%m [%p] %q%u@%d ",
        ]
    }
}

/// A running PostgreSQL of our own. Dropping it stops it in the background; [`PrivatePostgres::stop`] waits for the end.
#[derive(Debug)]
pub struct PrivatePostgres {
    cluster: Cluster,
    port: u16,
    server: Child,
    guard: Guard,
}

impl PrivatePostgres {
    /// Starts the cluster in `<dir>/postgres`, made by `initdb` if there is none, with a database `rowlock`.
    ///
    /// # Errors
    /// When PostgreSQL 15 or newer is not installed, when the cluster is in use, broken or of another major version, or when
    /// the server does not start: then with the end of its log.
    pub async fn start(dir: &Path, profile: PostgresProfile) -> anyhow::Result<Self> {
        let binaries = PostgresBinaries::find()?;
        let account = Account::for_postgres().await?;
        let cluster = Cluster::open(dir, account, &binaries).await?;
        let socket_dir = cluster.socket_dir(account)?;
        let mut guard = Guard::start("INT", STOP_PATIENCE_SECONDS)?;
        let mut tries = 0;
        loop {
            tries += 1;
            let port = free_port()?;
            let mut command = account.command(&binaries.program("postgres"));
            // Dropping the handle must not kill the server: its guard stops it in order.
            command.kill_on_drop(false).args(arguments(&cluster, profile, port, socket_dir.as_deref()));
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(new_log(&cluster.log())?);
            let mut server = command.spawn().with_context(|| format!("cannot start {}", binaries.program("postgres").display()))?;
            guard.watch(server.id()).await?;
            match wait_ready(&mut server, &cluster, port).await {
                Ok(()) => {
                    let started = Self { cluster, port, server, guard };
                    started.create_database("rowlock").await?;
                    return Ok(started);
                }
                Err(error) => {
                    let log = log_tail(&cluster.log());
                    ensure!(
                        tries < PORT_TRIES && log.contains("Address already in use"),
                        "PostgreSQL {} did not start: {error:#}\n{log}",
                        binaries.major
                    );
                }
            }
        }
    }

    /// Where `database` of this cluster is, with the password in it: for clients, not for logs.
    pub fn url(&self, database: &str) -> String {
        url(&self.cluster, self.port, database)
    }

    /// The same for a login of that password.
    pub fn url_of(&self, login: &str, password: &str, database: &str) -> String {
        format!("postgres://{login}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process that started all others of the server.
    pub fn pid(&self) -> Option<u32> {
        self.server.id()
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.cluster.data()
    }

    /// The file the server logs to.
    pub fn log(&self) -> PathBuf {
        self.cluster.log()
    }

    /// Creates `database` if there is none of that name.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses the name.
    pub async fn create_database(&self, database: &str) -> anyhow::Result<()> {
        let (client, connection) = tokio_postgres::connect(&self.url("postgres"), NoTls).await?;
        let driver = tokio::spawn(connection);
        let known = client.query_opt("select from pg_database where datname = $1", &[&database]).await?;
        if known.is_none() {
            let statement = format!("create database \"{}\"", database.replace('"', "\"\""));
            match client.batch_execute(&statement).await {
                Err(error) if !is_duplicate(&error) => {
                    return Err(error).with_context(|| format!("cannot create the database {database}"));
                }
                _ => {}
            }
        }
        drop(client);
        driver.await?.context("the connection broke")
    }

    /// Stops the server (a fast shutdown: open transactions are rolled back) and waits for its end.
    ///
    /// # Errors
    /// When it had to be killed or failed on its way down. It is gone then, too, and recovers at its next start.
    pub async fn stop(self) -> anyhow::Result<()> {
        let Self { cluster, mut server, mut guard, .. } = self;
        guard.release();
        let status = server.wait().await.context("cannot wait for PostgreSQL")?;
        guard.ended().await;
        ensure!(status.success(), "PostgreSQL exited with {status}:\n{}", log_tail(&cluster.log()));
        Ok(())
    }
}

fn url(cluster: &Cluster, port: u16, database: &str) -> String {
    format!("postgres://rowlock:{}@127.0.0.1:{port}/{database}", cluster.password)
}

/// Two sessions may create a database at once: the second fails by name or by the catalogue's unique index.
fn is_duplicate(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| *code == SqlState::DUPLICATE_DATABASE || *code == SqlState::UNIQUE_VIOLATION)
}

/// The server's arguments. All settings are given here, so that an old data directory follows a new version of Rowlock.
fn arguments(cluster: &Cluster, profile: PostgresProfile, port: u16, socket_dir: Option<&Path>) -> Vec<OsString> {
    let mut sockets = OsString::from("unix_socket_directories=");
    sockets.push(socket_dir.unwrap_or(Path::new("")));
    let mut arguments: Vec<OsString> = vec!["-D".into(), cluster.data().into(), "-c".into(), sockets];
    let own = [format!("port={port}"), format!("cluster_name=rowlock-{port}")];
    for setting in profile.settings().into_iter().map(str::to_owned).chain(own) {
        arguments.extend(["-c".into(), setting.into()]);
    }
    arguments
}

/// An empty log; the one of the run before is kept under `.old`.
fn new_log(log: &Path) -> anyhow::Result<File> {
    if log.exists() {
        fs::rename(log, log.with_extension("log.old"))?;
    }
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(log);
    file.with_context(|| format!("cannot write {}", log.display()))
}

/// Waits until the server answers a connection, or has ended instead.
async fn wait_ready(server: &mut Child, cluster: &Cluster, port: u16) -> anyhow::Result<()> {
    let url = url(cluster, port, "postgres");
    let started = Instant::now();
    loop {
        if let Some(status) = server.try_wait()? {
            bail!("it exited with {status}");
        }
        match tokio_postgres::connect(&url, NoTls).await {
            Ok(_) => return Ok(()),
            // Waiting is useless: the password file is not this cluster's.
            Err(error) if error.code() == Some(&SqlState::INVALID_PASSWORD) => bail!("it refuses the password of its cluster"),
            Err(error) if started.elapsed() >= START_PATIENCE => return Err(error.into()),
            Err(_) => tokio::time::sleep(super::PROBE_INTERVAL).await,
        }
    }
}
