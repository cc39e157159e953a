//! The machine a run was taken on, and how durable its cluster is.

use std::{
    fs,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde::Serialize;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};
use tokio_postgres::Client;

use super::figure::readable;

/// How long the disk is tried.
const SYNC_FOR: Duration = Duration::from_millis(500);
/// What a commit mostly writes.
const SYNC_BYTES: usize = 8192;

/// The machine and its PostgreSQL.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Cores this process may use.
    pub cores: usize,
    /// What the cores call themselves.
    pub cpu: String,
    /// Memory in megabytes.
    pub memory_mb: u64,
    /// The system and its kernel.
    pub os: String,
    /// PostgreSQL's own words.
    pub postgres: String,
    /// As PostgreSQL reports it.
    pub fsync: String,
    /// As PostgreSQL reports it.
    pub synchronous_commit: String,
    /// Writes of 8 KB per second, each made durable, in the cluster's filesystem.
    pub fdatasync_per_s: f64,
    /// Load average of the minute before.
    pub load_before: f64,
}

impl Machine {
    /// Looks at the machine; `data_dir` is in the cluster's filesystem.
    ///
    /// # Errors
    /// When PostgreSQL does not answer, the disk cannot be written, or an answer would not be durable: then nothing is measured.
    pub async fn look(db: &Client, data_dir: &Path, load_before: f64) -> anyhow::Result<Self> {
        let what = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()).with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(what);
        let (fsync, synchronous_commit) = (setting(db, "fsync").await?, setting(db, "synchronous_commit").await?);
        ensure!(fsync == "on" && synchronous_commit == "on", "not durable: fsync {fsync}, synchronous_commit {synchronous_commit}");
        let dir = data_dir.parent().context("a data directory without a parent")?.to_owned();
        let fdatasync_per_s = tokio::task::spawn_blocking(move || sync_rate(&dir)).await??;
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            cpu: system.cpus().first().map_or_else(|| "unknown".to_owned(), |cpu| cpu.brand().trim().to_owned()),
            memory_mb: system.total_memory() / 1_000_000,
            os: format!("{}, {}", System::long_os_version().unwrap_or_default(), System::kernel_long_version()),
            postgres: setting(db, "server_version").await?,
            fsync,
            synchronous_commit,
            fdatasync_per_s,
            load_before,
        })
    }

    /// A few lines for people.
    pub fn lines(&self) -> [String; 3] {
        [
            format!(
                "{} cores ({}), {} MB of memory, {}; load average before: {:.2}",
                self.cores, self.cpu, self.memory_mb, self.os, self.load_before
            ),
            format!("PostgreSQL {}, fsync {}, synchronous_commit {}", self.postgres, self.fsync, self.synchronous_commit),
            format!("{} durable writes of 8 KB per second (fdatasync) in the cluster's file system", readable(self.fdatasync_per_s)),
        ]
    }
}

/// How many processes wanted a core, on average over the last minute.
pub fn load() -> f64 {
    System::load_average().one
}

async fn setting(db: &Client, name: &str) -> anyhow::Result<String> {
    let row = db.query_one("select current_setting($1)", &[&name]).await.context("cannot read PostgreSQL's settings")?;
    Ok(row.get(0))
}

/// Overwrites one block again and again, each time down to the disk: what bounds commits that come one by one.
fn sync_rate(dir: &Path) -> anyhow::Result<f64> {
    use std::io::Seek;
    let path = dir.join("fdatasync.probe");
    let probe = || -> std::io::Result<f64> {
        let mut file = fs::File::create(&path)?;
        let (block, mut written, started_at) = ([7; SYNC_BYTES], 0, Instant::now());
        while started_at.elapsed() < SYNC_FOR {
            file.rewind()?;
            file.write_all(&block)?;
            file.sync_data()?;
            written += 1;
        }
        Ok(f64::from(written) / started_at.elapsed().as_secs_f64())
    };
    let rate = probe().with_context(|| format!("cannot write {}", path.display()));
    fs::remove_file(&path).ok();
    rate
}
