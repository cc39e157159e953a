//! Callers who disconnect before they are answered: nobody would pay for their claims, but their payments count.

use std::time::Duration;

use pretty_assertions::assert_eq;
use serde_json::Value;
use tokio_postgres::Client;

use crate::harness::{Abandoned, PATIENCE, Stops, TestServer, at_the_gate, build_gate, eventually, open_gate};
use crate::stored::unhurried;

/// How soon a payment is settled once nothing holds it up.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);

/// Waits until this many requests are in the lanes, waiting or in a call.
async fn lanes_hold(server: &TestServer, what: &str, count: u64) {
    let name = format!("rowlock_lane_depth{{lane=\"{what}\"}}");
    eventually(PATIENCE, || async { server.metric(&name).await == count }).await;
}

async fn statuses(db: &Client) -> Vec<String> {
    let sql = "select status::text from rowlock.orders order by order_id";
    db.query(sql, &[]).await.expect("the orders").iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_caller_hung_up_while_it_waited_is_not_carried_out() {
    let server = TestServer::start().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    build_gate(&server.db, "insert on rowlock.orders", "new.customer_id = 'first'", Stops::All).await;
    let claim = |customer: &str, seat: i32| {
        let customer = server.customer(customer);
        tokio::spawn(async move { customer.claim_seats(&event, &[("A", seat)]).await })
    };
    let first = claim("first", 1);
    at_the_gate(&server.db).await;
    let gone = Abandoned::claim(&server, &event, "gone", ("A", 2)).await;
    lanes_hold(&server, "claims", 2).await;
    gone.hang_up().await;
    // Whoever goes away leaves room.
    lanes_hold(&server, "claims", 1).await;
    let last = claim("last", 3);
    lanes_hold(&server, "claims", 2).await;
    open_gate(&server.db).await;
    for claim in [first, last] {
        claim.await.expect("no panic").expect(201);
    }
    let customers = server.ask::<Vec<String>>("select array_agg(customer_id order by customer_id) from rowlock.orders").await;
    assert_eq!(customers, ["first", "last"], "nobody waited for the claim between them");
    server.customer("late").claim_seats(&event, &[("A", 2)]).await.expect(201);
    lanes_hold(&server, "claims", 0).await;
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_gateway_hung_up_while_it_waited_is_settled_all_the_same() {
    let server = TestServer::start().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let mut orders: Vec<Value> = Vec::new();
    for seat in 1..=2 {
        orders.push(server.customer("alice").claim_seats(&event, &[("A", seat)]).await.expect(201));
    }
    let is_first = format!("new.order_id = '{}'", orders[0]["order_id"].as_str().expect("an id"));
    build_gate(&server.db, "insert on rowlock.payments", &is_first, Stops::All).await;
    let (gateway, order) = (server.gateway(), orders[0].clone());
    let first = tokio::spawn(async move { gateway.pay(&order).await });
    at_the_gate(&server.db).await;
    let gone = Abandoned::payment(&server, &orders[1]).await;
    lanes_hold(&server, "payments", 2).await;
    gone.hang_up().await;
    open_gate(&server.db).await;
    assert_eq!(first.await.expect("no panic").expect(200)["outcome"], "paid");
    eventually(SETTLED_WITHIN, || async { statuses(&server.db).await == ["paid", "paid"] }).await;
    lanes_hold(&server, "payments", 0).await;
    server.assert_invariants().await;
}

/// No connection waits for these payments, so only the lanes themselves can delay the shutdown.
#[tokio::test(flavor = "multi_thread")]
async fn payments_in_the_lanes_are_settled_before_the_server_ends_though_their_gateway_hung_up() {
    let mut server = TestServer::builder().arg("--drain-s", 30).start().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let mut orders: Vec<Value> = Vec::new();
    for seat in 1..=2 {
        orders.push(server.customer("alice").claim_seats(&event, &[("A", seat)]).await.expect(201));
    }
    let db = server.connect().await;
    build_gate(&db, "insert on rowlock.payments", "true", Stops::All).await;
    // One is in a call, the other waits behind it.
    let first = Abandoned::payment(&server, &orders[0]).await;
    at_the_gate(&db).await;
    let second = Abandoned::payment(&server, &orders[1]).await;
    lanes_hold(&server, "payments", 2).await;
    first.hang_up().await;
    second.hang_up().await;

    let mut stopping = tokio::spawn(async move { (server.stop().await, server) });
    let early = tokio::time::timeout(Duration::from_secs(1), &mut stopping).await;
    assert!(early.is_err(), "the server ended with payments in its lanes");
    open_gate(&db).await;
    let (ended, server) = tokio::time::timeout(SETTLED_WITHIN, stopping).await.expect("it ends").expect("no panic");
    assert_eq!(statuses(&db).await, ["paid", "paid"], "the moment it has ended");
    ended.expect("an orderly end");
    server.assert_invariants().await;
}
