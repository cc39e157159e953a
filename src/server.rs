//! Putting the parts together, and taking them apart in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use poem::Server;
use poem::listener::{TcpAcceptor};
use socket2::{Domain, Protocol, Socket, Type};
use tokio_util::sync::CancellationToken;

use crate::auth::{Auth, AuthSettings};
use crate::cache::{Catalogue, SeatMaps, Summaries};
use crate::config::ServeConfig;
use crate::db::lanes::{LaneSettings, Lanes};
use crate::db::{Db, migrate};
use crate::expiry::{self, ExpiryQueue, ExpirySettings};
use crate::metrics::{Metrics, Readings};
use crate::redis_link::RedisLink;

/// Connections the kernel may hold for us until we accept them; ten thousand buyers come at once.
const BACKLOG: i32 = 16_384;
/// Creating an event describes every row of a large house: it may be this many times larger than other bodies.
const EVENT_BODY_FACTOR: usize = 64;

/// Everything a request may need.
pub struct App {
    /// Reads and rare changes.
    pub db: Db,
    /// Claims and payments.
    pub lanes: Lanes,
    /// Events and their layouts.
    pub catalogue: Catalogue,
    /// Section summaries.
    pub summaries: Summaries,
    /// Seats.
    pub seat_maps: SeatMaps,
    /// Who is calling.
    pub auth: Auth,
    /// What operators watch.
    pub metrics: Arc<Metrics>,
    /// Pending orders by deadline.
    pub queue: ExpiryQueue,
    /// How large a body may be.
    pub limits: HttpLimits,
}

/// How large a request body may be.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Any body, in bytes.
    pub body_max_bytes: usize,
    /// The body that creates an event, in bytes.
    pub event_body_max_bytes: usize,
}

impl App {
    fn new(config: &ServeConfig) -> anyhow::Result<Self> {
        let endpoint = config.database.endpoint()?;
        let redis = match &config.redis_url {
            Some(url) => RedisLink::new(url, &config.redis_prefix)?,
            None => RedisLink::off(),
        };
        let metrics = Arc::new(Metrics::new());
        let db = Db::new(&endpoint, usize::from(config.pool_size))?;
        let queue = ExpiryQueue::new(redis.clone());
        let lanes = LaneSettings {
            lanes: usize::from(config.lanes),
            batch_max: usize::from(config.batch_max),
            waiting_max: config.waiting_max as usize,
        };
        let body_max_bytes = config.body_max_bytes as usize;
        Ok(Self {
            lanes: Lanes::start(&endpoint, lanes, &queue, &metrics),
            catalogue: Catalogue::new(db.clone()),
            summaries: Summaries::new(db.clone(), redis, Arc::clone(&metrics)),
            seat_maps: SeatMaps::new(db.clone(), Arc::clone(&metrics)),
            auth: auth(config)?,
            metrics,
            queue,
            limits: HttpLimits { body_max_bytes, event_body_max_bytes: body_max_bytes * EVENT_BODY_FACTOR },
            db,
        })
    }

    /// The metrics, with what is read off now.
    pub fn metrics_text(&self) -> String {
        let (claims_waiting, payments_waiting) = self.lanes.depths();
        let (pool_open, pool_idle) = self.db.pool_size();
        self.metrics.encode(Readings { claims_waiting, payments_waiting, pool_open, pool_idle })
    }
}

fn auth(config: &ServeConfig) -> anyhow::Result<Auth> {
    Auth::new(&AuthSettings {
        jwt_secret: config.jwt_secret.as_deref(),
        jwt_public_key_file: config.jwt_public_key_file.as_deref(),
        jwt_audience: config.jwt_audience.as_deref(),
        jwt_issuer: config.jwt_issuer.as_deref(),
        webhook_secret: &config.webhook_secret,
    })
}

/// A server that listens, but does not serve yet.
pub struct Bound {
    acceptor: TcpAcceptor,
    address: SocketAddr,
    app: Arc<App>,
    expiry: ExpirySettings,
    drain: Duration,
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
        let app = Arc::new(App::new(config)?);
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
        Ok(Self { acceptor, address, app, expiry, drain: Duration::from_secs(config.drain_s) })
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
        let Self { acceptor, app, expiry, drain, .. } = self;
        let workers_stop = CancellationToken::new();
        let mut workers = expiry::start(&app.db, &app.queue, &app.metrics, expiry, &workers_stop);
        let routes = crate::api::routes(Arc::clone(&app));
        let served = Server::new_with_acceptor(acceptor)
            .name("rowlock")
            .run_with_graceful_shutdown(routes, stop.cancelled(), Some(drain))
            .await;
        tracing::info!("no more requests; stopping the workers");
        workers_stop.cancel();
        while workers.join_next().await.is_some() {}
        if let Some(app) = Arc::into_inner(app) {
            app.lanes.drain().await;
        }
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
