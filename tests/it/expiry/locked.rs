//! Somebody keeps an order, a seat or a section locked: only the orders that need it wait.

use std::time::Duration;

use futures_util::future::join_all;
use pretty_assertions::assert_eq;
use uuid::Uuid;

use super::*;
use crate::harness::RedisMode;
use crate::stored::{Ask, Notice, Session, make_due, server_without_expiry, unhurried};

/// Orders of one seat each, half of them in each section.
const ORDERS: i32 = 100;

/// What somebody locks, and which orders need it.
struct Hindrance {
    lock: &'static str,
    victims: &'static str,
}

const AN_ORDER: Hindrance = Hindrance {
    lock: "select from rowlock.orders where event_id = {event} and seat_nos = '{7}' and section_nos = '{1}' for update",
    victims: "seat_nos = '{7}' and section_nos = '{1}'",
};
const A_SEAT: Hindrance = Hindrance {
    lock: "select from rowlock.seats where event_id = {event} and seat_no = 7 and section_no = 1 for update",
    victims: "seat_nos = '{7}' and section_nos = '{1}'",
};
const A_SECTION: Hindrance = Hindrance {
    lock: "select from rowlock.sections where event_id = {event} and section_no = 1 for update",
    victims: "section_nos = '{1}'",
};

/// How late the last of these orders of an event ended after `since`, in milliseconds; `None` while one is pending.
async fn late_ms(server: &TestServer, event: &EventHandle, which: &str, since: &str) -> Option<f64> {
    let sql = format!(
        "select case when bool_and(status = 'expired') then extract(epoch from max(ended_at) - {since})::float8 * 1000 end
         from rowlock.orders where event_id = {} and {which}",
        event.id
    );
    server.ask(&sql).await
}

/// Claims everything, locks something until the others have expired, and then lets go. Returns how late these and then those were.
async fn while_locked(server: &TestServer, hindrance: &Hindrance) -> (f64, f64) {
    let Hindrance { lock, victims } = hindrance;
    let mut event = event_json(&[("A", 1000, ORDERS / 2), ("B", 1000, ORDERS / 2)]);
    event["window_ms"] = json!(2_000);
    let event = server.event(event).await;
    let claims = (0..ORDERS).map(|number| {
        let buyer = server.customer(&format!("buyer-{number}"));
        let seat = (["A", "B"][usize::from(number % 2 == 1)], number / 2 + 1);
        async move { buyer.claim_seats(&event, &[seat]).await.expect(201) }
    });
    join_all(claims).await;
    let holder = server.connect().await;
    let lock = lock.replace("{event}", &event.id.to_string());
    holder.batch_execute(&format!("begin; {lock}")).await.expect("its lock");
    let others = format!("not ({victims})");
    let others_late_ms = eventually(PATIENCE, || late_ms(server, &event, &others, "max(expires_at)")).await;
    let pending = format!("select count(*) from rowlock.orders where event_id = {} and {victims} and status = 'pending_payment'", event.id);
    let all = pending.replace(" and status = 'pending_payment'", "");
    assert_eq!(server.ask::<i64>(&pending).await, server.ask::<i64>(&all).await, "{lock}");
    let released_at: String = server.ask("select clock_timestamp()::text").await;
    holder.batch_execute("commit").await.expect("released");
    let since = format!("greatest(max(expires_at), '{released_at}')");
    let victims_late_ms = eventually(PATIENCE, || late_ms(server, &event, victims, &since)).await;
    (others_late_ms, victims_late_ms)
}

