//! Every pending order is listed under its deadline from its claim on; ended orders are removed.

use std::collections::BTreeSet;

use pretty_assertions::assert_eq;
use uuid::Uuid;

use crate::harness::TestServer;
use crate::stored::{Ask, Claimed, Notice, Placed, Session, make_due, server_without_expiry, unhurried};

const LISTED: &str = "select coalesce(sum(cardinality(order_ids)), 0)::bigint from rowlock.deadlines";

async fn overdue(server: &TestServer, limit: i32) -> Vec<Uuid> {
    let sql = "select order_id from rowlock.overdue_orders(0, $1)";
    server.db.query(sql, &[&limit]).await.expect("an answer").iter().map(|row| row.get(0)).collect()
}

/// Moves all orders this many days into the past, as if nothing had expired since.
async fn days_pass(server: &TestServer, days: i32) {
    let sql = "with moved as (update rowlock.deadlines set expires_at = expires_at - make_interval(days => $1))
               update rowlock.orders set created_at = created_at - make_interval(days => $1), expires_at = expires_at - make_interval(days => $1)";
    server.db.execute(sql, &[&days]).await.expect("moved");
}

async fn claimed(session: &Session, seats: std::ops::RangeInclusive<i32>) -> Vec<Placed> {
    let asks: Vec<Ask> = seats.map(|seat| Ask::seats(&format!("customer {seat}"), &[(1, seat)])).collect();
    session.claim(&asks).await.iter().map(Claimed::order).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_overdue_for_days_are_found_oldest_first_and_what_has_ended_is_struck_out() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 20)])).await;
    let session = Session::new(&server, &event).await;
    let old = claimed(&session, 1..=6).await;
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.deadlines").await, 1, "one row for all that were claimed together");
    assert_eq!(session.settle(&[Notice::of(&old[0])]).await, ["paid"]);
    session.cancel(old[1].order_id, "customer 2").await.expect("cancelled");
    days_pass(&server, 2).await;
    let young = claimed(&session, 7..=8).await;
    assert_eq!(overdue(&server, 1).await, [old[2].order_id]);
    assert_eq!(server.ask::<i64>(LISTED).await, 8, "more may be overdue in that row: it is left as it is");

    days_pass(&server, 1).await;
    let ids = |orders: &[Placed]| orders.iter().map(|order| order.order_id).collect::<Vec<_>>();
    let all = [ids(&old[2..]), ids(&young)].concat();
    let found = overdue(&server, 100).await;
    assert_eq!(found.len(), all.len());
    assert_eq!(found[..4].iter().collect::<BTreeSet<_>>(), all[..4].iter().collect(), "the older ones first");
    assert_eq!(found[4..].iter().collect::<BTreeSet<_>>(), all[4..].iter().collect());
    assert_eq!(server.ask::<i64>(LISTED).await, 6, "the paid and the cancelled order are struck out");

    for order_id in &all[..5] {
        assert_eq!(session.expire(*order_id).await, "expired");
    }
    assert_eq!(overdue(&server, 100).await, [all[5]]);
    assert_eq!(server.ask::<i64>(LISTED).await, 1);
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.deadlines").await, 1, "the row of the older ones is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_whose_orders_have_all_ended_go() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 20)])).await;
    let session = Session::new(&server, &event).await;
    for seat in 1..=3 {
        let order = session.claim_one(Ask::seats("ann", &[(1, seat)])).await.order();
        make_due(&server, order.order_id).await;
        assert_eq!(session.expire(order.order_id).await, "expired");
    }
    let pending = session.claim_one(Ask::best("ann", 1, 2)).await.order();
    server.assert_invariants().await;
    assert_eq!(overdue(&server, 100).await, Vec::<Uuid>::new());
    let left = "select count(*) from rowlock.deadlines where expires_at < now()";
    assert_eq!(server.ask::<i64>(left).await, 0);
    let kept = format!("select count(*) from rowlock.deadlines where order_ids = array['{}'::uuid]", pending.order_id);
    assert_eq!(server.ask::<i64>(&kept).await, 1);
}

/// What the expiry queue asks: the first order by id names a deadline, whatever the order of the requests.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_claimed_together_is_found_by_its_first_order_and_nothing_else_is() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 20)])).await;
    let session = Session::new(&server, &event).await;
    let mut asks: Vec<Ask> = (1..=6).map(|seat| Ask::seats(&format!("customer {seat}"), &[(1, seat)])).collect();
    asks.reverse();
    let placed: Vec<Placed> = session.claim(&asks).await.iter().map(Claimed::order).collect();
    let others: Vec<Ask> = (7..=8).map(|quantity| Ask::best("ann", 1, quantity - 6)).rev().collect();
    let best: Vec<Placed> = session.claim(&others).await.iter().map(Claimed::order).collect();
    let ids = |orders: &[Placed]| orders.iter().map(|order| order.order_id).collect::<BTreeSet<_>>();
    let found = async |event_id: i64, names: &[Option<Uuid>]| {
        let sql = "select order_id, overdue_ms from rowlock.claimed_together($1, $2)";
        let rows = server.db.query(sql, &[&event_id, &names]).await.expect("an answer");
        let overdue_ms: BTreeSet<bool> = rows.iter().map(|row| row.get::<_, i32>(1) >= 0).collect();
        (rows.len(), rows.iter().map(|row| row.get::<_, Uuid>(0)).collect::<BTreeSet<_>>(), overdue_ms)
    };
    let (first, first_of_best) = (placed[5].order_id, best.iter().map(|order| order.order_id).min());
    assert_eq!(found(event.id, &[Some(first)]).await, (6, ids(&placed), BTreeSet::from([false])), "not due yet");
    let both = ids(&[placed.clone(), best.clone()].concat());
    assert_eq!(found(event.id, &[Some(first), first_of_best, Some(first), None]).await, (8, both, BTreeSet::from([false])));
    let nothing = (0, BTreeSet::new(), BTreeSet::new());
    assert_eq!(found(event.id + 1, &[Some(first)]).await, nothing, "another event's");
    assert_eq!(found(event.id, &[Some(placed[2].order_id), Some(Uuid::now_v7()), None]).await, nothing, "names of no deadline");
    assert_eq!(found(event.id, &[]).await, nothing);

    // The named one ends, one cannot be expired, and the rest are overdue by more milliseconds than fit into the type.
    assert_eq!(session.settle(&[Notice::of(&placed[5])]).await, ["paid"]);
    let failed = format!(
        "select from rowlock.record_expiry_failure(p_event_id => {}, p_order_id => '{}', p_error => 'planted', p_attempts_max => 5)",
        event.id, placed[1].order_id
    );
    server.db.batch_execute(&failed).await.expect("written down");
    days_pass(&server, 30).await;
    let left = ids(&[placed[0].clone(), placed[2].clone(), placed[3].clone(), placed[4].clone()]);
    assert_eq!(found(event.id, &[Some(first)]).await, (4, left, BTreeSet::from([true])));
    let most = format!("select max(overdue_ms) from rowlock.claimed_together({}, array['{first}'::uuid])", event.id);
    assert_eq!(server.ask::<i32>(&most).await, i32::MAX);
}
