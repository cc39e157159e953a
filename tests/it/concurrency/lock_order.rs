//! The lock order of `sql/README.md`, function by function. One session holds the lowest of the locks that a function needs; while the
//! function waits for it, everything higher must still be free, or two transactions could deadlock.

mod trial;

use pretty_assertions::assert_eq;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::stored::{Ask, Notice, make_due, until_it_waits};
use trial::{
    SECTIONS, Trial, advisory, advisory_are_free, in_order_of_keys, rows_are_free, seat, seats_and_sections, section, sections_above,
};

/// Every function that moves seats from one status to another does so by `_move_seat_counts`.
#[tokio::test(flavor = "multi_thread")]
async fn sections_are_locked_from_the_lowest_number_on() {
    let trial = Trial::new().await;
    let (held, free) = (section(1), sections_above(1));
    let mut orders = Vec::new();
    for seat in 1..=4 {
        orders.push(trial.order("ann", seat).await);
    }
    let seats: Vec<_> = SECTIONS.into_iter().rev().map(|section| (section, 5)).collect();

    let rival = trial.rival().await;
    trial.runs_into(&held, &free, rival.pid, async move { rival.claim_one(Ask::seats("bob", &seats)).await.order() }).await;
    let rival = trial.rival().await;
    let best: Vec<Ask> = SECTIONS.into_iter().rev().map(|section| Ask::best("bob", section, 2)).collect();
    trial.runs_into(&held, &free, rival.pid, async move { rival.claim(&best).await.iter().for_each(|claim| drop(claim.order())) }).await;
    let (rival, paid) = (trial.rival().await, Notice::of(&orders[0]));
    assert_eq!(trial.runs_into(&held, &free, rival.pid, async move { rival.settle(&[paid]).await }).await, ["paid"]);
    // Two notices for one order are settled one by one.
    let (rival, twice) = (trial.rival().await, [Notice { amount_minor: 1, ..Notice::of(&orders[1]) }, Notice::of(&orders[1])]);
    assert_eq!(trial.runs_into(&held, &free, rival.pid, async move { rival.settle(&twice).await }).await, ["refund_due", "paid"]);
    let (rival, order_id) = (trial.rival().await, orders[2].order_id);
    trial.runs_into(&held, &free, rival.pid, async move { rival.cancel(order_id, "ann").await.expect("cancelled") }).await;
    let (rival, order_id) = (trial.rival().await, orders[3].order_id);
    make_due(&trial.server, order_id).await;
    assert_eq!(trial.runs_into(&held, &free, rival.pid, async move { rival.expire(order_id).await }).await, "expired");
    let (operator, pid) = operator(&trial).await;
    let event_id = trial.event.id;
    assert_eq!(trial.runs_into(&held, &free, pid, async move { block(&operator, event_id, "C 9, B 9, A 9").await }).await, 3);
    trial.server.assert_invariants().await;
}

/// An operator at psql.
async fn operator(trial: &Trial) -> (Client, i32) {
    let client = trial.server.connect().await;
    let pid = client.query_one("select pg_backend_pid()", &[]).await.expect("a process id").get(0);
    (client, pid)
}

async fn block(operator: &Client, event_id: i64, seats: &str) -> i32 {
    operator.query_one("select admin.block_seats($1, $2, 'a test')", &[&event_id, &seats]).await.expect("blocked").get(0)
}

