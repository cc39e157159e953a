//! The commands of the `rowlock` binary, one file each.

mod api_key;
mod bench;
mod demo;
mod health;
mod migrate;
mod openapi;
mod rush;
mod serve;
mod signal;
mod token;

pub use self::signal::Interrupted;
use clap::Subcommand;
use std::fs::OpenOptions;
use std::future::Future;
use std::io::IsTerminal;
use std::path::Path;

use anyhow::Context;

use crate::config::{LogArgs, LogFormat};

/// What `rowlock` can do.
#[derive(Subcommand)]
pub enum Command {
    /// Serve the HTTP API
    Serve(Box<serve::Args>),
    /// Bring the database up to this binary
    Migrate(migrate::Args),
    /// Make or revoke API keys of admins and box offices
    #[command(subcommand)]
    ApiKey(api_key::Args),
    /// Mint a customer's token, for development
    Token(token::Args),
    /// Print or write the OpenAPI document
    Openapi(openapi::Args),
    /// Ask a server whether it is ready
    Health(health::Args),
    /// Start everything privately, sell a concert, and stay up to be tried
    Demo(demo::DemoArgs),
    /// Let ten thousand buyers loose and check every promise
    Rush(Box<rush::RushArgs>),
    /// Measure every promise of speed
    Bench(bench::BenchArgs),
}

impl Command {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// What a person can read and act on; never with a secret in it.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Serve(args) => block_on(serve::run(*args)),
            Self::Migrate(args) => block_on(migrate::run(args)),
            Self::ApiKey(args) => block_on(api_key::run(args)),
            Self::Token(args) => token::run(&args),
            Self::Openapi(args) => openapi::run(&args),
            Self::Health(args) => block_on(health::run(args)),
            Self::Demo(args) => block_on_load(demo::run(args)),
            Self::Rush(args) if args.running.url.is_some() => block_on(rush::run(*args)),
            Self::Rush(args) => block_on_load(rush::run(*args)),
            Self::Bench(args) => block_on_load(bench::run(args)),
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

/// Whether a report can be written there, asked before the work that it is about. No file is left behind.
pub(crate) fn ensure_writable(file: &Path) -> anyhow::Result<()> {
    let is_new = !file.exists();
    OpenOptions::new().append(true).create(true).open(file).with_context(|| format!("cannot write {}", file.display()))?;
    if is_new {
        std::fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    Ok(())
}

/// Starts the log on standard error.
pub(crate) fn start_log(args: &LogArgs) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&args.log)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let started = match args.log_format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))
}

#[cfg(test)]
mod tests {
    use super::threads_for_load;

    #[test]
    fn a_load_leaves_half_of_the_cores_to_its_server() {
        assert_eq!([1, 2, 3, 4, 16].map(threads_for_load), [1, 1, 1, 2, 8]);
    }
}
