//! The stored functions as the server calls them, for tests that need a particular batch, an open transaction, or an outcome that the API
//! does not show.

mod requests;
mod waits;

use std::collections::BTreeMap;

use rowlock::db::Endpoint;
use serde_json::{Value, json};
use tokio_postgres::{Client, Error};
use uuid::Uuid;

use crate::harness::{EventHandle, RedisMode, TestServer, event_json};
use requests::claimed;
pub use requests::{Ask, Claimed, Notice, Placed, Seat, Wanted, claim_first_seat};
pub use waits::{take_lock, until_it_waits, until_somebody_has_waited, until_somebody_waits};

/// A session with the privileges of the server, for one event.
pub struct Session {
    client: Client,
    event_id: i64,
    /// Process id of its backend.
    pub pid: i32,
}

impl Session {
    pub async fn new(server: &TestServer, event: &EventHandle) -> Self {
        let endpoint = Endpoint::new(&server.database_url, None).expect("a URL");
        let client = endpoint.connect_as_app().await.expect("a connection");
        let pid = client.query_one("select pg_backend_pid()", &[]).await.expect("a process id").get(0);
        Self { client, event_id: event.id, pid }
    }

    /// The same session for another event.
    pub fn turn_to(&mut self, event: &EventHandle) {
        self.event_id = event.id;
    }

    /// Makes it wait for locks as long as a test may need to check what it has locked.
    pub async fn wait_for_long(&self) {
        self.client.batch_execute("set lock_timeout = '30s'; set statement_timeout = '60s'").await.expect("settings");
    }

    /// Expires several orders in one call.
    pub async fn expire_all(&self, order_ids: &[Uuid]) {
        let sql = "select outcome from rowlock.expire_orders($1, $2)";
        self.client.query(sql, &[&self.event_id, &order_ids]).await.unwrap_or_else(|error| panic!("{error:?}"));
    }

    pub async fn begin(&self) {
        self.client.batch_execute("begin").await.expect("begin");
    }

    pub async fn commit(&self) {
        self.client.batch_execute("commit").await.expect("commit");
    }

    pub async fn rollback(&self) {
        self.client.batch_execute("rollback").await.expect("rollback");
    }

    /// How many rows of each table were read, in the open transaction and in those before that are not reported yet.
    pub async fn rows_read(&self) -> BTreeMap<String, i64> {
        let sql = "select relname::text, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables
            where coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) > 0";
        self.client.query(sql, &[]).await.expect("counts").iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Claims for a batch of requests, which all name their seats or all ask for the best available ones.
    pub async fn claim(&self, asks: &[Ask]) -> Vec<Claimed> {
        self.try_claim(asks).await.unwrap_or_else(|error| panic!("{error:?}: {asks:?}"))
    }

    /// Claims for a single request.
    pub async fn claim_one(&self, ask: Ask) -> Claimed {
        self.claim(&[ask]).await.remove(0)
    }

