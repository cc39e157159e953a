//! PostgreSQL crashes, restarts, is down for a long time, or hangs.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::ledger::{SECTIONS, Shoppers};
use super::network::Weather;
use super::own_cluster::OnOwnCluster;
use crate::expiry::queued_for_ms;
use crate::harness::{Answer, PATIENCE, eventually};

const SHOPPERS: i32 = 20;
/// How soon everybody must be told that nothing was done.
const TOLD_WITHIN: Duration = Duration::from_secs(5);
/// How soon a buyer or a reader must be answered, whatever is known: within three seconds, and one more for a busy machine.
const TOLD_BUYERS_WITHIN: Duration = Duration::from_secs(3 + 1);
/// The same for a gateway, and for a customer who gives back seats.
const TOLD_OTHERS_WITHIN: Duration = Duration::from_secs(9 + 1);

#[tokio::test(flavor = "multi_thread")]
async fn crashes_of_postgresql_are_survived_and_nothing_is_reported_that_is_not_so() {
    const CRASHES: usize = 3;
    let Some(stack) = OnOwnCluster::start().await else { return };
    let event = stack.event(SECTIONS).await;
    let shoppers = Shoppers::start(&stack.server, event, SHOPPERS);
    for _ in 0..CRASHES {
        let sold = shoppers.sold();
        eventually(PATIENCE, || async { shoppers.sold() > sold + 50 }).await;
        stack.crash().await;
    }
    let sold = shoppers.sold();
    eventually(PATIENCE, || async { shoppers.sold() > sold + 50 }).await;
    shoppers.stop_and_check(&stack.db().await).await;
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_postgresql_is_survived_and_nothing_is_reported_that_is_not_so() {
    let Some(mut stack) = OnOwnCluster::start().await else { return };
    let event = stack.event(SECTIONS).await;
    let shoppers = Shoppers::start(&stack.server, event, SHOPPERS);
    eventually(PATIENCE, || async { shoppers.sold() > 50 }).await;
    stack.stop_postgres().await;
    stack.start_postgres().await;
    let sold = shoppers.sold();
    eventually(PATIENCE, || async { shoppers.sold() > sold + 50 }).await;
    shoppers.stop_and_check(&stack.db().await).await;
    stack.end().await;
}

/// PostgreSQL commits and answers, and the answer is lost with the connection: buyers must still get their orders.
#[tokio::test(flavor = "multi_thread")]
async fn calls_whose_answers_are_lost_on_the_way_are_looked_up() {
    const LOST: usize = 25;
    let Some(stack) = OnOwnCluster::start().await else { return };
    let event = stack.event(SECTIONS).await;
    let shoppers = Shoppers::start(&stack.server, event, SHOPPERS);
    while stack.network.lost() < LOST {
        let (sold, lost) = (shoppers.sold(), stack.network.lost());
        eventually(PATIENCE, || async { shoppers.sold() > sold + 5 }).await;
        stack.network.lose_answers();
        eventually(PATIENCE, || async { stack.network.lost() > lost }).await;
    }
    let refusals = shoppers.refusals();
    shoppers.stop_and_check(&stack.db().await).await;
    assert_eq!(refusals, 0, "PostgreSQL was up all the time: every answer could be known");
    stack.end().await;
}

/// Its order is found, not claimed a second time: then it would be answered as a replay. And like any other, it goes to the expiry queue.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_answer_is_lost_is_answered_like_any_other() {
    let Some(stack) = OnOwnCluster::start().await else { return };
    let event = stack.event(&[("A", 1000, 1000)]).await;
    let alice = stack.server.customer("alice");
    alice.best_available(&event, "A", 1).await.expect(201);
    stack.network.lose_answers();
    let mut order = Value::Null;
    // The lane's workers take turns, and not each of them may have a connection to lose yet.
    while stack.network.lost() == 0 {
        let answer = alice.best_available(&event, "A", 1).await;
        order = answer.expect(201);
        assert_eq!(order["status"], "pending_payment");
        assert_eq!(answer.header("idempotent-replayed"), None);
    }
    eventually(PATIENCE, || async { queued_for_ms(&stack.server, &order).await.is_some() }).await;
    stack.end().await;
}

