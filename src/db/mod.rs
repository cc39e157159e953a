//! Access to PostgreSQL: one Rust function per stored function, with the same name.
//!
//! Reads and rare changes go through a pool ([`Db`]); claims and payments go through [`lanes`](crate::lanes), which gather what waits
//! into one call. Every session runs as `rowlock_app`, a role that may call the stored functions and touch no table.

pub mod admin;
pub mod api_keys;
pub mod batches;
mod connect;
mod database_url;
mod driver_error;
mod error;
mod events;
mod expiry;
pub mod harden;
mod identity;
mod in_call;
pub mod migrate;
mod orders;
mod outage;
mod outage_log;
mod portion;
mod probe;
mod reads;
mod row;
mod shortage;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use crate::pool_turns::Turn;
use api_keys::AdminKey;

pub use connect::Endpoint;
pub(crate) use connect::SessionTimeouts;
pub use error::{DbError, Rule};
pub(crate) use events::{EventPage, EventQuery};
pub(crate) use expiry::{Expired, ExpiryOutcome, ExpiryRetry, try_lead_sweep};
pub use identity::{Identity, database_id};
use in_call::InCall;
pub(crate) use orders::OrderQuery;
pub use outage::{Outage, OutageKind};
use outage_log::OutageLog;
pub(crate) use portion::Portion;
pub(crate) use probe::ClaimsProbe;
#[cfg(test)]
pub(crate) use probe::LockedSection;
pub(crate) use reads::{SectionCount, SectionSeats};
pub(crate) use shortage::Shortage;

/// How long a caller waits for a free connection before it is told that the database is unavailable.
const WAIT_MAX: Duration = Duration::from_secs(3);
/// How long a call may take before its connection counts as lost; and how long a caller waits, for a connection and then for the answer,
/// unless they say otherwise: a PostgreSQL that hangs must not make callers hang.
const CALL_MAX: Duration = Duration::from_secs(10);
/// How long opening a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// The pool of connections, with a method for each stored function that is not called in batches.
#[derive(Clone)]
pub(crate) struct Db {
    pool: Pool,
    outages: OutageLog,
    /// The API key that calls, where the action log needs it.
    api_key_id: Option<i64>,
    /// How long a caller waits for a connection and the answer, together.
    answer_max: Duration,
    /// The turn of the customer who calls.
    turn: Option<Turn>,
    /// For calls that may use only some of the connections.
    portion: Option<Portion>,
}

impl Db {
    /// A pool of at most `connections_max` connections to `endpoint`; they are opened when first needed.
    pub(crate) fn new(endpoint: &Endpoint, connections_max: usize, timeouts: SessionTimeouts) -> anyhow::Result<Self> {
        let session: Arc<str> = connect::session(timeouts).into();
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
        Ok(Self { pool, outages: endpoint.outages().clone(), api_key_id: None, answer_max: CALL_MAX, turn: None, portion: None })
    }

    /// The same pool on behalf of an API key: the action log names the key beside each change.
    pub(crate) fn for_key(&self, api_key: &AdminKey) -> Self {
        Self { api_key_id: Some(api_key.api_key_id), ..self.clone() }
    }

    /// The same pool for a caller who waits so long for the answer, and for a connection before that. The call itself may take longer: its
    /// connection, and the caller's turn, are taken until it has ended.
    pub(crate) fn answering_within(&self, answer_max: Duration) -> Self {
        Self { answer_max, ..self.clone() }
    }

    /// The same pool for a customer whose turn it is: the turn lasts as long as the call, even if the customer goes away.
    pub(crate) fn in_turn(&self, turn: Turn) -> Self {
        Self { turn: Some(turn), ..self.clone() }
    }

    /// The same pool for calls that share a part of its connections.
    pub(crate) fn in_portion(&self, portion: &Portion) -> Self {
        Self { portion: Some(portion.clone()), ..self.clone() }
    }

