//! The calls that carry many requests at once and answer row by row.

mod answers;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};
use uuid::Uuid;

use super::{DbError, Endpoint, database_id};
use crate::domain::{ClaimOutcome, ClaimRequest, PaymentNotice, Settlement, Wanted};
use answers::{answers, claim_outcome, position, settlement};

/// What every query for answers to claims selects of them.
macro_rules! select_answers {
    ($rest:literal) => {
        concat!(
            "select request_no, outcome, order_id, order_status, section_nos, seat_nos, amount_minor, created_at, expires_at, ",
            "taken_section_nos, taken_seat_nos, retry_after_ms",
            $rest
        )
    };
}

const CLAIM_SEATS: &str = select_answers!(
    " from rowlock.claim_seats( \
    p_event_id => $1, p_order_ids => $2, p_customer_ids => $3, p_idempotency_keys => $4, p_fingerprints => $5, p_request_nos => $6, \
    p_section_nos => $7, p_seat_nos => $8)"
);
const CLAIM_BEST_AVAILABLE: &str = select_answers!(
    " from rowlock.claim_best_available( \
    p_event_id => $1, p_order_ids => $2, p_customer_ids => $3, p_idempotency_keys => $4, p_fingerprints => $5, p_section_nos => $6, \
    p_quantities => $7)"
);
const CLAIMED_ORDERS: &str = select_answers!(" from rowlock.claimed_orders($1, $2)");
const SETTLE_PAYMENTS: &str = "select notice_no, outcome, recorded_outcome from rowlock.settle_payments( \
    p_event_id => $1, p_order_ids => $2, p_providers => $3, p_provider_references => $4, p_amounts_minor => $5, p_currencies => $6, \
    p_succeeded => $7, p_message_ids => $8)";

/// The answers in the order of the requests; `None` means to ask again in a few milliseconds.
pub type Answers<A> = Result<Vec<Option<A>>, DbError>;

/// The process behind a connection, distinguished from any other process that had the same pid.
pub(crate) struct Backend {
    pid: i32,
    started: String,
}

impl Backend {
    /// Whether it is idle, or gone, as seen over a new connection of the same login.
    pub(crate) async fn is_idle(&self, endpoint: &Endpoint) -> Result<bool, DbError> {
        let _look = endpoint.looks().lock().await;
        let (other, _) = endpoint.connect().await?;
        let sql = "select coalesce(bool_and(state = 'idle'), true) from pg_stat_activity where pid = $1 and backend_start::text = $2";
        Ok(other.query_one(sql, &[&self.pid, &self.started]).await?.get(0))
    }
}

/// A connection of a lane, with its statements prepared.
pub struct LaneClient {
    client: Client,
    pub(crate) backend: Backend,
    /// The database that it is connected to.
    pub(crate) database_id: Uuid,
    claim_seats: Statement,
    claim_best_available: Statement,
    claimed_orders: Statement,
    settle_payments: Statement,
}

impl LaneClient {
    /// Prepares the statements of a lane on a connection that works as `rowlock_app`.
    ///
    /// # Errors
    /// When the connection is lost or the database is not migrated.
    pub async fn prepare(client: Client) -> Result<Self, DbError> {
        let sql = "select pid, backend_start::text from pg_stat_activity where pid = pg_backend_pid()";
        let row = as_login(&client, sql, &[]).await?;
        Ok(Self {
            backend: Backend { pid: row.get(0), started: row.get(1) },
            database_id: database_id(&client).await?,
            claim_seats: client.prepare(CLAIM_SEATS).await?,
            claim_best_available: client.prepare(CLAIM_BEST_AVAILABLE).await?,
            claimed_orders: client.prepare(CLAIMED_ORDERS).await?,
            settle_payments: client.prepare(SETTLE_PAYMENTS).await?,
            client,
        })
    }

    /// Whether the connection is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// How long its calls wait for a lock from now on, in milliseconds.
    pub(crate) async fn wait_for_locks(&self, lock_ms: u32) -> Result<(), DbError> {
        Ok(self.client.batch_execute(&format!("set lock_timeout = {lock_ms}")).await?)
    }

    /// Returns once the backend of a lost connection has certainly ended: what it has not done by then will never be done.
    pub(crate) async fn outlive(&self, lost: &Backend) -> Result<(), DbError> {
        let sql = "select coalesce(bool_and(pg_terminate_backend(pid, 3000)), true) from pg_stat_activity \
                   where pid = $1 and backend_start::text = $2";
        let gone: bool = as_login(&self.client, sql, &[&lost.pid, &lost.started]).await?.get(0);
        if gone { Ok(()) } else { Err(DbError::Unavailable("the backend of a lost connection does not end".to_owned())) }
    }

