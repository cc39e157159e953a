//! Old orders that ended unpaid are deleted, unless something still refers to them.

use std::collections::BTreeSet;
use std::time::Duration;

use pretty_assertions::assert_eq;
use serde_json::Value;
use uuid::Uuid;

use crate::harness::{EventHandle, TestServer, eventually};
use crate::stored::{Ask, Notice, Session, claim_first_seat, make_due, server_without_expiry};

/// One call for all orders of the first event.
const PRUNE: &str = "select o_deleted from rowlock.prune_unpaid_orders(0, 30, 500)";

/// The id of an order of that many days ago.
fn old_id(days: i64) -> Uuid {
    let at = time::OffsetDateTime::now_utc() - time::Duration::days(days);
    let seconds = u64::try_from(at.unix_timestamp()).expect("after 1970");
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0))
}

/// Claims one seat in an order of so many days ago.
async fn claimed(session: &Session, server: &TestServer, seat_no: i32, days: i64) -> Uuid {
    let ask = Ask { order_id: old_id(days), ..Ask::seats(&format!("customer-{seat_no}"), &[(1, seat_no), (1, seat_no + 50)]) };
    let order_id = session.claim_one(ask).await.order().order_id;
    let sql = "update rowlock.orders set created_at = created_at - $2 * interval '1 day', expires_at = expires_at - $2 * interval '1 day'
        where order_id = $1";
    server.db.execute(sql, &[&order_id, &(days as f64)]).await.expect("an older order");
    order_id
}

async fn ended_days_ago(server: &TestServer, order_id: Uuid, days: f64) {
    let sql = "with paid as (update rowlock.payments set received_at = received_at - $2 * interval '1 day' where order_id = $1)
        update rowlock.orders set ended_at = ended_at - $2 * interval '1 day' where order_id = $1";
    server.db.execute(sql, &[&order_id, &days]).await.expect("an older end");
}

async fn all_orders(server: &TestServer) -> BTreeSet<Uuid> {
    let rows = server.db.query("select order_id from rowlock.orders", &[]).await.expect("orders");
    rows.iter().map(|row| row.get(0)).collect()
}

/// What the gateway says of the only payment for an order.
fn notice(order_id: Uuid, succeeded: bool) -> Notice {
    Notice {
        order_id,
        reference: order_id.to_string(),
        amount_minor: 2000,
        currency: "TWD".to_owned(),
        succeeded,
        message_id: format!("msg_{order_id}"),
    }
}

/// An order of each kind: those that must go, and those that must stay.
async fn history(server: &TestServer, event: &EventHandle) -> (BTreeSet<Uuid>, BTreeSet<Uuid>) {
    let session = Session::new(server, event).await;
    let (mut go, mut stay) = (BTreeSet::new(), BTreeSet::new());
    for seat_no in 1..=5 {
        let order_id = claimed(&session, server, seat_no, 40).await;
        session.release(order_id, &format!("customer-{seat_no}"), &[(1, seat_no)]).await.expect("a released seat");
        if seat_no % 2 == 0 {
            session.cancel(order_id, &format!("customer-{seat_no}")).await.expect("a cancelled order");
        } else {
            assert_eq!(session.expire(order_id).await, "expired");
        }
        ended_days_ago(server, order_id, 40.0).await;
        go.insert(order_id);
    }
    // Paid, failed, ended lately, pending still, too young, released by an operator, with money that was owed back.
    let mut made = Vec::new();
    for (seat_no, days) in [(11, 40), (12, 40), (13, 40), (14, 40), (15, 29), (16, 40), (17, 40)] {
        made.push(claimed(&session, server, seat_no, days).await);
    }
    assert_eq!(session.settle(&[notice(made[0], true), notice(made[1], false)]).await, ["paid", "failed_recorded"]);
    let wrong = Notice { amount_minor: 1, reference: "wrong".to_owned(), ..notice(made[6], true) };
    assert_eq!(session.settle(&[notice(made[6], false), wrong]).await, ["failed_recorded", "refund_due"]);
    for order_id in [made[1], made[2], made[4], made[6]] {
        assert_eq!(session.expire(order_id).await, "expired");
    }
    let sql = "select admin.release_order($1, $2, 'a call')";
    server.db.execute(sql, &[&event.id, &made[5]]).await.expect("a release");
    for (index, days) in [(0, 40.0), (1, 40.0), (2, 1.0), (4, 29.0), (5, 40.0), (6, 40.0)] {
        ended_days_ago(server, made[index], days).await;
    }
    // A payment that failed moved no money.
    go.insert(made.remove(1));
    stay.extend(made);
    (go, stay)
}

