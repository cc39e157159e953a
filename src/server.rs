//! Listening, serving, and stopping in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use poem::Server;
use poem::listener::TcpAcceptor;
use socket2::{Domain, Protocol, Socket, Type};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::ServeConfig;
use crate::db::{Endpoint, migrate};
use crate::expiry::{self, ExpirySettings};

/// Connections the kernel may hold for us until we accept them; ten thousand buyers come at once.
const BACKLOG: i32 = 16_384;
/// A connection on which nothing moves for so long is closed; a rush keeps its buyers' connections open between two requests.
const IDLE_MAX: Duration = Duration::from_secs(75);
/// A server that listens, but does not serve yet.
pub struct Bound {
    acceptor: TcpAcceptor,
    address: SocketAddr,
    app: Arc<App>,
    endpoint: Endpoint,
    expiry: ExpirySettings,
    drain: Duration,
    bench_routes: bool,
}

impl Bound {
    /// Prepares everything and listens.
    ///
    /// # Errors
    /// When a setting is wrong, the address is taken, or migrating was asked for and failed. PostgreSQL and Redis need
    /// not be up: the server says on `/readyz` that it is not ready and connects when they are.
    pub async fn new(config: &ServeConfig) -> anyhow::Result<Self> {
        if config.migrate {
            let report = migrate::migrate(&config.database.endpoint()?).await?;
            tracing::info!(migrations = report.migrations.len(), files = report.files.len(), "the database is migrated");
        }
        let endpoint = config.database.endpoint()?;
        let app = Arc::new(App::new(config, &endpoint)?);
        let listener = listen(config.listen).with_context(|| format!("cannot listen on {}", config.listen))?;
        let address = listener.local_addr()?;
        let expiry = ExpirySettings {
            workers: usize::from(config.expiry_workers),
            lease_ms: config.expiry_lease_ms,
            attempts_max: config.expiry_attempts_max,
            sweep_interval_ms: config.sweep_interval_ms,
            ..ExpirySettings::default()
        };
        let acceptor = TcpAcceptor::from_std(listener)?;
        let (drain, bench_routes) = (Duration::from_secs(config.drain_s), config.bench_routes);
        Ok(Self { acceptor, address, app, endpoint, expiry, drain, bench_routes })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`; then stops accepting, lets requests under way finish, and stops the workers.
    ///
    /// # Errors
    /// When accepting connections fails for good.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { acceptor, app, endpoint, expiry, drain, bench_routes, .. } = self;
        let workers_stop = CancellationToken::new();
        let mut workers = expiry::start(&endpoint, &app.queue, &app.metrics, expiry, &workers_stop)?;
        let routes = crate::api::routes(Arc::clone(&app), bench_routes);
        let served = Server::new_with_acceptor(acceptor)
            .name("rowlock")
            .idle_timeout(IDLE_MAX)
            .run_with_graceful_shutdown(routes, stop.cancelled(), Some(drain))
            .await;
        tracing::info!("no more requests; stopping the workers");
        workers_stop.cancel();
        while workers.join_next().await.is_some() {}
        app.lanes.drain().await;
        served.context("serving failed")
    }
}

fn listen(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
