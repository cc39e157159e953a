//! A private Redis: nothing is saved, because nothing in it has to survive.

use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use tokio::process::{Child, Command};

use super::{Guard, binaries::find_redis, free_port, log_tail, wait_until};

const START_PATIENCE: Duration = Duration::from_secs(10);
const STOP_PATIENCE_SECONDS: u32 = 5;
/// How many ports to try: another process may take a free one before the server does.
const PORT_TRIES: u32 = 3;

/// A running Redis of our own. Dropping it stops it in the background; [`PrivateRedis::stop`] waits for the end.
pub struct PrivateRedis {
    program: PathBuf,
    dir: PathBuf,
    port: u16,
    password: String,
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
        let password = uuid::Uuid::new_v4().simple().to_string();
        let mut tries = 0;
        loop {
            tries += 1;
            let port = free_port()?;
            match launch(&program, &dir, port, &password, &mut guard).await {
                Ok(server) => return Ok(Some(Self { program, dir, port, password, server, guard })),
                Err(error) => ensure!(tries < PORT_TRIES && format!("{error:#}").contains("Address already in use"), error),
            }
        }
    }

    /// Where this Redis is; with its password, so it must not be logged.
    pub fn url(&self) -> String {
        url(self.port, &self.password)
    }

    /// The TCP port on 127.0.0.1; a restart keeps it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process.
    pub fn pid(&self) -> Option<u32> {
        self.server.id()
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
        self.server = launch(&self.program, &self.dir, self.port, &self.password, &mut self.guard).await?;
        Ok(())
    }
}

fn url(port: u16, password: &str) -> String {
    format!("redis://:{password}@127.0.0.1:{port}/")
}

/// Writes the server's settings to a file that only we can read: arguments, and with them the password, are visible in process lists.
fn write_settings(dir: &Path, port: u16, password: &str) -> anyhow::Result<PathBuf> {
    let path = dir.join("redis.conf");
    let text = format!("port {port}\nbind 127.0.0.1\nrequirepass {password}\nsave \"\"\nappendonly no\ndaemonize no\n");
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Starts a server under `guard` and waits until it answers PING.
async fn launch(program: &Path, dir: &Path, port: u16, password: &str, guard: &mut Guard) -> anyhow::Result<Child> {
    let log = dir.join("redis.log");
    let mut command = Command::new(program);
    command.arg(write_settings(dir, port, password)?).arg("--dir").arg(dir);
    let output = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output).current_dir("/").process_group(0);
    let mut server = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
    guard.watch(server.id()).await?;
    match wait_ready(&mut server, &url(port, password)).await {
        Ok(()) => Ok(server),
        Err(error) => {
            guard.watch(None).await?;
            server.kill().await?;
            bail!("Redis did not start: {error:#}\n{}", log_tail(&log))
        }
    }
}

/// Waits until the server answers, or has ended instead.
async fn wait_ready(server: &mut Child, url: &str) -> anyhow::Result<()> {
    let client = redis::Client::open(url)?;
    let answer = wait_until("PING to Redis", START_PATIENCE, || {
        let ended = server.try_wait().ok().flatten();
        let client = client.clone();
        async move {
            match ended {
                Some(status) => Some(Err(anyhow::anyhow!("it exited with {status}"))),
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
