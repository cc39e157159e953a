//! `rowlock serve` as a child process.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, bail};
use tokio::process::{Child, Command};

use super::Secrets;
use crate::{
    client::is_ready,
    embedded::{Guard, log_tail},
};

const START_PATIENCE: Duration = Duration::from_secs(60);
const PROBE_INTERVAL: Duration = Duration::from_millis(20);
/// The server drains what it has begun; after this it is killed.
const STOP_PATIENCE_SECONDS: u32 = 30;
/// What a private server takes over from the shell it is started in: no other setting of a server is its own.
const OWN_SETTINGS: [&str; 2] = ["ROWLOCK_LOG", "ROWLOCK_LOG_FORMAT"];

#[derive(Clone, Copy)]
pub(super) struct ServerSettings<'a> {
    pub(super) port: u16,
    pub(super) database_url: &'a str,
    pub(super) redis_url: Option<&'a str>,
    pub(super) secrets: &'a Secrets,
    /// Arguments of `rowlock serve`, none of them a secret.
    pub(super) arguments: &'a [&'a str],
}

/// A running server. Dropping it stops it in the background.
pub(super) struct ServerProcess {
    url: String,
    log: PathBuf,
    child: Child,
    guard: Guard,
}

impl ServerProcess {
    /// Starts the server and waits until it is ready. Its secrets are in the environment: everyone can see arguments.
    pub(super) async fn start(dir: &Path, settings: &ServerSettings<'_>) -> anyhow::Result<Self> {
        let ServerSettings { port, database_url, redis_url, secrets, arguments } = *settings;
        let (log, address_file) = (dir.join("server.log"), dir.join("server.address"));
        if let Err(error) = fs::remove_file(&address_file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error).with_context(|| format!("cannot remove {}", address_file.display()));
        }
        let mut command = Command::new(env::current_exe().context("cannot find the program itself")?);
        for (name, _) in env::vars_os().filter(|(name, _)| is_foreign(name)) {
            command.env_remove(name);
        }
        command.arg("serve").args(arguments).env("DATABASE_URL", database_url).envs(redis_url.map(|url| ("REDIS_URL", url)));
        command.env("ROWLOCK_LISTEN", format!("127.0.0.1:{}", port_to_ask_for(port))).env("ROWLOCK_ADDRESS_FILE", &address_file);
        command.env("ROWLOCK_JWT_SECRET", &secrets.jwt_secret).env("ROWLOCK_WEBHOOK_SECRET", &secrets.webhook_secret);
        // All buyers of a crowd come from this machine.
        command.env("ROWLOCK_CONNECTIONS_PER_ADDRESS_MAX", "0");
        let output = new_log(&log)?;
        command.stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output).process_group(0);
        let mut guard = Guard::start("TERM", STOP_PATIENCE_SECONDS)?;
        let mut child = command.spawn().context("cannot start the server")?;
        guard.watch(child.id()).await?;
        match wait_ready(&mut child, &address_file).await {
            Ok(url) => Ok(Self { url, log, child, guard }),
            Err(error) => Err(anyhow!("the server did not start: {error:#}\n{}", log_tail(&log))),
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// Waits for its end and says how it was.
    pub(super) async fn ended(&mut self) -> anyhow::Error {
        match self.child.wait().await {
            Ok(status) => anyhow!("the server exited with {status}:\n{}", log_tail(&self.log)),
            Err(error) => anyhow!(error).context("cannot wait for the server"),
        }
    }

    pub(super) async fn stop(self) {
        let Self { mut child, mut guard, .. } = self;
        guard.release();
        if let Err(error) = child.wait().await {
            tracing::warn!(%error, "cannot wait for the server");
        }
        guard.ended().await;
    }
}

/// Whether a variable of the shell sets something for another server.
fn is_foreign(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let is_setting = name.starts_with("ROWLOCK_") || ["DATABASE_URL", "REDIS_URL"].contains(&&*name);
    is_setting && !OWN_SETTINGS.contains(&&*name)
}

/// `port`, or 0 (any free one) if it is in use.
fn port_to_ask_for(port: u16) -> u16 {
    if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() { port } else { 0 }
}

/// An empty log that only its owner may read.
fn new_log(log: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(log);
    file.with_context(|| format!("cannot write {}", log.display()))
}

/// Waits until the server listens and answers that it is ready; returns its URL.
async fn wait_ready(child: &mut Child, address_file: &Path) -> anyhow::Result<String> {
    let started_at = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            bail!("it exited with {status}");
        }
        let address = fs::read_to_string(address_file).unwrap_or_default();
        // The line is complete once it can be read as an address.
        if let Ok(address) = address.trim().parse::<std::net::SocketAddr>() {
            let url = format!("http://{address}");
            if is_ready(&url).await {
                return Ok(url);
            }
        }
        if started_at.elapsed() > START_PATIENCE {
            bail!("it is not ready after {} s", START_PATIENCE.as_secs());
        }
        tokio::time::sleep(PROBE_INTERVAL).await;
    }
}
