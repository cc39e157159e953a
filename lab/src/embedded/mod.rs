//! A private PostgreSQL cluster and a private Redis, for the demo, the rush and the tests.
//!
//! Both are started from the binaries of this machine, listen on a free port of 127.0.0.1 only, and keep everything in one
//! directory, so servers that already run are never touched. Each lives in its own process group: Ctrl-C reaches Rowlock alone,
//! which stops them in order. A [`Guard`] next to each of them does the same when Rowlock itself is killed.

mod account;
mod binaries;
mod cluster;
mod guard;
mod postgres;
mod redis_server;
#[cfg(test)]
mod tests;

pub use guard::Guard;
pub use postgres::{PostgresProfile, PrivatePostgres};
pub use redis_server::PrivateRedis;

use std::{
    future::Future,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

/// How long [`wait_until`] rests between two looks.
const PROBE_INTERVAL: Duration = Duration::from_millis(20);

/// The path of one of PostgreSQL's programs, from the folder of the server that private clusters use.
///
/// # Errors
/// When this machine has no such program.
pub fn postgres_program(name: &str) -> anyhow::Result<PathBuf> {
    let path = binaries::PostgresBinaries::find()?.program(name);
    ensure!(path.is_file(), "{} is not installed", path.display());
    Ok(path)
}

/// A TCP port of 127.0.0.1 that is free at the moment.
///
/// # Errors
/// When the system has no port to give.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free TCP port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Asks `probe` again and again until it answers `Some`, and gives that answer.
///
/// # Errors
/// When `patience` has passed without an answer; `what` says in the message what was waited for.
pub async fn wait_until<T, F, Answer>(what: &str, patience: Duration, mut probe: F) -> anyhow::Result<T>
where
    F: FnMut() -> Answer,
    Answer: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return Ok(found);
        }
        if started.elapsed() >= patience {
            bail!("{what}: still waiting after {} ms", patience.as_millis());
        }
        tokio::time::sleep(PROBE_INTERVAL).await;
    }
}

/// The last lines of a server's log, to show with a failed start.
pub(crate) fn log_tail(log: &std::path::Path) -> String {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
