//! Random claims, searches, payments, releases, cancellations, expiries and blockings against the real database: step by step, compared
//! with a model that predicts every answer, and all at once, ending with a check of the invariants.
//!
//! A failure prints its seed: `ROWLOCK_MODEL_SEED=<seed> cargo test model` repeats the run, `ROWLOCK_MODEL_CASES` makes it longer.

mod event;
mod past;
mod steps;

use std::cell::RefCell;
use std::env;
use std::time::Duration;

use futures_util::future::join_all;
use pretty_assertions::assert_eq;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use uuid::Uuid;

use crate::harness::{EventHandle, TestServer};
use crate::stored::{Ask, Session, server_without_expiry};
use event::{LIMIT, ModelEvent, PRICES, ROWS, UNPAID_MAX, WINDOW_MS};
use past::Past;
use steps::{Action, Outcome, Step, action};

fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
    env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// Runs a test on random values; a failure is reduced to fewer steps if `shrinks_max` allows, and prints its seed.
fn check<S: Strategy>(cases: u32, shrinks_max: u32, values: S, test: impl Fn(S::Value)) {
    let seed = from_environment("ROWLOCK_MODEL_SEED").unwrap_or_else(rand::random::<u64>);
    let cases = from_environment("ROWLOCK_MODEL_CASES").unwrap_or(cases);
    let config = Config { cases, max_shrink_iters: shrinks_max, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed.to_le_bytes().repeat(4));
    let outcome = TestRunner::new_with_rng(config, rng).run(&values, |value| {
        test(value);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("ROWLOCK_MODEL_SEED={seed}\n{failure}"));
}

/// Waits for asynchronous work within a synchronous test of a value.
fn wait_for<T>(work: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work))
}

/// A new open event like that of the model.
async fn new_event(server: &TestServer) -> EventHandle {
    let sections: Vec<_> = ROWS
        .iter()
        .zip(PRICES)
        .enumerate()
        .map(|(index, (rows, price_minor))| {
            let rows: Vec<_> = rows.iter().map(|(first, last)| json!({"label": first.to_string(), "seats": last - first + 1})).collect();
            json!({"code": format!("S{index}"), "name": "Section", "price_minor": price_minor, "rows": rows})
        })
        .collect();
    let event = json!({
        "name": "Concert", "currency": "TWD", "window_ms": WINDOW_MS, "seats_per_customer": LIMIT,
        "unpaid_orders_max": UNPAID_MAX, "unpaid_window_ms": 86_400_000, "cooldown_ms": 86_400_000, "sections": sections
    });
    let sql = "select event_id from rowlock.create_event($1)";
    let id: i64 = server.db.query_one(sql, &[&event]).await.expect("an event").get(0);
    server.db.execute("select rowlock.change_event($1, '{\"status\": \"open\"}')", &[&id]).await.expect("an open event");
    EventHandle { id }
}

