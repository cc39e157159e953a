//! `rowlock serve`.

use std::io::IsTerminal;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::config::{LogArgs, LogFormat, ServeConfig};
use crate::server::Bound;
use crate::signal::stop_asked;

/// The server's settings.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ServeConfig,
    /// What the log warns of at the start.
    #[arg(skip)]
    pub(super) warnings: Vec<String>,
}

/// Serves until a signal stops it.
///
/// # Errors
/// When a setting is wrong or the address is taken.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.config;
    start_log(&config.log)?;
    args.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    if config.auth.jwt_audience.is_none() && config.auth.jwt_issuer.is_none() {
        tracing::warn!(
            "neither --jwt-audience nor --jwt-issuer is set: a token that the identity provider issued for another service is accepted, too"
        );
    }
    let bound = Bound::new(&config).await?;
    let address = bound.address();
    if let Some(path) = &config.address_file {
        std::fs::write(path, address.to_string())
            .with_context(|| format!("cannot write {} (--address-file, ROWLOCK_ADDRESS_FILE)", path.display()))?;
    }
    let connections_max = bound.connections_max();
    tracing::info!(%address, connections_max, redis = config.redis_url.is_some() || config.redis_url_file.is_some(), version = env!("CARGO_PKG_VERSION"), "listening");
    let stop = CancellationToken::new();
    tokio::spawn({
        let stop = stop.clone();
        async move {
            stop_asked().await;
            stop.cancel();
        }
    });
    bound.serve(stop).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Starts the log on standard error.
fn start_log(args: &LogArgs) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(args.log.directives())?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let started = match args.log_format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))
}