#[tokio::test(flavor = "multi_thread")]
async fn old_unpaid_orders_go_and_everything_that_is_needed_stays() {
    let server = server_without_expiry().await;
    let event = server.small_event(&[("A", 1000, 100)]).await;
    let other = server.small_event(&[("A", 1000, 100)]).await;
    let (go, stay) = history(&server, &event).await;
    let (others_go, others_stay) = history(&server, &other).await;
    let released = "select count(*) from rowlock.released_seats";
    assert_eq!(server.ask::<i64>(released).await, 10);

    // As the background task does, in batches so small that one event takes several.
    let (mut from, mut deleted, mut calls) = (0_i64, 0, 0);
    loop {
        let row = server.db.query_one("select * from rowlock.prune_unpaid_orders($1, 30, 3)", &[&from]).await.expect("a call");
        let Some(event_id) = row.get::<_, Option<i64>>("o_event_id") else { break };
        from = event_id;
        calls += 1;
        deleted += row.get::<_, i32>("o_deleted");
    }
    assert_eq!((calls, deleted), (8, 12), "each of the 11 old orders of an event is looked at once");
    let expected: BTreeSet<Uuid> = stay.union(&others_stay).copied().collect();
    assert_eq!(all_orders(&server).await, expected);
    assert_eq!((go.len(), others_go.len()), (6, 6));
    assert_eq!(server.ask::<i64>(released).await, 0);
    let payments = "select array_agg(outcome::text order by outcome) from rowlock.payments group by event_id";
    let kept = server.db.query(payments, &[]).await.expect("payments");
    let kept: Vec<Vec<String>> = kept.iter().map(|row| row.get(0)).collect();
    assert_eq!(kept, [["paid", "refund_due", "failed_recorded"], ["paid", "refund_due", "failed_recorded"]]);
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.prune_unpaid_orders(0, 30, 3) p where p.o_event_id is not null").await, 0);
    let release = "select admin.release_order(event_id, order_id, 'done') from rowlock.orders where status = 'pending_payment'";
    server.db.execute(release, &[]).await.expect("an end");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_somebody_has_locked_stays_and_keeps_nobody_waiting() {
    let server = server_without_expiry().await;
    let event = server.small_event(&[("A", 1000, 100)]).await;
    let (go, stay) = history(&server, &event).await;
    let held = *go.first().expect("an order");
    let holder = server.connect().await;
    let hold = format!("begin; select from rowlock.orders where order_id = '{held}' for key share");
    holder.batch_execute(&hold).await.expect("its lock");
    server.db.batch_execute("set lock_timeout = '1ms'").await.expect("no patience");
    assert_eq!(server.ask::<i32>(PRUNE).await, 5);
    assert_eq!(all_orders(&server).await, stay.union(&BTreeSet::from([held])).copied().collect());
}

/// As a notice does for a moment that names another order.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_failed_payment_somebody_has_locked_stays_and_keeps_nobody_waiting() {
    let server = server_without_expiry().await;
    let event = server.small_event(&[("A", 1000, 100)]).await;
    let (_, stay) = history(&server, &event).await;
    let holder = server.connect().await;
    holder.batch_execute("begin; select from rowlock.payments for update").await.expect("their locks");
    server.db.batch_execute("set lock_timeout = '1ms'").await.expect("no patience");
    assert_eq!(server.ask::<i32>(PRUNE).await, 5);
    assert_eq!(all_orders(&server).await.difference(&stay).count(), 1);
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.payments").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn late_notices_of_a_payment_that_went_with_its_order_are_recorded_like_those_of_an_unknown_order() {
    let server = server_without_expiry().await;
    let event = server.small_event(&[("A", 1000, 100)]).await;
    let session = Session::new(&server, &event).await;
    let mut orders = Vec::new();
    for seat_no in [1, 2] {
        let order_id = claimed(&session, &server, seat_no, 40).await;
        assert_eq!(session.settle(&[notice(order_id, false)]).await, ["failed_recorded"]);
        assert_eq!(session.expire(order_id).await, "expired");
        ended_days_ago(&server, order_id, 40.0).await;
        orders.push(order_id);
    }
    assert_eq!(server.ask::<i32>(PRUNE).await, 2);
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.payments").await, 0);

    // A failure that is told again, and then the success of another attempt; and a success at once.
    let again = notice(orders[0], false);
    assert_eq!(session.settle(&[again.clone(), again.then(true)]).await, ["failed_recorded", "refund_due"]);
    let success = notice(orders[1], false).then(true);
    assert_eq!(session.settle(std::slice::from_ref(&success)).await, ["refund_due"]);
    assert_eq!(session.settle_recorded(&[success]).await, [("duplicate".to_owned(), Some("refund_due".to_owned()))]);
    let owed = "select count(*) from admin.refunds_due where order_status is null and amount_minor = 2000";
    assert_eq!(server.ask::<i64>(owed).await, 2);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_prunes_in_the_background() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 100)]).await;
    let session = Session::new(&server, &event).await;
    let order_id = claimed(&session, &server, 1, 40).await;
    make_due(&server, order_id).await;
    let is_expired = "select count(*) from rowlock.orders where status = 'expired'";
    eventually(Duration::from_secs(20), || async { server.ask::<i64>(is_expired).await == 1 }).await;
    ended_days_ago(&server, order_id, 40.0).await;
    let _second = server.second().await;
    eventually(Duration::from_secs(20), || async { all_orders(&server).await.is_empty() }).await;
}