/// A lost call may still be running, with its seats locked: its own locks must not make its seats look taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_outlives_its_connection_is_answered_as_it_ends() {
    let Some(stack) = OnOwnCluster::start().await else { return };
    let event = stack.event(SECTIONS).await;
    let db = stack.db().await;
    db.batch_execute(
        "create function public.slow() returns trigger language plpgsql as 'begin perform pg_sleep(1); return new; end';
         create trigger slow before insert on rowlock.orders for each statement execute function public.slow()",
    )
    .await
    .expect("a trigger");
    let alice = stack.server.customer("alice");
    let claim = tokio::spawn(async move { alice.claim_seats(&event, &[("A", 1)]).await });
    let under_way = "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";
    eventually(PATIENCE, || async { db.query_one(under_way, &[]).await.expect("a count").get::<_, i64>(0) == 1 }).await;
    stack.network.cut();
    let order = claim.await.expect("no panic").expect(201);
    let orders = db.query("select order_id::text from rowlock.orders", &[]).await.expect("the orders");
    let orders: Vec<&str> = orders.iter().map(|row| row.get(0)).collect();
    assert_eq!(orders, [order["order_id"].as_str().expect("an id")]);
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgresql_is_down_everybody_is_told_so_soon_and_afterwards_all_is_well() {
    let Some(mut stack) = OnOwnCluster::start().await else { return };
    let event = stack.event(SECTIONS).await;
    let alice = stack.server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    stack.stop_postgres().await;
    let begun = Instant::now();
    let (claim, payment, read, list, ready, alive) = tokio::join!(
        alice.claim_seats(&event, &[("A", 2)]),
        async { stack.server.gateway().pay(&order).await },
        alice.order(&order),
        async { stack.server.anyone().get("/v1/events").await },
        async { stack.server.anyone().get("/readyz").await },
        async { stack.server.anyone().get("/livez").await },
    );
    assert!(begun.elapsed() < TOLD_WITHIN, "told after {} ms", begun.elapsed().as_millis());
    for answer in [&claim, &payment, &read, &list, &ready] {
        answer.problem(503, "unavailable");
        assert!(answer.header("retry-after").is_some());
    }
    alive.expect(200);
    // Still down, and new requests do not wait longer.
    let begun = Instant::now();
    alice.claim_seats(&event, &[("A", 3)]).await.problem(503, "unavailable");
    assert!(begun.elapsed() < TOLD_BUYERS_WITHIN, "told after {} ms", begun.elapsed().as_millis());
    stack.start_postgres().await;
    stack.recovers(&event).await;
    let mut seen = Vec::new();
    for seat in 1..=3 {
        seen.push(stack.server.customer("bob").claim_seats(&event, &[("A", seat)]).await.status);
    }
    assert_eq!(seen, [409, 201, 201], "what was called unavailable has not happened");
    stack.end().await;
}

/// The answer, and how long it took.
async fn timed(answer: impl Future<Output = Answer>) -> (Answer, Duration) {
    let begun = Instant::now();
    (answer.await, begun.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_hangs_keeps_nobody_waiting_for_ever() {
    let Some(stack) = OnOwnCluster::start().await else { return };
    let (event, unread) = (stack.event(SECTIONS).await, stack.event(SECTIONS).await);
    let (alice, anyone, gateway) = (stack.server.customer("alice"), stack.server.anyone(), stack.server.gateway());
    let postgres = stack.port();
    let claimed = async |seat| alice.claim_seats(&event, &[("A", seat)]).await.expect(201);
    let (paid, unpaid, unwanted) = (claimed(1).await, claimed(3).await, claimed(4).await);
    assert_eq!(gateway.pay(&paid).await.expect(200)["outcome"], "paid");
    let notice = gateway.notice(&unpaid);
    let known = [event.path(), event.at("sections"), event.at("sections/A/seats"), event.at("availability")];
    for path in &known {
        let fresh = anyone.get(path).await;
        fresh.expect(200);
        assert_eq!((fresh.header("age"), fresh.header("warning")), (None, None), "{path}");
    }
    stack.network.becomes(Weather::Silent);
    let notified = tokio::spawn(timed({
        let notice = notice.clone();
        async move { gateway.notify(notice).await }
    }));
    // What was never read is not invented.
    let unknown = ["/readyz".to_owned(), "/v1/events".to_owned(), unread.at("sections"), event.at("sections/B/seats")];
    let ((claim, claim_told), order, cancelled, reads) = tokio::join!(
        timed(alice.claim_seats(&event, &[("A", 2)])),
        timed(alice.order(&paid)),
        timed(alice.cancel(&unwanted)),
        join_all(unknown.iter().map(|path| timed(anyone.get(path)))),
    );
    // PostgreSQL had the claim and cannot be asked what it did with it: that is what the buyer is told.
    let lost = claim.problem(503, "outcome_unknown");
    assert!(claim_told < TOLD_BUYERS_WITHIN, "the claim after {claim_told:?}");
    for (answer, told) in reads.iter().chain([&order]) {
        answer.problem(503, "unavailable");
        assert!(*told < TOLD_BUYERS_WITHIN, "a read after {told:?}: {reads:?}");
    }
    assert!(["outcome_unknown", "unavailable"].map(Value::from).contains(&cancelled.0.body["code"]), "{cancelled:?}");
    assert!(cancelled.1 < TOLD_OTHERS_WITHIN, "{cancelled:?}");
    for path in &known {
        let (stale, told) = timed(anyone.get(path)).await;
        stale.expect(200);
        assert!(told < TOLD_BUYERS_WITHIN, "{path} after {told:?}");
        assert!(stale.header("age").is_some_and(|age| age.parse::<u32>().is_ok_and(|age_s| age_s >= 1)), "{path}: {:?}", stale.headers);
        assert_eq!(stale.header("warning"), Some("110 - \"Response is Stale\""), "{path}");
    }
    let (notified, told) = notified.await.expect("no panic");
    notified.problem(503, "outcome_unknown");
    assert!(told < TOLD_OTHERS_WITHIN, "the gateway after {told:?}");
    stack.network.becomes(Weather::Fair(postgres));
    stack.recovers(&event).await;
    let outcome = &stack.server.gateway().notify(notice).await.expect(200)["outcome"];
    assert!(["paid", "duplicate"].contains(&outcome.as_str().expect("a word")), "sent again, as gateways do: {outcome}");
    let read_again = || async { anyone.get(&known[1]).await.header("age").is_none() };
    eventually(PATIENCE, read_again).await;
    let found = alice.order(&json!({"event_id": event.id, "order_id": lost["order_id"]})).await;
    assert!([200, 404].contains(&found.status), "now it is known: {}", found.text());
    let seat = stack.server.customer("bob").claim_seats(&event, &[("A", 2)]).await;
    assert_eq!(seat.status, if found.status == 200 { 409 } else { 201 });
    alice.cancel(&unwanted).await.expect(200);
    stack.end().await;
}
