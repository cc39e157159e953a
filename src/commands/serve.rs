//! `rowlock serve`.

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::signal::stop_asked;
use crate::config::ServeConfig;
use crate::embedded::raise_open_files;
use crate::server::Bound;

/// Open files beyond the connections of buyers: database, Redis, log.
const OPEN_FILES_WANTED: u64 = 65_536;

/// The server's settings.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ServeConfig,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.config;
    super::start_log(&config.log)?;
    let open_files_max = raise_open_files(OPEN_FILES_WANTED);
    let bound = Bound::new(&config).await?;
    let address = bound.address();
    if let Some(path) = &config.address_file {
        std::fs::write(path, address.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    tracing::info!(%address, open_files_max, redis = config.redis_url.is_some(), version = env!("CARGO_PKG_VERSION"), "listening");
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
