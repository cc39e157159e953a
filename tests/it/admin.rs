//! The box office: sales, orders, refunds, dead letters, blocked seats.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::harness::{Answer, EventHandle, PATIENCE, TestServer, event_json, eventually};

fn admin_path(event: &EventHandle, rest: &str) -> String {
    format!("/v1/admin/events/{}/{rest}", event.id)
}

/// Blocks or unblocks seats of section A.
async fn set(server: &TestServer, event: &EventHandle, verb: &str, selection: Value) -> Answer {
    server.admin().post(&admin_path(event, &format!("sections/A/{verb}")), &selection).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sales_report_counts_seats_and_money_by_section() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10), ("B", 500, 4)]).await;
    let alice = server.customer("alice");
    let paid = alice.claim_seats(&event, &[("A", 1), ("A", 2), ("B", 1)]).await.expect(201);
    server.gateway().pay(&paid).await.expect(200);
    alice.claim_seats(&event, &[("A", 3)]).await.expect(201);
    set(&server, &event, "block", json!({"seats": [9, 10]})).await.expect(200);
    let section = |code: &str, price_minor: i32, counts: [i32; 5], revenue_minor: i32| {
        let [capacity, available, held, sold, blocked] = counts;
        json!({"section": code, "name": format!("Section {code}"), "price_minor": price_minor, "capacity": capacity,
               "available": available, "held": held, "sold": sold, "blocked": blocked, "revenue_minor": revenue_minor})
    };
    let expected = json!({"event_id": event.id, "currency": "TWD", "revenue_minor": 2500, "sections": [
        section("A", 1000, [10, 5, 1, 2, 2], 2000), section("B", 500, [4, 3, 0, 1, 0], 500),
    ]});
    assert_eq!(server.admin().get(&admin_path(&event, "sales")).await.expect(200), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_list_everybodys_orders_by_status_and_page() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20)]).await;
    let mut newest_first = Vec::new();
    for (seat, customer) in (1..).zip(["alice", "bob", "carol", "alice"]) {
        let order = server.customer(customer).claim_seats(&event, &[("A", seat)]).await.expect(201);
        newest_first.insert(0, order);
    }
    server.gateway().pay(&newest_first[0]).await.expect(200);
    server.customer("carol").cancel(&newest_first[1]).await.expect(200);
    let list = async |query: &str| server.admin().get(&admin_path(&event, &format!("orders{query}"))).await.expect(200);
    let customers = |page: &Value| {
        let who = |order: &Value| format!("{} {}", order["customer_id"].as_str().unwrap_or("?"), order["status"].as_str().unwrap_or("?"));
        page["orders"].as_array().expect("a list").iter().map(who).collect::<Vec<_>>()
    };
    let everybody = ["alice paid", "carol cancelled", "bob pending_payment", "alice pending_payment"];
    assert_eq!(customers(&list("").await), everybody);
    assert_eq!(customers(&list("?status=pending_payment").await), &everybody[2..]);
    assert_eq!(customers(&list("?status=paid").await), &everybody[..1]);
    assert_eq!(customers(&list("?status=refund_due").await), [""; 0]);
    let first = list("?limit=3").await;
    assert_eq!(customers(&first), &everybody[..3]);
    let next = first["next"].as_str().expect("a cursor");
    let last = list(&format!("?limit=3&after={next}")).await;
    assert_eq!((customers(&last), last.get("next")), (everybody[3..].iter().map(ToString::to_string).collect(), None));
    let mine = list("?status=pending_payment&limit=1").await;
    assert_eq!(mine["next"], mine["orders"][0]["order_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_that_are_due_are_listed_the_oldest_first() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20)]).await;
    let path = admin_path(&event, "refunds-due");
    assert_eq!(server.admin().get(&path).await.expect(200), json!({"refunds": []}));
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let mut references = Vec::new();
    for amount_minor in [1, 2, 3] {
        let mut notice = server.gateway().notice(&order);
        notice["amount_minor"] = json!(amount_minor);
        references.push(notice["provider_reference"].clone());
        server.gateway().notify(notice).await.expect(200);
    }
    let refunds = server.admin().get(&path).await.expect(200);
    let expected: Vec<_> = (1..)
        .zip(&references)
        .map(|(amount_minor, reference)| {
            json!({"provider": "testpay", "provider_reference": reference, "order_id": order["order_id"], "amount_minor": amount_minor,
                   "currency": "TWD", "received_at": refunds["refunds"][amount_minor - 1]["received_at"]})
        })
        .collect();
    assert_eq!(refunds["refunds"], json!(expected));
    let two = server.admin().get(&format!("{path}?limit=2")).await.expect(200);
    assert_eq!(two["refunds"], json!(expected[..2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn blocked_seats_are_off_sale_until_they_are_unblocked() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20), ("B", 1000, 20)]).await;
    let alice = server.customer("alice");
    let selection = json!({"seats": [1, 2, 2], "ranges": [{"from": 2, "to": 4}, {"from": 20, "to": 20}]});
    assert_eq!(set(&server, &event, "block", selection).await.expect(200), json!({"changed": 5}));
    assert_eq!(set(&server, &event, "block", json!({"seats": [4, 5]})).await.expect(200), json!({"changed": 1}), "4 was blocked already");
    let problem = alice.claim_seats(&event, &[("A", 4), ("A", 6)]).await.problem(409, "seat_taken");
    assert_eq!(problem["taken"], json!([{"section": "A", "seat": 4}]));
    alice.claim_seats(&event, &[("B", 4)]).await.expect(201);
    let rest = alice.best_available(&event, "A", 14).await.expect(201);
    assert!(rest["seats"].as_array().expect("a list").iter().all(|seat| (6..=19).contains(&seat["seat"].as_i64().expect("a number"))));
    alice.best_available(&event, "A", 1).await.problem(409, "sold_out");

    alice.cancel(&rest).await.expect(200);
    let all = json!({"ranges": [{"from": 1, "to": 20}]});
    assert_eq!(set(&server, &event, "unblock", all).await.expect(200), json!({"changed": 6}), "the others were available");
    alice.claim_seats(&event, &[("A", 4)]).await.expect(201);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_that_are_held_or_sold_can_be_neither_blocked_nor_unblocked_and_then_none_is() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20)]).await;
    let alice = server.customer("alice");
    set(&server, &event, "block", json!({"seats": [6]})).await.expect(200);
    alice.claim_seats(&event, &[("A", 3)]).await.expect(201);
    let sold = alice.claim_seats(&event, &[("A", 5)]).await.expect(201);
    server.gateway().pay(&sold).await.expect(200);
    let before = server.trace().await;
    for verb in ["block", "unblock"] {
        let problem = set(&server, &event, verb, json!({"ranges": [{"from": 1, "to": 6}]})).await.problem(409, "seats_not_blockable");
        assert_eq!(problem["seats"], json!([{"section": "A", "seat": 3}, {"section": "A", "seat": 5}]));
        let problem = set(&server, &event, verb, json!({"seats": [1, 21]})).await.problem(404, "seat_not_found");
        assert_eq!(problem["seats"], json!([{"section": "A", "seat": 21}]));
        set(&server, &event, verb, json!({})).await.invalid("seats");
        set(&server, &event, verb, json!({"ranges": [{"from": 2, "to": 1}]})).await.invalid("ranges[0].to");
        set(&server, &event, verb, json!({"seats": [0]})).await.invalid("seats[0]");
        let nowhere = admin_path(&event, &format!("sections/Z/{verb}"));
        server.admin().post(&nowhere, &json!({"seats": [1]})).await.problem(404, "section_not_found");
    }
    assert_eq!(server.trace().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_and_redriven() {
    let server = TestServer::start().await;
    let mut brief = event_json(&[("A", 1000, 20)]);
    brief["window_ms"] = json!(1000);
    let event = server.event(brief).await;
    let other_event = server.small_event(&[("A", 1000, 20)]).await;
    // Expiring an order of this event fails for good: every attempt to free its seat is refused.
    let refuse = format!(
        "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'the disk is on fire'; end $$;
         create trigger refuse before update on rowlock.seats for each row when (new.event_id = {} and new.status = 'available')
         execute function refuse()",
        event.id
    );
    server.db.batch_execute(&refuse).await.expect("a trigger");
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    let list = async |query: &str| server.admin().get(&format!("/v1/admin/dead-letters{query}")).await.expect(200);
    let letter = eventually(PATIENCE, || async { list("").await["dead_letters"].get(0).cloned() }).await;
    assert_eq!((&letter["event_id"], &letter["order_id"]), (&json!(event.id), &order["order_id"]));
    assert_eq!(letter["attempts"], 5);
    assert!(letter["last_error"].as_str().is_some_and(|error| error.contains("the disk is on fire")), "{letter}");
    assert!(letter["first_failed_at"].as_str() < letter["last_failed_at"].as_str(), "{letter}");
    assert_eq!(list(&format!("?event_id={}", event.id)).await, json!({"dead_letters": [letter]}));
    assert_eq!(list(&format!("?event_id={}", other_event.id)).await, json!({"dead_letters": []}));
    assert_eq!(alice.order(&order).await.expect(200)["status"], "pending_payment", "its seats are held until somebody acts");

    server.db.batch_execute("drop trigger refuse on rowlock.seats").await.expect("dropped");
    let redrive = format!("/v1/admin/dead-letters/{}/{}/redrive", event.id, order["order_id"].as_str().expect("an id"));
    let answer = server.admin().post_nothing(&redrive).await;
    answer.expect(204);
    assert_eq!(answer.bytes.len(), 0);
    eventually(PATIENCE, || async { alice.order(&order).await.expect(200)["status"] == "expired" }).await;
    assert_eq!(list("").await, json!({"dead_letters": []}));
    server.admin().post_nothing(&redrive).await.problem(404, "dead_letter_not_found");
    server.assert_invariants().await;
}