    pub async fn try_claim(&self, asks: &[Ask]) -> Result<Vec<Claimed>, Error> {
        let order_ids: Vec<Uuid> = asks.iter().map(|ask| ask.order_id).collect();
        let customers: Vec<&str> = asks.iter().map(|ask| ask.customer_id.as_str()).collect();
        let keys: Vec<Option<&str>> = asks.iter().map(|ask| ask.key.as_deref()).collect();
        let prints: Vec<Option<Vec<u8>>> = asks.iter().map(|ask| ask.key.as_ref().map(|_| ask.fingerprint())).collect();
        let (mut request_nos, mut section_nos, mut seat_nos, mut quantities) = (vec![], vec![], vec![], vec![]);
        for (request_no, ask) in (1_i32..).zip(asks) {
            match &ask.wanted {
                Wanted::Seats(seats) => {
                    request_nos.extend(seats.iter().map(|_| request_no));
                    section_nos.extend(seats.iter().map(|seat| seat.0));
                    seat_nos.extend(seats.iter().map(|seat| seat.1));
                }
                Wanted::Best { section_no, quantity } => {
                    section_nos.push(*section_no);
                    quantities.push(*quantity);
                }
            }
        }
        let rows = if quantities.is_empty() {
            let sql = "select * from rowlock.claim_seats(p_event_id => $1, p_order_ids => $2, p_customer_ids => $3,
                p_idempotency_keys => $4, p_fingerprints => $5, p_request_nos => $6, p_section_nos => $7, p_seat_nos => $8)";
            self.client.query(sql, &[&self.event_id, &order_ids, &customers, &keys, &prints, &request_nos, &section_nos, &seat_nos]).await?
        } else {
            let sql = "select * from rowlock.claim_best_available(p_event_id => $1, p_order_ids => $2, p_customer_ids => $3,
                p_idempotency_keys => $4, p_fingerprints => $5, p_section_nos => $6, p_quantities => $7)";
            self.client.query(sql, &[&self.event_id, &order_ids, &customers, &keys, &prints, &section_nos, &quantities]).await?
        };
        let numbers: Vec<i32> = rows.iter().map(|row| row.get("request_no")).collect();
        assert_eq!(numbers, (1..).take(asks.len()).collect::<Vec<i32>>(), "one answer a request, in order");
        Ok(rows.iter().map(claimed).collect())
    }

    /// Settles a batch of notices and returns their outcomes.
    pub async fn settle(&self, notices: &[Notice]) -> Vec<String> {
        self.try_settle(notices).await.unwrap_or_else(|error| panic!("{error:?}: {notices:?}"))
    }

    /// Settles a batch of notices and returns their outcomes, with the recorded outcomes of duplicates.
    pub async fn settle_recorded(&self, notices: &[Notice]) -> Vec<(String, Option<String>)> {
        self.try_settle_recorded(notices).await.unwrap_or_else(|error| panic!("{error:?}: {notices:?}"))
    }

    pub async fn try_settle(&self, notices: &[Notice]) -> Result<Vec<String>, Error> {
        Ok(self.try_settle_recorded(notices).await?.into_iter().map(|(outcome, _)| outcome).collect())
    }

    async fn try_settle_recorded(&self, notices: &[Notice]) -> Result<Vec<(String, Option<String>)>, Error> {
        let order_ids: Vec<Uuid> = notices.iter().map(|notice| notice.order_id).collect();
        let providers = vec!["testpay"; notices.len()];
        let references: Vec<&str> = notices.iter().map(|notice| notice.reference.as_str()).collect();
        let amounts: Vec<i64> = notices.iter().map(|notice| notice.amount_minor).collect();
        let currencies: Vec<&str> = notices.iter().map(|notice| notice.currency.as_str()).collect();
        let succeeded: Vec<bool> = notices.iter().map(|notice| notice.succeeded).collect();
        let messages: Vec<&str> = notices.iter().map(|notice| notice.message_id.as_str()).collect();
        let sql = "select outcome, recorded_outcome from rowlock.settle_payments(p_event_id => $1, p_order_ids => $2, p_providers => $3,
            p_provider_references => $4, p_amounts_minor => $5, p_currencies => $6, p_succeeded => $7, p_message_ids => $8)
            order by notice_no";
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
            [&self.event_id, &order_ids, &providers, &references, &amounts, &currencies, &succeeded, &messages];
        Ok(self.client.query(sql, &params).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Expires one order, if it is due, and returns the outcome.
    pub async fn expire(&self, order_id: Uuid) -> String {
        self.try_expire(order_id).await.unwrap_or_else(|error| panic!("{error:?}"))
    }

    pub async fn try_expire(&self, order_id: Uuid) -> Result<String, Error> {
        let sql = "select outcome from rowlock.expire_orders($1, $2)";
        Ok(self.client.query_one(sql, &[&self.event_id, &vec![order_id]]).await?.get(0))
    }

    /// Cancels an order and returns its status, or the refusal, or the SQLSTATE of an error.
    pub async fn cancel(&self, order_id: Uuid, customer_id: &str) -> Result<String, String> {
        let sql = "select status, amount_minor, refusal from rowlock.cancel_order($1, $2, $3)";
        let cancelled = self.client.query_one(sql, &[&self.event_id, &order_id, &customer_id]).await;
        Ok(changed(&cancelled.map_err(sqlstate)?)?.0)
    }

    /// Keeps these seats of an order, gives back the others, and returns its status and its amount, or the refusal, or the SQLSTATE of an
    /// error.
    pub async fn release(&self, order_id: Uuid, customer_id: &str, kept: &[Seat]) -> Result<(String, i64), String> {
        let (section_nos, seat_nos): (Vec<i32>, Vec<i32>) = kept.iter().copied().unzip();
        let sql = "select status, amount_minor, refusal from rowlock.release_seats(
            p_event_id => $1, p_order_id => $2, p_customer_id => $3, p_kept_section_nos => $4, p_kept_seat_nos => $5)";
        let released = self.client.query_one(sql, &[&self.event_id, &order_id, &customer_id, &section_nos, &seat_nos]).await;
        changed(&released.map_err(sqlstate)?)
    }

    /// Blocks seats and returns how many changed, or the SQLSTATE of the refusal.
    pub async fn block(&self, section_no: i32, seat_nos: &[i32]) -> Result<i32, String> {
        self.change_seats("block_seats", section_no, seat_nos).await
    }

    /// Unblocks seats and returns how many changed, or the SQLSTATE of the refusal.
    pub async fn unblock(&self, section_no: i32, seat_nos: &[i32]) -> Result<i32, String> {
        self.change_seats("unblock_seats", section_no, seat_nos).await
    }

    async fn change_seats(&self, function: &str, section_no: i32, seat_nos: &[i32]) -> Result<i32, String> {
        let sql = format!("select rowlock.{function}(p_event_id => $1, p_section_no => $2, p_first_seats => $3, p_last_seats => $3)");
        self.client.query_one(&sql, &[&self.event_id, &section_no, &seat_nos]).await.map(|row| row.get(0)).map_err(sqlstate)
    }

    /// Pauses or opens the event.
    pub async fn set_open(&self, open: bool) {
        let change = json!({"status": if open { "open" } else { "paused" }});
        self.client.execute("select rowlock.change_event($1, $2)", &[&self.event_id, &change]).await.expect("a new status");
    }

    /// Ends the sale by `off_sale_at`, or removes `off_sale_at`.
    pub async fn set_over(&self, over: bool) {
        let change = json!({"off_sale_at": over.then_some("2020-01-01T00:00:00Z")});
        self.client.execute("select rowlock.change_event($1, $2)", &[&self.event_id, &change]).await.expect("a new end of the sale");
    }

    /// The statuses of a section's seats, one letter per seat.
    pub async fn seats(&self, section_no: i32) -> String {
        let sql = "select statuses from rowlock.section_seats($1, $2)";
        self.client.query_one(sql, &[&self.event_id, &section_no]).await.expect("a section").get(0)
    }

    /// The status of an order.
    pub async fn order_status(&self, order_id: Uuid) -> String {
        let sql = "select order_status from rowlock.claimed_orders($1, array[$2::uuid])";
        self.client.query_one(sql, &[&self.event_id, &order_id]).await.expect("an order").get(0)
    }
}