async fn only_those_that_need_it_wait(redis: RedisMode) {
    let server = TestServer::builder().redis(redis).start().await;
    for hindrance in [AN_ORDER, A_SEAT, A_SECTION] {
        assert_soon(SWEPT_WITHIN_MS, async |_| {
            let (others, victims) = while_locked(&server, &hindrance).await;
            others.max(victims)
        })
        .await;
    }
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.expiry_failures").await, 0, "to wait is no failed attempt");
    assert_eq!(counter(&server, "rowlock_expiry_failures_total").await, 0);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_keeps_locked_keeps_no_other_seats_held_with_redis() {
    only_those_that_need_it_wait(RedisMode::Shared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_keeps_locked_keeps_no_other_seats_held_without_redis() {
    only_those_that_need_it_wait(RedisMode::Off).await;
}

/// The sweep reads a thousand orders at a time, the longest overdue first: if they are all locked, it looks further.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_locked_orders_do_not_take_up_the_sweep() {
    const LOCKED: i32 = 1_100;
    let server = server_without_expiry().await;
    let (stuck, free) = (server.event(unhurried(&[("A", 1000, LOCKED)])).await, server.event(unhurried(&[("A", 1000, 4)])).await);
    let asks: Vec<Ask> = (1..=LOCKED).map(|seat| Ask::seats(&format!("customer {seat}"), &[(1, seat)])).collect();
    Session::new(&server, &stuck).await.claim(&asks).await;
    let order = Session::new(&server, &free).await.claim_one(Ask::seats("ann", &[(1, 1)])).await.order();
    make_due(&server, order.order_id).await;
    let longer_overdue = "
        with due as (
            update rowlock.orders set created_at = created_at - interval '2 days', expires_at = expires_at - interval '2 days'
            where event_id = $1
            returning event_id, order_id, expires_at
        )
        insert into rowlock.deadlines
        select event_id, expires_at, (array_agg(order_id order by order_id))[1], array_agg(order_id order by order_id)
        from due group by event_id, expires_at";
    server.db.execute(longer_overdue, &[&stuck.id]).await.expect("due");
    let lock = format!("begin; select from rowlock.orders where event_id = {} for update", stuck.id);
    server.db.batch_execute(&lock).await.expect("their locks");
    // It sweeps when it starts, and then not for a minute.
    let second = server.second().await;
    let looks = second.connect().await;
    let status = format!("select status::text from rowlock.orders where order_id = '{}'", order.order_id);
    eventually(Duration::from_secs(20), || async { looks.query_one(&status, &[]).await.expect("an order").get::<_, &str>(0) == "expired" })
        .await;
}

/// The outcomes of expiring these orders, in the order of their ids.
async fn outcomes(db: &tokio_postgres::Client, event: &EventHandle, order_ids: &[Uuid], passes_locks: bool) -> Vec<String> {
    let sql = "select outcome from rowlock.expire_orders($1, $2, $3) order by order_id";
    let rows = db.query(sql, &[&event.id, &order_ids, &passes_locks]).await.unwrap_or_else(|error| panic!("{error:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_answered_as_locked_only_while_it_is_pending_and_somebody_holds_what_it_needs() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 10), ("B", 1000, 10)])).await;
    let session = Session::new(&server, &event).await;
    let asks = [[(1, 1), (2, 1)], [(1, 2), (1, 3)], [(2, 2), (2, 3)], [(1, 4), (1, 5)], [(1, 6), (1, 7)]];
    let mut orders: Vec<_> = session.claim(&asks.map(|seats| Ask::seats("ann", &seats))).await.iter().map(|claim| claim.order()).collect();
    orders.sort_by_key(|order| order.order_id);
    let ids: Vec<Uuid> = orders.iter().map(|order| order.order_id).chain([Uuid::max()]).collect();
    for order_id in &ids[..4] {
        make_due(&server, *order_id).await;
    }
    assert_eq!(session.settle(&[Notice::of(&orders[3])]).await, ["paid"]);
    let fail = "select rowlock.record_expiry_failure(p_event_id => $1, p_order_id => $2, p_error => 'planted', p_attempts_max => 9)";
    server.db.execute(fail, &[&event.id, &ids[0]]).await.expect("written down");

    let (holder, expiring) = (server.connect().await, server.connect().await);
    expiring.batch_execute("set lock_timeout = '200ms'").await.expect("a setting");
    let held = async |lock: &str, passes_locks: bool| {
        holder.batch_execute(&format!("begin; {lock}")).await.expect("its lock");
        expiring.batch_execute("begin").await.expect("begin");
        let told = outcomes(&expiring, &event, &ids, passes_locks).await;
        expiring.batch_execute("rollback").await.expect("undone");
        holder.batch_execute("rollback").await.expect("released");
        told
    };
    let rest = ["not_pending", "not_due", "order_not_found"];
    let everything = "select from rowlock.orders for update";
    assert_eq!(held(everything, false).await, ["locked", "locked", "locked", "not_pending", "locked", "order_not_found"]);
    let seat_of = |order: usize| format!("select from rowlock.seats where order_id = '{}' and seat_no <> 1 for update", ids[order]);
    assert_eq!(held(&seat_of(1), true).await, [&["expired", "locked", "expired"], &rest[..]].concat());
    assert_eq!(
        held("select from rowlock.sections where code = 'B' for update", true).await,
        [&["locked", "expired", "locked"], &rest[..]].concat()
    );
    assert_eq!(held("select from rowlock.sections for update", true).await, [&["locked", "locked", "locked"], &rest[..]].concat());
    assert_eq!(held("select", true).await, [&["expired", "expired", "expired"], &rest[..]].concat());

    // What is left keeps the record of its failure, until it has ended.
    holder.batch_execute("begin; select from rowlock.sections where code = 'B' for update").await.expect("its lock");
    assert_eq!(outcomes(&expiring, &event, &ids[..1], true).await, ["locked"]);
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.expiry_failures").await, 1);
    holder.batch_execute("commit").await.expect("released");
    assert_eq!(outcomes(&expiring, &event, &ids, true).await, [&["expired", "expired", "expired"], &rest[..]].concat());
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.expiry_failures").await, 0);
    server.assert_invariants().await;
}
