//! Claiming and paying change rows in place: no index is touched except for new orders, payments and tickets.

use pretty_assertions::assert_eq;

use crate::harness::{PATIENCE, TestServer, eventually};
use crate::stored::{Ask, Notice, Session, server_without_expiry, unhurried};

const BATCH: i32 = 256;
const BATCHES: i32 = 4;

/// How many rows of a table were updated so far, and for how many of them no index changed.
async fn updates(server: &TestServer, table: &str) -> (i64, i64) {
    let sql = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where schemaname = 'rowlock' and relname = $1";
    let row = server.db.query_one(sql, &[&table]).await.expect("counts");
    (row.get(0), row.get(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn full_batches_of_claims_and_payments_are_heap_only_updates() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, BATCH * BATCHES), ("B", 1000, BATCH * BATCHES)])).await;
    let session = Session::new(&server, &event).await;
    let mut notices = Vec::new();
    for batch in 0..BATCHES {
        let nos = batch * BATCH + 1..=(batch + 1) * BATCH;
        let seats: Vec<Ask> = nos.clone().map(|no| Ask::seats(&format!("customer {no}"), &[(1, no)]).keyed("a key")).collect();
        let searches: Vec<Ask> = nos.map(|no| Ask::best(&format!("customer {no}"), 2, 1).keyed("another")).collect();
        for asks in [seats, searches] {
            notices.extend(session.claim(&asks).await.iter().map(|answer| Notice::of(&answer.order())));
        }
    }
    let orders = i64::from(2 * BATCH * BATCHES);
    // A session reports its counts when it has been idle for a moment.
    eventually(PATIENCE, || async { updates(&server, "seats").await.0 == orders }).await;
    assert_eq!(updates(&server, "seats").await, (orders, orders));

    // Plans were made for empty tables: each read of a customer's orders must still have used its index.
    for index in ["orders_live", "orders_ended"] {
        let looks = format!("select idx_scan from pg_stat_user_indexes where schemaname = 'rowlock' and indexrelname = '{index}'");
        eventually(PATIENCE, || async { server.ask::<i64>(&looks).await >= orders }).await;
    }

    for some in notices.chunks(256) {
        assert!(session.settle(some).await.iter().all(|outcome| outcome == "paid"));
    }
    eventually(PATIENCE, || async { updates(&server, "orders").await.0 == orders }).await;
    assert_eq!(updates(&server, "orders").await, (orders, orders));
    let (all, hot) = updates(&server, "sections").await;
    assert_eq!(all, hot);
    server.assert_invariants().await;
}
