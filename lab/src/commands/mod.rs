//! The commands of the `rowlock-lab` binary, one file each.

mod bench;
mod demo;
mod interrupt;
mod rush;

use std::fs::OpenOptions;
use std::future::Future;
use std::path::Path;

use anyhow::Context;
use clap::Parser;
use rowlock::commands::serve;

pub use self::interrupt::Interrupted;

/// Tries out Rowlock: a demo, crowds of buyers and benchmarks, all on private servers.
#[derive(Parser)]
#[command(version)]
pub enum Command {
    /// Start private servers, sell a concert, and stay up for you to try it
    Demo(demo::DemoArgs),
    /// Start 10,000 buyers at once and check every promise
    ///
    /// Exit status: 0 if every promise was kept, 1 if one was broken, 130 if it was stopped.
    Rush(Box<rush::RushArgs>),
    /// Measure every bound on speed
    ///
    /// Exit status: 0 if all could be measured, even where a figure falls short; 1 if a promise was broken, such as a seat sold twice; 130
    /// if it was stopped.
    Bench(bench::BenchArgs),
    /// Serve the HTTP API: the other commands start this as a separate process
    #[command(hide = true)]
    Serve(Box<serve::Args>),
}

impl Command {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// What a person can read and act on; never with a secret in it.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Demo(args) => block_on_load(demo::run(args)),
            Self::Rush(args) if args.running.url.is_some() => block_on(rush::run(*args)),
            Self::Rush(args) => block_on_load(rush::run(*args)),
            Self::Bench(args) => block_on_load(bench::run(args)),
            Self::Serve(args) => block_on(serve::run(*args)),
        }
    }
}

fn block_on(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}

/// The same for a command that puts a server of its own under load.
fn block_on_load(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut runtime = match threads_for_load(cores) {
        // Without the locks and the wake-ups between several.
        1 => tokio::runtime::Builder::new_current_thread(),
        threads => {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            runtime.worker_threads(threads);
            runtime
        }
    };
    runtime.enable_all().build()?.block_on(command)
}

/// Half of the cores at most: the others are left to the server.
fn threads_for_load(cores: usize) -> usize {
    (cores / 2).max(1)
}

/// Checks before the work that a report can be written there. No file is left behind.
pub(crate) fn ensure_writable(file: &Path) -> anyhow::Result<()> {
    let is_new = !file.exists();
    OpenOptions::new().append(true).create(true).open(file).with_context(|| format!("cannot write {}", file.display()))?;
    if is_new {
        std::fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::threads_for_load;

    #[test]
    fn a_load_leaves_half_of_the_cores_to_its_server() {
        assert_eq!([1, 2, 3, 4, 16].map(threads_for_load), [1, 1, 1, 2, 8]);
    }
}