/// A session that waits for a seat waits for the lowest first, and has no section yet.
#[tokio::test(flavor = "multi_thread")]
async fn seats_are_locked_from_the_lowest_on_and_before_any_section() {
    let trial = Trial::new().await;
    let mut orders = Vec::new();
    for seat in 1..=4 {
        orders.push(trial.order("ann", seat).await);
    }
    let lowest = |number: i32| seat((1, number));
    let others = |number: i32| seats_and_sections(&[(2, number), (3, number)]);

    let (rival, paid) = (trial.rival().await, Notice::of(&orders[0]));
    assert_eq!(trial.runs_into(&lowest(1), &others(1), rival.pid, async move { rival.settle(&[paid]).await }).await, ["paid"]);
    let (rival, twice) = (trial.rival().await, [Notice { amount_minor: 1, ..Notice::of(&orders[1]) }, Notice::of(&orders[1])]);
    assert_eq!(trial.runs_into(&lowest(2), &others(2), rival.pid, async move { rival.settle(&twice).await }).await, ["refund_due", "paid"]);
    let (rival, order_id) = (trial.rival().await, orders[2].order_id);
    trial.runs_into(&lowest(3), &others(3), rival.pid, async move { rival.cancel(order_id, "ann").await.expect("cancelled") }).await;
    let (rival, order_id) = (trial.rival().await, orders[3].order_id);
    make_due(&trial.server, order_id).await;
    assert_eq!(trial.runs_into(&lowest(4), &others(4), rival.pid, async move { rival.expire(order_id).await }).await, "expired");
    // Seats that an operator and a box office block, in whatever order they list them.
    let (operator, pid) = operator(&trial).await;
    let (event_id, higher) = (trial.event.id, seats_and_sections(&[(1, 8), (1, 9), (2, 9), (3, 7)]));
    let blocked = async move { block(&operator, event_id, "C 7, B 9, A 9 8 7").await };
    assert_eq!(trial.runs_into(&lowest(7), &higher, pid, blocked).await, 5);
    let (rival, higher) = (trial.rival().await, seats_and_sections(&[(1, 11), (1, 12)]));
    let pid = rival.pid;
    let blocked = async move { rival.block(1, &[12, 11, 10]).await };
    assert_eq!(trial.runs_into(&lowest(10), &higher, pid, blocked).await, Ok(3));
    trial.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_locked_from_the_lowest_id_on() {
    let trial = Trial::new().await;
    let mut orders = Vec::new();
    for seat in 1..=4 {
        orders.push(trial.order("ann", seat).await);
    }
    orders.sort_by_key(|order| order.order_id);
    let order = |index: usize| format!("select from rowlock.orders where order_id = '{}' for update", orders[index].order_id);
    let others = |index: usize| {
        let higher = rows_are_free("orders", &format!("order_id = '{}'", orders[index].order_id));
        [vec![higher], seats_and_sections(&[(1, 1), (1, 2), (1, 3), (1, 4)])].concat()
    };
    // Expiry waits for no order.
    let (rival, notices) = (trial.rival().await, [Notice::of(&orders[3]), Notice::of(&orders[2])]);
    let paid = trial.runs_into(&order(2), &others(3), rival.pid, async move { rival.settle(&notices).await }).await;
    assert_eq!(paid, ["paid", "paid"]);
    trial.server.assert_invariants().await;
}

/// A reference identifies a payment: two servers that get the same notices at once must both lock the lowest one first.
#[tokio::test(flavor = "multi_thread")]
async fn payments_are_recorded_from_the_lowest_identity_on() {
    let trial = Trial::new().await;
    let mut orders = Vec::new();
    for seat in 1..=4 {
        orders.push(trial.order("ann", seat).await);
    }
    let notice = |index: usize, reference: &str| Notice { reference: reference.to_owned(), ..Notice::of(&orders[index]) };
    trial.session.begin().await;
    assert_eq!(trial.session.settle(&[notice(0, "a")]).await, ["paid"]);
    let (rival, notices) = (trial.rival().await, [notice(1, "c"), notice(2, "b"), notice(3, "a")]);
    let pid = rival.pid;
    let settling = tokio::spawn(async move { rival.settle(&notices).await });
    until_it_waits(&trial.server, pid).await;
    let probe = trial.server.connect().await;
    let insert = "begin; set local lock_timeout = '200ms';
        insert into rowlock.payments (event_id, provider, provider_reference, order_id, amount_minor, currency, status, outcome, received_at)
        select event_id, 'testpay', reference, gen_random_uuid(), 1, 'TWD', 'failed', 'failed_recorded', now()
        from rowlock.events cross join unnest(array['b', 'c']) reference";
    probe.batch_execute(insert).await.expect("whoever waits for payment a has not recorded b or c");
    probe.batch_execute("rollback").await.expect("undone");
    trial.session.rollback().await;
    assert_eq!(settling.await.expect("no panic"), ["paid", "paid", "paid"]);
    trial.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_are_locked_from_the_lowest_key_on_and_before_any_seat() {
    let trial = Trial::new().await;
    let names = ["ann", "bob", "cid"];
    let by_key = in_order_of_keys(&trial, 1, &names).await;
    let late = trial.cancelled(&names).await;
    let held = advisory(&trial, 1, &by_key[0]);
    let free =
        [advisory_are_free(&trial, 1, &by_key[1..]), seats_and_sections(&[(1, 1), (1, 2), (1, 3), (1, 10), (2, 11), (3, 12)])].concat();

    // Whatever the order of the requests.
    for names in [names, ["cid", "bob", "ann"], ["bob", "ann", "cid"]] {
        let claims: Vec<Ask> = names.iter().zip(1..).map(|(name, seat)| Ask::seats(name, &[(1, seat)])).collect();
        let rival = trial.rival().await;
        let pid = rival.pid;
        let claimed = async move {
            rival.begin().await;
            rival.claim(&claims).await.iter().for_each(|claim| drop(claim.order()));
            rival.rollback().await;
        };
        trial.runs_into(&held, &free, pid, claimed).await;
    }
    let (rival, notices) = (trial.rival().await, late.iter().map(Notice::of).collect::<Vec<_>>());
    let settled = trial.runs_into(&held, &free, rival.pid, async move { rival.settle(&notices).await }).await;
    assert_eq!(settled, ["late_reclaimed"; 3]);
    trial.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_are_locked_from_the_lowest_key_on_and_before_any_seat() {
    let trial = Trial::new().await;
    let by_key = in_order_of_keys(&trial, 2, &["1", "2", "3"]).await;
    let free = [advisory_are_free(&trial, 2, &by_key[1..]), seats_and_sections(&[(1, 1), (2, 1), (3, 1)])].concat();
    let asks: Vec<Ask> = SECTIONS.into_iter().map(|section| Ask::best("ann", section, 1)).collect();
    let reversed = asks.iter().rev().map(|ask| Ask { order_id: Uuid::now_v7(), ..ask.clone() }).collect();
    for asks in [asks, reversed] {
        let rival = trial.rival().await;
        let pid = rival.pid;
        let claimed = async move { rival.claim(&asks).await.iter().for_each(|claim| drop(claim.order())) };
        trial.runs_into(&advisory(&trial, 2, &by_key[0]), &free, pid, claimed).await;
    }
    trial.server.assert_invariants().await;
}