    /// One call for claims of one event that all name their seats.
    pub async fn claim_seats(&self, event_id: i64, requests: &[&ClaimRequest]) -> Answers<ClaimOutcome> {
        let ClaimColumns { order_ids, customer_ids, keys, fingerprints } = ClaimColumns::of(requests);
        let (mut request_nos, mut section_nos, mut seat_nos) = (Vec::new(), Vec::new(), Vec::new());
        for (request_no, request) in (1_i32..).zip(requests) {
            let Wanted::Seats(seats) = &request.wanted else { continue };
            for seat in seats {
                request_nos.push(request_no);
                section_nos.push(seat.section_no);
                seat_nos.push(seat.seat_no);
            }
        }
        let params: [&(dyn ToSql + Sync); 8] =
            [&event_id, &order_ids, &customer_ids, &keys, &fingerprints, &request_nos, &section_nos, &seat_nos];
        let rows = self.client.query(&self.claim_seats, &params).await?;
        answers(&rows, requests.len(), |row| claim_outcome(row, event_id, requests))
    }

    /// The same for claims of the best available seats.
    pub async fn claim_best_available(&self, event_id: i64, requests: &[&ClaimRequest]) -> Answers<ClaimOutcome> {
        let ClaimColumns { order_ids, customer_ids, keys, fingerprints } = ClaimColumns::of(requests);
        let (mut section_nos, mut quantities) = (Vec::with_capacity(requests.len()), Vec::with_capacity(requests.len()));
        for request in requests {
            let Wanted::BestAvailable { section_no, quantity } = &request.wanted else { continue };
            section_nos.push(*section_no);
            quantities.push(*quantity);
        }
        let params: [&(dyn ToSql + Sync); 7] = [&event_id, &order_ids, &customer_ids, &keys, &fingerprints, &section_nos, &quantities];
        let rows = self.client.query(&self.claim_best_available, &params).await?;
        answers(&rows, requests.len(), |row| claim_outcome(row, event_id, requests))
    }

    /// Which of the requests have become orders: the answers that were lost with a connection. `None`: that one has not.
    pub(crate) async fn claimed_orders(&self, event_id: i64, requests: &[&ClaimRequest]) -> Answers<ClaimOutcome> {
        let order_ids: Vec<Uuid> = requests.iter().map(|request| request.order_id).collect();
        let rows = self.client.query(&self.claimed_orders, &[&event_id, &order_ids]).await?;
        let mut found = vec![None; requests.len()];
        for row in &rows {
            let index = position(row, requests.len())?;
            found[index] = claim_outcome(row, event_id, requests)?;
        }
        Ok(found)
    }

    /// One call for notices of one event.
    pub(crate) async fn settle_payments(&self, event_id: i64, notices: &[&PaymentNotice]) -> Answers<Settlement> {
        let order_ids: Vec<Uuid> = notices.iter().map(|notice| notice.order_id).collect();
        let providers: Vec<&str> = notices.iter().map(|notice| notice.provider.as_str()).collect();
        let references: Vec<&str> = notices.iter().map(|notice| notice.provider_reference.as_str()).collect();
        let amounts: Vec<i64> = notices.iter().map(|notice| notice.amount_minor).collect();
        let currencies: Vec<&str> = notices.iter().map(|notice| notice.currency.as_str()).collect();
        let succeeded: Vec<bool> = notices.iter().map(|notice| notice.succeeded).collect();
        let message_ids: Vec<&str> = notices.iter().map(|notice| notice.message_id.as_str()).collect();
        let params: [&(dyn ToSql + Sync); 8] =
            [&event_id, &order_ids, &providers, &references, &amounts, &currencies, &succeeded, &message_ids];
        let rows = self.client.query(&self.settle_payments, &params).await?;
        answers(&rows, notices.len(), |row| settlement(row).map(Some))
    }
}

/// Runs a query as the login user, who may see and end its own sessions; the role `rowlock_app` may not.
async fn as_login(client: &Client, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Row, DbError> {
    client.batch_execute("reset role").await?;
    let row = client.query_one(sql, params).await?;
    client.batch_execute("set role rowlock_app").await?;
    Ok(row)
}

/// What both kinds of claims have, one value per request.
struct ClaimColumns<'a> {
    order_ids: Vec<Uuid>,
    customer_ids: Vec<&'a str>,
    keys: Vec<Option<&'a str>>,
    fingerprints: Vec<Option<&'a [u8]>>,
}

impl<'a> ClaimColumns<'a> {
    fn of(requests: &[&'a ClaimRequest]) -> Self {
        let idempotency = || requests.iter().map(|request| request.idempotency.as_ref());
        Self {
            order_ids: requests.iter().map(|request| request.order_id).collect(),
            customer_ids: requests.iter().map(|request| request.customer_id.as_str()).collect(),
            keys: idempotency().map(|it| it.map(|it| it.key.as_str())).collect(),
            fingerprints: idempotency().map(|it| it.map(|it| it.fingerprint.as_slice())).collect(),
        }
    }
}