/// How many pages a claim reads, which is then undone.
async fn pages_read_by_a_claim(server: &TestServer, event: &EventHandle) -> i64 {
    let claim = format!("explain (analyze, buffers, format json) select from {}", claim_first_seat(event.id, "zoe"));
    server.db.batch_execute("begin").await.expect("a transaction");
    let plan: Value = server.db.query_one(&claim, &[]).await.expect("a plan").get(0);
    server.db.batch_execute("rollback").await.expect("its end");
    ["Shared Hit Blocks", "Shared Read Blocks"].iter().map(|kind| plan[0]["Plan"][*kind].as_i64().expect("pages")).sum()
}

/// Until a table is vacuumed, its indexes still have what was deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_does_not_read_what_was_pruned() {
    const ENDED: i32 = 4_000;
    let server = server_without_expiry().await;
    server.db.batch_execute("alter table rowlock.orders set (autovacuum_enabled = false)").await.expect("no vacuum");
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let prefix = old_id(40).to_string();
    let fill = format!(
        "insert into rowlock.orders (event_id, order_id, customer_id, status, section_nos, seat_nos, amount_minor, created_at, expires_at,
            ended_at)
        select {}, ('{}' || lpad(to_hex(n), 12, '0'))::uuid, md5(n::text), 'expired', '{{1}}', '{{1}}', 1000, now() - interval '40 days',
            now() - interval '39 days', now() - interval '39 days'
        from generate_series(1, {ENDED}) as n",
        event.id,
        &prefix[..24]
    );
    server.db.batch_execute(&fill).await.expect("a history");
    // Twice: the first one makes its plans.
    pages_read_by_a_claim(&server, &event).await;
    let before = pages_read_by_a_claim(&server, &event).await;
    assert_eq!(server.ask::<i32>("select o_deleted from rowlock.prune_unpaid_orders(0, 30, 10000)").await, ENDED);
    let after = pages_read_by_a_claim(&server, &event).await;
    assert!(after < before + 500, "{after} pages, {before} before");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_how_large_each_table_is() {
    let server = TestServer::start().await;
    let sql = "select count(*) from admin.table_health where table_bytes is not null and index_bytes is not null";
    let tables = "select count(*) from pg_tables where schemaname = 'rowlock'";
    assert_eq!(server.ask::<i64>(sql).await, server.ask::<i64>(tables).await);
}
