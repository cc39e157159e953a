//! A private Redis: nothing is saved, since nothing in it has to last.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use tokio::process::{Child, Command};

use super::{Guard, binaries::find_redis, free_port, log_tail, wait_until};

const START_PATIENCE: Duration = Duration::from_secs(10);
const STOP_PATIENCE_SECONDS: u32 = 5;
/// Ports to try: somebody may take a free one before the server does.
const PORT_TRIES: u32 = 3;

/// A running Redis of our own. Dropping it stops it in the background; [`PrivateRedis::stop`] waits for the end.
#[derive(Debug)]
pub struct PrivateRedis {
    program: PathBuf,
    dir: PathBuf,
    port: u16,
    server: Child,
    guard: Guard,
}

impl PrivateRedis {
    /// Starts a Redis that works in `<dir>/redis`; `None` if `redis-server` is not installed.
    ///
    /// # Errors
    /// When it is installed but does not start: then with the end of its log.
    pub async fn start(dir: &Path) -> anyhow::Result<Option<Self>> {
        let Some(program) = find_redis()? else { return Ok(None) };
        let dir = dir.join("redis");
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        let mut guard = Guard::start("TERM", STOP_PATIENCE_SECONDS)?;
        let mut tries = 0;
        loop {
            tries += 1;
            let port = free_port()?;
            match launch(&program, &dir, port, &mut guard).await {
                Ok(server) => return Ok(Some(Self { program, dir, port, server, guard })),
                Err(error) => ensure!(tries < PORT_TRIES && format!("{error:#}").contains("Address already in use"), error),
            }
        }
    }

    /// Where this Redis is.
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// The TCP port on 127.0.0.1; a restart keeps it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server and waits for its end.
    pub async fn stop(mut self) {
        self.guard.release();
        if let Err(error) = self.server.wait().await {
            tracing::warn!(%error, "cannot wait for Redis");
        }
        self.guard.ended().await;
    }

    /// Kills the server with SIGKILL, as a crash would; [`PrivateRedis::restart`] brings an empty one back.
    pub async fn kill(&mut self) {
        if self.server.id().is_none() {
            return;
        }
        let disarmed = self.guard.watch(None).await;
        let killed = self.server.kill().await.context("cannot kill it");
        if let Err(error) = disarmed.and(killed) {
            tracing::warn!("private Redis: {error:#}");
        }
    }

    /// Starts the server again, empty, on the same port; kills it first if it still runs.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill().await;
        self.server = launch(&self.program, &self.dir, self.port, &mut self.guard).await?;
        Ok(())
    }
}

fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/")
}

/// Starts a server under `guard` and waits until it answers PING.
async fn launch(program: &Path, dir: &Path, port: u16, guard: &mut Guard) -> anyhow::Result<Child> {
    let log = dir.join("redis.log");
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]);
    command.arg("--dir").arg(dir);
    let output = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output).current_dir("/").process_group(0);
    let mut server = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
    guard.watch(server.id()).await?;
    match wait_ready(&mut server, port).await {
        Ok(()) => Ok(server),
        Err(error) => {
            guard.watch(None).await?;
            server.kill().await?;
            bail!("Redis did not start: {error:#}\n{}", log_tail(&log))
        }
    }
}

/// Waits until the server answers, or has ended instead.
async fn wait_ready(server: &mut Child, port: u16) -> anyhow::Result<()> {
    let client = redis::Client::open(url(port))?;
    let answer = wait_until("PING to Redis", START_PATIENCE, || {
        let ended = server.try_wait().ok().flatten();
        let client = client.clone();
        async move {
            match ended {
                Some(status) => Some(Err(anyhow::anyhow!("it ended with {status}"))),
                None => ping(&client).await.ok().map(Ok),
            }
        }
    });
    answer.await?
}

async fn ping(client: &redis::Client) -> redis::RedisResult<()> {
    let mut connection = client.get_multiplexed_async_connection().await?;
    redis::cmd("PING").query_async::<String>(&mut connection).await.map(drop)
}
