//! Listening, serving, and stopping in an orderly way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::background::expiry;
use crate::config::{ExpirySettings, ServeConfig};
use crate::db::{DbError, Endpoint, Outage, OutageKind, migrate};
use crate::http::connections::{ConnectionTimeouts, Connections, STALLED_MAX};
use crate::routes::{ExtraRoutes, routes};

/// How long the start waits for PostgreSQL to answer: long enough to report what is wrong, not to wait until it is up.
const FIRST_CONTACT_MAX: Duration = Duration::from_secs(3);

/// A server that listens, but does not serve yet.
pub struct Bound {
    connections: Connections,
    app: Arc<App>,
    endpoint: Endpoint,
    expiry: ExpirySettings,
    timeouts: ConnectionTimeouts,
    extra_routes: ExtraRoutes,
}

impl Bound {
    /// Prepares everything and listens.
    ///
    /// # Errors
    /// When a setting is wrong, the address is taken, PostgreSQL refuses the login or has no such database, or migrating was asked for
    /// and failed. PostgreSQL and Redis need not be up: the server says on `/readyz` that it is not ready and connects when they are.
    pub async fn new(config: &ServeConfig) -> anyhow::Result<Self> {
        if config.migrate {
            let report = migrate::migrate(&config.database.endpoint()?).await?;
            tracing::info!(migrations = report.migrations.len(), files = report.files.len(), "the database is migrated");
        }
        let endpoint = config.database.endpoint()?;
        let app = Arc::new(App::new(config, &endpoint)?);
        let connections =
            Connections::listen(config.listen).with_context(|| format!("cannot listen on {} (--listen, ROWLOCK_LISTEN)", config.listen))?;
        first_contact(&endpoint).await?;
        let timeouts = ConnectionTimeouts {
            idle_max: Duration::from_secs(config.idle_s),
            stalled_max: STALLED_MAX,
            drain: Duration::from_secs(config.drain_s),
        };
        let extra_routes = ExtraRoutes {
            #[cfg(feature = "bench-routes")]
            bench: config.bench_routes,
        };
        Ok(Self { connections, app, endpoint, expiry: config.expiry, timeouts, extra_routes })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.connections.address()
    }

    /// Serves until `stop`; then stops accepting, lets requests in progress finish, and stops the workers.
    ///
    /// # Errors
    /// When the workers cannot be started.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { connections, app, endpoint, expiry, timeouts, extra_routes } = self;
        let workers_stop = CancellationToken::new();
        let mut workers = expiry::start(&endpoint, &app.queue, &app.metrics, expiry, &workers_stop)?;
        connections.serve(routes(Arc::clone(&app), extra_routes), stop, timeouts).await;
        tracing::info!("all requests have ended; stopping the workers");
        workers_stop.cancel();
        while workers.join_next().await.is_some() {}
        app.lanes.drain().await;
        Ok(())
    }
}

/// Fails if a setting is wrong, and logs anything else that keeps the server from being ready.
async fn first_contact(endpoint: &Endpoint) -> anyhow::Result<()> {
    let contact = async {
        let client = endpoint.connect_as_app().await?;
        migrate::state(&client).await
    };
    match tokio::time::timeout(FIRST_CONTACT_MAX, contact).await {
        Ok(Ok(state)) => {
            if let Err(behind) = migrate::check(state) {
                tracing::error!("{behind}; until then /readyz answers 503");
            }
        }
        Ok(Err(DbError::Outage(outage))) if outage.kind.is_a_wrong_setting() => anyhow::bail!("{outage}"),
        Ok(Err(error)) => endpoint.outages().failed(&error.into()),
        Err(_) => endpoint.outages().failed(&Outage::new(OutageKind::Unreachable, "no answer in time")),
    }
    Ok(())
}
