//! The way to PostgreSQL: one Rust function a stored function, of the same name.
//!
//! Reads and rare changes go through a pool ([`Db`]); claims and payments go through [`lanes`](crate::lanes), which gather what waits
//! into one call. Every session runs as `rowlock_app`, a role that may call the stored functions and touch no table.

pub mod admin;
pub mod api_keys;
pub mod batches;
mod connect;
mod database_url;
mod error;
mod events;
mod expiry;
pub mod migrate;
mod orders;
mod reads;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

pub use connect::{Endpoint, Patience};
pub use error::{DbError, Rule};
pub use events::{EventPage, EventQuery, EventWithSections};
pub use expiry::{Expired, ExpiryOutcome, Overdue, Retry, while_leading_sweep};
pub use reads::{SectionCount, SectionSeats};

/// How long a caller waits for a free connection before it is told that the database has no time.
const WAIT_MAX: Duration = Duration::from_secs(3);
/// How long an answer may take before the connection counts as lost: a PostgreSQL that hangs must not make callers hang.
const CALL_MAX: Duration = Duration::from_secs(10);
/// How long opening a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// The pool of connections, with a method for each stored function that is not called in batches.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
}

impl Db {
    /// A pool of at most `connections_max` connections to `endpoint`; they are opened when first needed.
    pub fn new(endpoint: &Endpoint, connections_max: usize, patience: Patience) -> anyhow::Result<Self> {
        let session: Arc<str> = connect::session(patience).into();
        let manager =
            Manager::from_config(endpoint.config().clone(), endpoint.tls(), ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager)
            .max_size(connections_max)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT_MAX))
            .create_timeout(Some(CONNECT_MAX))
            .recycle_timeout(Some(WAIT_MAX))
            .post_create(Hook::async_fn(move |client, _| {
                let session = Arc::clone(&session);
                Box::pin(async move { client.batch_execute(&session).await.map_err(HookError::Backend) })
            }))
            .build()?;
        Ok(Self { pool })
    }

    /// Connections open and connections idle.
    pub fn pool_size(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.available)
    }

    /// Runs one statement and returns its rows once it is committed.
    async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, DbError> {
        self.query_within(CALL_MAX, sql, params).await
    }

    /// The same, for a statement that may take its time.
    async fn query_within(&self, call_max: Duration, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, DbError> {
        let client = self.pool.get().await.map_err(no_connection)?;
        let call = async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, params).await
        };
        let outcome = match tokio::time::timeout(call_max, call).await {
            Ok(outcome) => outcome.map_err(DbError::from),
            Err(_) => Err(DbError::Lost("no answer in time".to_owned())),
        };
        if matches!(outcome, Err(DbError::Outdated(_) | DbError::Lost(_))) {
            // Its statements are out of date, or it may still be busy with this one: close it instead of reusing it.
            drop(deadpool_postgres::Object::take(client));
        }
        outcome
    }

    /// Runs a statement that answers exactly one row.
    async fn query_one(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Row, DbError> {
        let rows = self.query(sql, params).await?;
        rows.into_iter().next().ok_or_else(|| DbError::Internal(format!("no row from: {sql}")))
    }
}

fn no_connection(error: PoolError) -> DbError {
    match error {
        PoolError::Backend(error) => match DbError::from(error) {
            // Wrong password, missing role, missing database: nobody can be served until an operator acts.
            DbError::Internal(text) => DbError::Unavailable(text),
            other => other,
        },
        other => DbError::Unavailable(other.to_string()),
    }
}