    /// Open connections and idle connections.
    pub(crate) fn pool_size(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.available)
    }

    /// Runs one statement and returns its rows once it is committed.
    async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, DbError> {
        let deadline = Instant::now() + self.answer_max;
        let (client, turn) = self.connection(deadline).await?;
        let mut in_call = InCall::begin(client, turn, deadline.max(Instant::now() + CALL_MAX));
        let client = in_call.client();
        let call = async {
            let statement = client.prepare_cached(sql).await?;
            match self.api_key_id {
                Some(api_key_id) => query_for_key(client, api_key_id, &statement, params).await,
                None => Ok(client.query(&statement, params).await?),
            }
        };
        let Ok(outcome) = timeout_at(deadline, call).await else { return Err(no_answer()) };
        let client = in_call.end();
        match &outcome {
            Ok(_) => self.outages.works(),
            // Its statements are out of date, or it may still be busy with this one: close it instead of reusing it.
            Err(DbError::Outdated(_) | DbError::Lost(_)) => drop(Object::take(client)),
            Err(DbError::Missing(cause)) => return Err(self.why_missing(&client, cause).await),
            Err(_) => {}
        }
        outcome
    }

    /// Runs a statement that returns exactly one row.
    async fn query_one(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Row, DbError> {
        let rows = self.query(sql, params).await?;
        rows.into_iter().next().ok_or_else(|| DbError::Internal(format!("no row from: {sql}")))
    }

    /// A connection, and the turn to be kept as long as it is used.
    async fn connection(&self, deadline: Instant) -> Result<(Object, Option<Turn>), DbError> {
        let turn = match &self.portion {
            Some(portion) => Some(portion.turn(deadline).await?),
            None => self.turn.clone(),
        };
        match timeout_at(deadline, self.pool.get()).await {
            Ok(Ok(client)) => Ok((client, turn)),
            Ok(Err(error)) => Err(no_connection(error)).inspect_err(|error| {
                if let DbError::Outage(outage) = error {
                    self.outages.failed(outage);
                }
            }),
            Err(_) => Err(DbError::Unavailable("no connection in time".to_owned())),
        }
    }

    /// Something that a call needs does not exist: either nobody has migrated the database, or it is our bug.
    async fn why_missing(&self, client: &Client, cause: &str) -> DbError {
        match in_time(migrate::state(client)).await {
            Ok(state) if migrate::check(state).is_ok() => return DbError::Internal(cause.to_owned()),
            Ok(_) | Err(DbError::Missing(_)) => {}
            Err(other) => return other,
        }
        let outage = Outage::new(OutageKind::NotMigrated, cause);
        self.outages.failed(&outage);
        DbError::Outage(outage)
    }
}

/// Runs a statement in a transaction that knows the API key of its caller.
async fn query_for_key(
    client: &mut Object,
    api_key_id: i64,
    statement: &Statement,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, DbError> {
    // If it is dropped before the commit, it is rolled back.
    let transaction = client.transaction().await?;
    transaction.batch_execute(&format!("select set_config('rowlock.api_key_id', '{api_key_id}', true)")).await?;
    let rows = transaction.query(statement, params).await?;
    transaction.commit().await?;
    Ok(rows)
}

/// The outcome of a call; without an answer in time, the connection counts as lost.
pub(crate) async fn in_time<T>(call: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
    tokio::time::timeout(CALL_MAX, call).await.unwrap_or_else(|_| Err(no_answer()))
}

fn no_answer() -> DbError {
    DbError::Lost("no answer in time".to_owned())
}

fn no_connection(error: PoolError) -> DbError {
    match error {
        PoolError::Backend(error) => DbError::Outage(Outage::of_connecting(&error)),
        PoolError::PostCreateHook(HookError::Backend(error)) => DbError::Outage(Outage::of_session(&error)),
        PoolError::Timeout(TimeoutType::Create) => DbError::Outage(Outage::new(OutageKind::Unreachable, "no connection in time")),
        other => DbError::Unavailable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_cannot_be_made_in_time_is_an_outage_and_one_that_is_not_free_is_none() {
        let timeout = |kind| no_connection(PoolError::Timeout(kind));
        assert!(matches!(timeout(TimeoutType::Create), DbError::Outage(outage) if outage.kind == OutageKind::Unreachable));
        assert!(matches!(timeout(TimeoutType::Wait), DbError::Unavailable(_)));
    }
}
