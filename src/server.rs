//! Listening, serving, and stopping in an orderly way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::app::{App, OWN_CONNECTIONS};
use crate::background::{expiry, outlive_panics, pruning};
use crate::config::{ExpirySettings, ServeConfig};
use crate::db::{DbError, Endpoint, Outage, OutageKind, database_id, migrate};
use crate::http::connections::{ConnectionLimits, ConnectionTimeouts, Connections, STALLED_MAX};
use crate::http::hsts::Hsts;
use crate::lanes::WORKERS;
use crate::open_files::raise_open_files;
use crate::routes::{ExtraRoutes, routes};

/// How long the start waits for PostgreSQL to answer: long enough to report what is wrong, not to wait until it is up.
const FIRST_CONTACT_MAX: Duration = Duration::from_secs(3);

/// What the server wants to open: enough for the connections of buyers, PostgreSQL and Redis.
const OPEN_FILES_WANTED: u64 = 65_536 + 8_192;
/// Connections to PostgreSQL and Redis beyond those of the lanes, the pools and the expiry workers.
const OTHER_CONNECTIONS: u64 = 6;
/// How long what a request left behind may take to finish, after the time for the requests themselves.
const LEFT_BEHIND_MAX: Duration = Duration::from_secs(1);

/// A server that listens, but does not serve yet.
pub struct Bound {
    connections: Connections,
    app: Arc<App>,
    endpoint: Endpoint,
    /// Migrating was asked for, and PostgreSQL could not be reached yet.
    migrates_later: bool,
    expiry: ExpirySettings,
    timeouts: ConnectionTimeouts,
    extra_routes: ExtraRoutes,
    hsts: Option<Hsts>,
}

impl Bound {
    /// Prepares everything and listens.
    ///
    /// # Errors
    /// When a setting is wrong, the address is taken, PostgreSQL refuses the login or has no such database, or migrating was asked for
    /// and failed. PostgreSQL and Redis need not be up: the server says on `/readyz` that it is not ready, and connects, and migrates if it
    /// is to, when they are.
    pub async fn new(config: &ServeConfig) -> anyhow::Result<Self> {
        let endpoint = config.database.endpoint()?;
        let limits = connection_limits(config)?;
        // Before the lanes connect: a wrong setting is reported once.
        let migrates_later = config.migrate && !migrates_at_once(&endpoint).await?;
        if !migrates_later {
            first_contact(&endpoint).await?;
        }
        let app = Arc::new(App::new(config, &endpoint)?);
        let answers_max_bytes = config.connections.answers_in_flight_max_mb as usize * 1024 * 1024;
        let connections = Connections::listen(config.listen, limits, answers_max_bytes, Arc::clone(&app.metrics))
            .with_context(|| format!("cannot listen on {} (--listen, ROWLOCK_LISTEN)", config.listen))?;
        let timeouts = ConnectionTimeouts {
            idle_max: Duration::from_secs(config.idle_s),
            stalled_max: STALLED_MAX,
            drain: Duration::from_secs(config.drain_s),
        };
        let extra_routes = ExtraRoutes {
            #[cfg(feature = "bench-routes")]
            bench: config.bench_routes,
        };
        let hsts = config.forwarded_proto_header.clone().map(|header| Hsts::new(header, config.hsts_s));
        Ok(Self { connections, app, endpoint, migrates_later, expiry: config.expiry, timeouts, extra_routes, hsts })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.connections.address()
    }

    /// How many connections of clients it keeps open.
    pub fn connections_max(&self) -> usize {
        self.connections.limits().connections_max
    }

