//! Seats of unpaid orders are on sale again soon after their deadline, whatever fails.

mod backoff;
mod broken_queue;
mod dead_letters;
mod grace;
mod leases;
mod locked;
mod queue;
mod rolled_back;
mod storm;
mod sweep;

use pretty_assertions::assert_eq;
use redis::AsyncCommands;
use serde_json::{Value, json};

use crate::harness::{EventHandle, PATIENCE, TestServer, event_json, eventually};

/// How late a seat may come back through the queue. `make bench` measures it from outside, as `due_together_p99_ms`.
const QUEUED_WITHIN_MS: f64 = 250.0;
/// How late a seat may come back without the queue.
const SWEPT_WITHIN_MS: f64 = 2_000.0;
/// A pause between sweeps longer than any test, so that only the queue works.
const NO_SWEEP: (&str, &str) = ("--sweep-interval-ms", "60000");

/// A concert with one section A and a payment window of one second.
async fn brief_event(server: &TestServer, seats: i32) -> EventHandle {
    let mut event = event_json(&[("A", 1000, seats)]);
    event["window_ms"] = json!(1_000);
    server.event(event).await
}

fn order_id(order: &Value) -> &str {
    order["order_id"].as_str().expect("an order's id")
}

async fn status_of(server: &TestServer, order: &Value) -> String {
    server.ask(&format!("select status::text from rowlock.orders where order_id = '{}'", order_id(order))).await
}

/// An order has come back through the queue in time. Promises of speed are about optimised builds, one test at a time: `.ci/promises` runs
/// these tests so. In a debug build with other tests beside it, an order may only not be early.
#[track_caller]
fn assert_queued_in_time(late_ms: f64) {
    let may_be_later = cfg!(debug_assertions);
    assert!(late_ms >= 0.0 && (late_ms < QUEUED_WITHIN_MS || may_be_later), "{late_ms} ms late");
}

/// Makes up to three attempts until one is late by less than `within_ms`. A busy machine is late once; code that is slower than it should
/// be is late every time.
async fn assert_soon(within_ms: f64, attempt: impl AsyncFn(i32) -> f64) {
    let mut late_ms = Vec::new();
    for number in 1..=3 {
        let this_late_ms = attempt(number).await;
        late_ms.push(this_late_ms);
        if this_late_ms < within_ms {
            return;
        }
    }
    panic!("{late_ms:?} ms late, and never within {within_ms} ms");
}

/// Waits for the expiry of the order and returns how long after its deadline that was, in milliseconds.
async fn expired_after_ms(server: &TestServer, order: &Value) -> f64 {
    eventually(PATIENCE, || async { status_of(server, order).await == "expired" }).await;
    let sql = "select extract(epoch from ended_at - expires_at)::float8 * 1000 from rowlock.orders where order_id";
    server.ask(&format!("{sql} = '{}'", order_id(order))).await
}

/// The seats of these orders are bob's now, paid.
async fn assert_sold_again(server: &TestServer, event: &EventHandle, seats: &[(&str, i32)]) {
    let order = server.customer("bob").claim_seats(event, seats).await.expect(201);
    assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid");
}

/// The sorted set of the server's expiry queue.
fn queue_key(server: &TestServer) -> String {
    format!("{{{}}}:expiry", server.redis_prefix)
}

/// The entry of an order in the queue, claimed alone.
fn entry(order: &Value) -> String {
    format!("{}:{}:1", order["event_id"], order_id(order))
}

/// When the queue means to expire the order, in Unix milliseconds; `None` if it does not know it.
pub async fn queued_for_ms(server: &TestServer, order: &Value) -> Option<f64> {
    server.redis().await.zscore(queue_key(server), entry(order)).await.expect("Redis answers")
}

/// A counter of the server's metrics.
async fn counter(server: &TestServer, name: &str) -> u64 {
    server.metric(name).await
}

async fn server_without_sweep() -> TestServer {
    TestServer::builder().arg(NO_SWEEP.0, NO_SWEEP.1).start().await
}

async fn queue_is_empty(server: &TestServer) -> bool {
    server.redis().await.zcard::<_, u64>(queue_key(server)).await.expect("Redis answers") == 0
}