/// The status and the amount of an order after a change, or the refusal.
fn changed(row: &tokio_postgres::Row) -> Result<(String, i64), String> {
    row.get::<_, Option<String>>(2).map_or_else(|| Ok((row.get(0), row.get(1))), Err)
}

fn sqlstate(error: Error) -> String {
    error.code().unwrap_or_else(|| panic!("{error:?}")).code().to_owned()
}

/// Moves an order one day into the past, so that its deadline has passed.
pub async fn make_due(server: &TestServer, order_id: Uuid) {
    let sql = "with due as (
                   update rowlock.orders set created_at = created_at - interval '1 day', expires_at = expires_at - interval '1 day'
                   where order_id = $1
                   returning event_id, order_id, expires_at
               )
               insert into rowlock.deadlines select event_id, expires_at, order_id, array[order_id] from due";
    server.db.execute(sql, &[&order_id]).await.expect("an update");
}

/// A server that expires nothing by itself, so that a test decides when that happens.
pub async fn server_without_expiry() -> TestServer {
    TestServer::builder().redis(RedisMode::Off).arg("--sweep-interval-ms", 60_000).start().await
}

/// A request for an event with these sections whose orders do not come due while a test runs.
pub fn unhurried(sections: &[(&str, i64, i32)]) -> Value {
    let mut event = event_json(sections);
    event["window_ms"] = 3_600_000.into();
    event
}

/// One section with these rows (label, seats), for a new event.
pub fn section_of_rows(code: &str, rows: &[(&str, i32)]) -> Value {
    let rows: Vec<_> = rows.iter().map(|(label, seats)| json!({"row": label, "seats": seats})).collect();
    json!({"section": code, "name": code, "price_minor": 1000, "rows": rows})
}