    /// Serves until `stop`; then stops accepting, lets requests in progress finish, and stops the workers. A PostgreSQL or a Redis that
    /// hangs does not hold up the end: one second after the time for the requests, whatever still waits is left.
    ///
    /// # Errors
    /// When the workers cannot be started, or a migration that had to wait for PostgreSQL failed; then the server has stopped.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { connections, app, endpoint, migrates_later, expiry, timeouts, extra_routes, hsts } = self;
        let workers_stop = CancellationToken::new();
        let migration = migrates_later.then(|| tokio::spawn(migrate_when_up(endpoint.clone(), stop.clone())));
        let mut workers = expiry::start(&endpoint, &app.queue, &app.metrics, expiry, &workers_stop)?;
        let (metrics, db, pruning_stop) = (Arc::clone(&app.metrics), app.own_db.clone(), workers_stop.clone());
        workers.spawn(outlive_panics(metrics, move || pruning::run(db.clone(), expiry.unpaid_kept_days, pruning_stop.clone())));
        let (metrics, limits, forget_stop) = (Arc::clone(&app.metrics), Arc::clone(&app.rate_limits), workers_stop.clone());
        workers.spawn(outlive_panics(metrics, move || Arc::clone(&limits).forget(forget_stop.clone())));
        let overdue = {
            let stop = stop.clone();
            async move {
                stop.cancelled().await;
                tokio::time::sleep(timeouts.drain + LEFT_BEHIND_MAX).await;
            }
        };
        let in_order = async {
            connections.serve(routes(Arc::clone(&app), extra_routes, hsts), stop, timeouts).await;
            tracing::info!("all requests have ended; stopping the workers");
            workers_stop.cancel();
            while workers.join_next().await.is_some() {}
            app.lanes.drain().await;
        };
        tokio::select! {
            () = in_order => {}
            () = overdue => tracing::warn!("the workers are still waiting for PostgreSQL or Redis; exiting anyway"),
        }
        match migration {
            Some(migration) => migration.await?,
            None => Ok(()),
        }
    }
}

/// How many connections of clients this process has room for, beside its own to PostgreSQL and Redis.
fn connection_limits(config: &ServeConfig) -> anyhow::Result<ConnectionLimits> {
    let lanes = 2 * u64::from(config.lanes.lanes) * WORKERS as u64;
    let own = lanes + u64::from(config.pool_size) + OWN_CONNECTIONS as u64 + u64::from(config.expiry.expiry_workers) + OTHER_CONNECTIONS;
    let clients = config.connections;
    let wanted = OPEN_FILES_WANTED.max(u64::from(clients.connections_max.unwrap_or_default()) * 2);
    ConnectionLimits::new(raise_open_files(wanted), own, clients.connections_max, clients.connections_per_address_max)
}

/// Migrates, unless PostgreSQL cannot be reached yet: then false.
async fn migrates_at_once(endpoint: &Endpoint) -> anyhow::Result<bool> {
    // Only the connection is timed: a migration takes the time it takes.
    let outage = match tokio::time::timeout(FIRST_CONTACT_MAX, endpoint.connect()).await {
        Ok(Ok(_)) => return migrate_once(endpoint).await,
        Ok(Err(error)) => Outage::from(error),
        Err(_) => Outage::new(OutageKind::Unreachable, "no answer in time"),
    };
    anyhow::ensure!(outage.kind.may_pass(), "{outage}");
    endpoint.outages().failed(&outage);
    Ok(false)
}

/// Migrates; false if it failed because PostgreSQL cannot be reached at the moment.
async fn migrate_once(endpoint: &Endpoint) -> anyhow::Result<bool> {
    match migrate::migrate(endpoint).await {
        Ok(report) => {
            tracing::info!(migrations = report.migrations.len(), files = report.files.len(), "the database is migrated");
            Ok(true)
        }
        Err(error) => {
            let Some(outage) = migrate::passing_outage(&error) else { return Err(error) };
            endpoint.outages().failed(&outage);
            Ok(false)
        }
    }
}

/// Tries to migrate until PostgreSQL can be reached. A failure that only an operator can mend stops the server, as it would have kept it
/// from starting.
async fn migrate_when_up(endpoint: Endpoint, stop: CancellationToken) -> anyhow::Result<()> {
    let migrated = async {
        while !migrate_once(&endpoint).await? {
            endpoint.outages().pause(OutageKind::Unreachable).await;
        }
        Ok(())
    };
    let migrated = stop.run_until_cancelled(migrated).await.unwrap_or(Ok(()));
    if migrated.is_err() {
        stop.cancel();
    }
    migrated
}

/// Learns which database it is. Fails if a setting is wrong, and logs anything else that keeps the server from being ready.
async fn first_contact(endpoint: &Endpoint) -> anyhow::Result<()> {
    let contact = async {
        let client = endpoint.connect_as_app().await?;
        let state = migrate::state(&client).await?;
        if migrate::check(state).is_ok() {
            endpoint.identity().set(database_id(&client).await?);
        }
        Ok(state)
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
