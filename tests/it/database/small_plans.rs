//! A session plans its statements when a sale begins and the tables are nearly empty. The plans must serve when there are thousands of
//! orders, before PostgreSQL has analysed the tables again.

use crate::harness::TestServer;
use crate::stored::{Ask, Notice, Placed, Session, make_due, server_without_expiry, unhurried};

const ORDERS: i32 = 6_000;
const BATCH: i32 = 100;
/// Rows of all tables that one request of a batch may read.
const READ_MAX: i64 = 25;

/// Claims one seat each, for as many customers.
async fn claimed(session: &Session, seat_nos: std::ops::RangeInclusive<i32>) -> Vec<Placed> {
    let asks: Vec<_> = seat_nos.map(|seat_no| Ask::seats(&format!("customer-{seat_no}"), &[(1, seat_no)])).collect();
    session.claim(&asks).await.iter().map(|claimed| claimed.order()).collect()
}

/// Does everything that a sale does, to `size` orders each, beginning with this seat; says what it was and how many rows it read.
async fn all_calls(server: &TestServer, session: &Session, first: i32, size: i32) -> Vec<(&'static str, i64)> {
    let mut read = Vec::new();
    session.begin().await;
    let orders = claimed(session, first..=first + size - 1).await;
    read.push(("claim_seats", session.rows_read().await));
    session.commit().await;

    session.begin().await;
    let asks: Vec<_> = (0..size).map(|number| Ask::best(&format!("chooses-{first}-{number}"), 1, 1)).collect();
    let best: Vec<_> = session.claim(&asks).await.iter().map(|claimed| claimed.order()).collect();
    read.push(("claim_best_available", session.rows_read().await));
    session.commit().await;

    session.begin().await;
    let outcomes = session.settle(&orders.iter().map(Notice::of).collect::<Vec<_>>()).await;
    assert!(outcomes.iter().all(|outcome| outcome == "paid"), "{outcomes:?}");
    read.push(("settle_payments", session.rows_read().await));
    session.commit().await;

    let (last, due) = best.split_last().expect("an order");
    for order in due {
        make_due(server, order.order_id).await;
    }
    session.begin().await;
    session.expire_all(&due.iter().map(|order| order.order_id).collect::<Vec<_>>()).await;
    read.push(("expire_orders", session.rows_read().await));
    session.commit().await;

    session.begin().await;
    session.cancel(last.order_id, &format!("chooses-{first}-{}", size - 1)).await.expect("a cancelled order");
    read.push(("cancel_order", session.rows_read().await));
    session.commit().await;
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_of_the_beginning_of_a_sale_serve_its_end() {
    let server = server_without_expiry().await;
    let never = ["orders", "seats", "sections", "payments", "tickets", "deadlines"]
        .map(|table| format!("alter table rowlock.{table} set (autovacuum_enabled = false)"));
    server.db.batch_execute(&format!("{}; analyze", never.join("; "))).await.expect("no new statistics");
    let event = unhurried(&[("A", 1000, 10_000)]);
    let event = server.event(event).await;
    let session = Session::new(&server, &event).await;
    all_calls(&server, &session, 1, 2).await;
    for first in (BATCH..ORDERS).step_by(250) {
        claimed(&session, first..=first + 249).await;
    }
    for (call, read) in all_calls(&server, &session, ORDERS + 1_000, BATCH).await {
        assert!(read <= READ_MAX * i64::from(BATCH), "{call} read {read} rows for {BATCH} requests");
    }
    server.assert_invariants().await;
}
