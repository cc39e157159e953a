//! Orders that cost nothing: paid at once, with their tickets, and nothing waits for money.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::harness::{EventHandle, TestServer};
use crate::stored::{Ask, Notice, Session, server_without_expiry, unhurried, until_it_waits};

/// Section A costs something, section F nothing.
fn sections() -> Value {
    unhurried(&[("A", 1000, 10), ("F", 0, 10)])
}

/// Seats of each section: available, held, sold.
async fn counts(server: &TestServer, event: &EventHandle) -> Value {
    let sql = format!(
        "select jsonb_object_agg(code, jsonb_build_array(available, held, sold)) from rowlock.sections where event_id = {}",
        event.id
    );
    server.ask(&sql).await
}

async fn tickets(server: &TestServer) -> i64 {
    server.ask("select count(*) from rowlock.tickets").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_free_order_is_paid_at_once_with_its_tickets_and_no_payment() {
    let server = TestServer::start().await;
    let event = server.event(sections()).await;
    let (alice, bob) = (server.customer("alice"), server.customer("bob"));
    let seats = json!({"seats": [{"section": "F", "seat": 1}, {"section": "F", "seat": 2}]});
    let order = alice.claim_once(&event, "free", seats.clone()).await.expect(201);
    assert_eq!((&order["status"], &order["amount_minor"]), (&json!("paid"), &json!(0)));
    assert_eq!(alice.order(&order).await.expect(200), order);
    let replayed = alice.claim_once(&event, "free", seats).await;
    assert_eq!((replayed.expect(201), replayed.header("idempotent-replayed")), (order.clone(), Some("true")));
    let best = bob.best_available(&event, "F", 3).await.expect(201);
    assert_eq!((&best["status"], best["seats"].as_array().map(Vec::len)), (&json!("paid"), Some(3)));
    assert_eq!(counts(&server, &event).await, json!({"A": [10, 0, 0], "F": [5, 0, 5]}));
    assert_eq!(tickets(&server).await, 5);
    let nothing = "select (select count(*) from rowlock.deadlines) + (select count(*) from rowlock.payments)";
    assert_eq!(server.ask::<i64>(nothing).await, 0, "nothing waits, and no money came");

    bob.claim_seats(&event, &[("F", 1)]).await.problem(409, "seat_taken");
    alice.cancel(&order).await.problem(409, "order_not_pending");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_with_one_priced_seat_waits_for_its_payment() {
    let server = TestServer::start().await;
    let event = server.event(sections()).await;
    let order = server.customer("alice").claim_seats(&event, &[("F", 1), ("A", 1)]).await.expect(201);
    assert_eq!((&order["status"], &order["amount_minor"]), (&json!("pending_payment"), &json!(1000)));
    assert_eq!(counts(&server, &event).await, json!({"A": [9, 1, 0], "F": [9, 1, 0]}));
    assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid");
    assert_eq!(counts(&server, &event).await, json!({"A": [9, 0, 1], "F": [9, 0, 1]}));
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_free_order_counts_against_its_customers_limit() {
    let server = TestServer::start().await;
    let mut event = sections();
    event["seats_per_customer"] = json!(2);
    let event = server.event(event).await;
    let alice = server.customer("alice");
    alice.claim_seats(&event, &[("F", 1), ("F", 2)]).await.expect(201);
    alice.claim_seats(&event, &[("F", 3)]).await.problem(409, "customer_limit");
    alice.best_available(&event, "A", 1).await.problem(409, "customer_limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_places_free_and_priced_orders_side_by_side() {
    let server = server_without_expiry().await;
    let event = server.event(sections()).await;
    let session = Session::new(&server, &event).await;
    let asks = [
        Ask::seats("a", &[(1, 1), (2, 1)]),
        Ask::seats("b", &[(2, 2), (2, 3)]).keyed("once"),
        Ask::seats("c", &[(2, 3)]),
        Ask::seats("d", &[(1, 2)]),
        Ask::seats("b", &[(2, 2), (2, 3)]).keyed("once"),
    ];
    let answers = session.claim(&asks).await;
    let told: Vec<_> =
        answers.iter().map(|answer| (answer.outcome.as_str(), answer.order.as_ref().map(|order| order.status.as_str()))).collect();
    let expected = [
        ("claimed", Some("pending_payment")),
        ("claimed", Some("paid")),
        ("seat_taken", None),
        ("claimed", Some("pending_payment")),
        ("replayed", Some("paid")),
    ];
    assert_eq!(told, expected);
    assert_eq!(counts(&server, &event).await, json!({"A": [8, 2, 0], "F": [7, 1, 2]}));
    let listed = "select array_agg(i) = (select array_agg(order_id order by order_id) from rowlock.orders where status = 'pending_payment')
        from (select unnest(order_ids) as i from rowlock.deadlines order by 1) d";
    assert!(server.ask::<bool>(listed).await, "only what waits for money has a deadline");

    let best = [Ask::best("e", 2, 2), Ask::best("f", 1, 2), Ask::best("g", 2, 1)];
    let told: Vec<_> = session.claim(&best).await.iter().map(|answer| answer.order().status).collect();
    assert_eq!(told, ["paid", "pending_payment", "paid"]);
    assert_eq!(counts(&server, &event).await, json!({"A": [6, 4, 0], "F": [4, 1, 5]}));
    assert_eq!(tickets(&server).await, 5);
    server.assert_invariants().await;
}

/// A gateway's notice of a payment of 0 moves no money: none is owed back, and the order stays as it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_of_nothing_for_a_free_order_changes_nothing_and_money_for_it_is_owed_back() {
    let server = server_without_expiry().await;
    let event = server.event(sections()).await;
    let session = Session::new(&server, &event).await;
    let order = session.claim_one(Ask::seats("a", &[(2, 1)])).await.order();
    let nothing = Notice::of(&order);
    assert_eq!(nothing.amount_minor, 0);
    let foreign = Notice { currency: "EUR".to_owned(), ..Notice::of(&order) };
    let failed = Notice { succeeded: false, ..Notice::of(&order) };
    let money = Notice { amount_minor: 500, ..Notice::of(&order) };
    let notices = [nothing.clone(), nothing.clone(), foreign, failed, money];
    assert_eq!(session.settle(&notices).await, ["paid", "duplicate", "paid", "failed_recorded", "refund_due"]);
    assert_eq!(session.settle(&[nothing]).await, ["duplicate"]);
    assert_eq!(session.order_status(order.order_id).await, "paid");
    let owed = "select jsonb_agg(amount_minor) from admin.refunds_due";
    assert_eq!(server.ask::<Value>(owed).await, json!([500]));
    let exported = "select count(*) from admin.sale_export(%)".replace('%', &event.id.to_string());
    assert_eq!(server.ask::<i64>(&exported).await, 1, "a line a seat, however often nothing was reported");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_free_order_tells_that_it_cost_nothing() {
    let server = TestServer::start().await;
    let event = server.event(sections()).await;
    let order = server.customer("alice").claim_seats(&event, &[("F", 1)]).await.expect(201);
    let story =
        format!("select jsonb_agg(what || ': ' || detail) from admin.order_timeline('{}')", order["order_id"].as_str().expect("an id"));
    assert_eq!(server.ask::<Value>(&story).await, json!(["claimed: F 1 for alice, free of charge", "paid: seats sold, tickets issued"]));
    let history = format!("select jsonb_agg(seat_was || ' ' || who) from admin.seat_history({}, 'F', 1)", event.id);
    assert_eq!(server.ask::<Value>(&history).await, json!(["sold alice"]), "it was never held");
}

/// The counts of free and of priced seats move one after the other: a section that comes later must not be locked before.
#[tokio::test(flavor = "multi_thread")]
async fn one_call_for_free_and_priced_seats_locks_their_sections_in_their_order() {
    let server = TestServer::start().await;
    for (first, second) in [(0, 500), (500, 0)] {
        let event = server.event(unhurried(&[("A", first, 10), ("B", second, 10)])).await;
        let (session, locker) = (Session::new(&server, &event).await, server.connect().await);
        session.wait_for_long().await;
        let pid = session.pid;
        let lock =
            |section: i32| format!("select from rowlock.sections where event_id = {} and section_no = {section} for update", event.id);
        locker.batch_execute(&format!("begin; {}", lock(1))).await.expect("its lock");
        let asks = [Ask::seats("ann", &[(1, 1)]), Ask::seats("bob", &[(2, 1)])];
        let claiming = tokio::spawn(async move { session.claim(&asks).await.iter().map(|claim| claim.order().status).collect::<Vec<_>>() });
        until_it_waits(&server, pid).await;
        let probe = server.db.batch_execute(&format!("{} nowait", lock(2))).await;
        probe.expect("whoever waits for the first section has not locked the second");
        locker.batch_execute("commit").await.expect("released");
        let of = |price| if price == 0 { "paid" } else { "pending_payment" };
        assert_eq!(claiming.await.expect("no panic"), [of(first), of(second)]);
    }
    server.assert_invariants().await;
}