async fn order_statuses(server: &TestServer, event: &EventHandle) -> Vec<(Uuid, String)> {
    let sql = "select order_id, status::text from rowlock.orders where event_id = $1 order by order_id";
    let rows = server.db.query(sql, &[&event.id]).await.expect("orders");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn step_by_step_the_database_answers_what_the_model_foretells() {
    let server = server_without_expiry().await;
    let session = RefCell::new(Session::new(&server, &EventHandle { id: 0 }).await);
    check(60, 300, vec(action(1), 1..=60), |actions| {
        let mut session = session.borrow_mut();
        wait_for(async {
            let event = new_event(&server).await;
            session.turn_to(&event);
            let (mut model, mut past) = (ModelEvent::new(), Past::default());
            for action in &actions {
                let step = past.step(action);
                let outcome = step.perform(&server, &session).await;
                assert_eq!(outcome, model.perform(&step), "{step:?}");
                past.learn(&step, &outcome);
                // The database tells earlier from later by the millisecond.
                tokio::time::sleep(Duration::from_millis(2)).await;
                for section_no in [1, 2, 3] {
                    assert_eq!(session.seats(section_no).await, model.statuses(section_no), "section {section_no} after {step:?}");
                }
            }
            assert_eq!(order_statuses(&server, &event).await, model.order_statuses());
            server.assert_invariants().await;
        });
    });
}

const WORKERS: usize = 5;

/// Runs one worker's actions one after the other, while the others run theirs. Returns the answer to each payment.
async fn work(server: &TestServer, session: &Session, past: &RefCell<Past>, actions: &[Action]) -> Vec<(String, String)> {
    let mut said = Vec::new();
    for action in actions {
        let step = past.borrow_mut().step(action);
        let outcome = step.perform(server, session).await;
        past.borrow_mut().learn(&step, &outcome);
        match (&step, &outcome) {
            (Step::Settle(notices), Outcome::Settled(outcomes)) => {
                said.extend(notices.iter().map(|notice| notice.reference.clone()).zip(outcomes.iter().cloned()));
            }
            (Step::Claim(_), Outcome::Claimed(answers)) => {
                assert!(answers.iter().all(|answer| answer.order.is_some() == ["claimed", "replayed"].contains(&answer.outcome.as_str())));
            }
            _ => {}
        }
    }
    said
}

/// The answer to a payment is its recorded outcome.
async fn assert_recorded(server: &TestServer, event: &EventHandle, said: &[(String, String)]) {
    let sql = "select outcome::text from rowlock.payments where event_id = $1 and provider_reference = $2";
    for (reference, outcome) in said {
        let rows = server.db.query(sql, &[&event.id, reference]).await.expect("payments");
        let recorded = rows.first().map(|row| row.get::<_, String>(0)).unwrap_or_else(|| panic!("{reference} is not recorded: {outcome}"));
        match outcome.as_str() {
            "paid" | "late_reclaimed" => assert_eq!(&recorded, outcome, "{reference}"),
            // A success with the reference of a failure may follow, with any outcome.
            "failed_recorded" | "duplicate" | "payment_conflict" => {}
            "refund_due" => assert_eq!(recorded, "refund_due", "{reference}"),
            "reversal_recorded" => {
                let sql = "select reversed_at is not null from rowlock.payments where event_id = $1 and provider_reference = $2";
                let row = server.db.query_one(sql, &[&event.id, reference]).await.expect("a payment");
                assert!(row.get::<_, bool>(0), "{reference}: {recorded}");
            }
            other => panic!("{reference}: {other}"),
        }
    }
}

/// As the sweep does: an order that was locked when it was due has its turn later.
async fn expire_overdue(server: &TestServer, session: &Session, event: &EventHandle) {
    let sql = "select order_id from rowlock.orders where event_id = $1 and status = 'pending_payment' and expires_at < now()";
    let overdue = server.db.query(sql, &[&event.id]).await.expect("orders");
    session.expire_all(&overdue.iter().map(|row| row.get(0)).collect::<Vec<_>>()).await;
}

/// Every free seat is found: buyers who come one by one get them all.
async fn assert_the_rest_sells(server: &TestServer, session: &Session, event: &EventHandle) {
    session.set_open(true).await;
    session.set_over(false).await;
    for section_no in [1, 2, 3] {
        let free = session.seats(section_no).await.matches('a').count();
        for buyer in 0..free {
            session.claim_one(Ask::best(&format!("buyer-{section_no}-{buyer}"), section_no, 1)).await.order();
        }
        assert_eq!(session.claim_one(Ask::best("late", section_no, 1)).await.outcome, "sold_out");
    }
    let sql = "select sum(available)::bigint from rowlock.sections where event_id = $1";
    assert_eq!(server.db.query_one(sql, &[&event.id]).await.expect("a sum").get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_at_once_nothing_is_lost_sold_twice_or_left_over() {
    let server = server_without_expiry().await;
    let nowhere = EventHandle { id: 0 };
    let sessions = RefCell::new(join_all((0..WORKERS).map(|_| Session::new(&server, &nowhere))).await);
    check(40, 0, vec(vec(action(3), 30), WORKERS), |scripts| {
        let mut sessions = sessions.borrow_mut();
        wait_for(async {
            let event = new_event(&server).await;
            sessions.iter_mut().for_each(|session| session.turn_to(&event));
            let past = RefCell::new(Past::default());
            let workers = sessions.iter().zip(&scripts).map(|(session, actions)| work(&server, session, &past, actions));
            let said = join_all(workers).await.concat();
            expire_overdue(&server, &sessions[0], &event).await;
            server.assert_invariants().await;
            assert_recorded(&server, &event, &said).await;
            assert_the_rest_sells(&server, &sessions[0], &event).await;
            server.assert_invariants().await;
        });
    });
}
