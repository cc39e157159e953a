//! Claims: seats taken all or none, by name or by number, within the customer's limit, and only while on sale.

use pretty_assertions::assert_eq;
use rowlock::db::Endpoint;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::harness::{HOLD_CLAIMS, PATIENCE, TestServer, event_json, eventually};

mod free;
mod idempotency;
mod on_sale;

fn limited(seats_per_customer: i32) -> Value {
    let mut event = event_json(&[("A", 1000, 20)]);
    event["seats_per_customer"] = json!(seats_per_customer);
    event
}

fn moment(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(value.as_str().expect("a time"), &Rfc3339).expect("a time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_answers_its_order_in_full_and_where_to_read_it() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20), ("B", 250, 20)]).await;
    let alice = server.customer("alice");
    let answer = alice.claim_seats(&event, &[("B", 11), ("A", 2), ("A", 10)]).await;
    let order = answer.expect(201);
    let order_id: Uuid = order["order_id"].as_str().expect("an id").parse().expect("a UUID");
    assert_eq!(order_id.get_version_num(), 7);
    let seat = |section: &str, seat: i32, row: &str, price_minor: i32| json!({"section": section, "seat": seat, "row": row, "label": seat.to_string(), "price_minor": price_minor});
    let expected = json!({
        "order_id": order_id, "event_id": event.id, "status": "pending_payment",
        "seats": [seat("B", 11, "2", 250), seat("A", 2, "1", 1000), seat("A", 10, "1", 1000)],
        "amount_minor": 2250, "currency": "TWD", "created_at": order["created_at"], "expires_at": order["expires_at"],
    });
    assert_eq!(order, expected);
    assert_eq!((moment(&order["expires_at"]) - moment(&order["created_at"])).whole_milliseconds(), 10_000);
    let location = answer.header("location").expect("a location");
    assert_eq!(location, event.at(&format!("orders/{order_id}")));
    assert_eq!(alice.get(location).await.expect(200), expected);
    assert_eq!(answer.header("idempotent-replayed"), None);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_seats_are_named_and_none_of_the_others_is_claimed() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20), ("B", 1000, 20)]).await;
    let held = server.customer("alice").claim_seats(&event, &[("A", 2), ("B", 7)]).await.expect(201);
    let sold = server.customer("bob").claim_seats(&event, &[("A", 4)]).await.expect(201);
    server.gateway().pay(&sold).await.expect(200);
    let block = format!("/v1/admin/events/{}/sections/A/block", event.id);
    server.admin().post(&block, &json!({"seats": [5]})).await.expect(200);

    let before = server.trace().await;
    let wanted = [("A", 1), ("A", 2), ("B", 7), ("A", 3), ("A", 4), ("A", 5)];
    for customer in ["carol", "alice"] {
        let problem = server.customer(customer).claim_seats(&event, &wanted).await.problem(409, "seat_taken");
        let seat = |section: &str, seat: i32| json!({"section": section, "seat": seat});
        assert_eq!(problem["taken"], json!([seat("A", 2), seat("B", 7), seat("A", 4), seat("A", 5)]), "{customer}");
    }
    assert_eq!(server.trace().await, before);
    server.customer("carol").claim_seats(&event, &[("A", 1), ("A", 3)]).await.expect(201);
    server.customer("alice").cancel(&held).await.expect(200);
    server.customer("carol").claim_seats(&event, &[("A", 2), ("B", 7)]).await.expect(201);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_takes_a_hundred_seats_and_not_one_more() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 10, 101)]).await;
    let alice = server.customer("alice");
    let seats = |count: i32| (1..=count).map(|seat| ("A", seat)).collect::<Vec<_>>();
    let before = server.trace().await;
    alice.claim_seats(&event, &seats(101)).await.invalid("seats");
    alice.best_available(&event, "A", 101).await.invalid("best_available.quantity");
    assert_eq!(server.trace().await, before);
    let order = alice.claim_seats(&event, &seats(100)).await.expect(201);
    assert_eq!((order["seats"].as_array().map(Vec::len), &order["amount_minor"]), (Some(100), &json!(1000)));
    alice.cancel(&order).await.expect(200);
    let order = alice.best_available(&event, "A", 100).await.expect(201);
    assert_eq!(order["seats"].as_array().map(Vec::len), Some(100));
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_seats_together_come_in_one_row_until_too_few_are_left() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20), ("B", 1000, 1)]).await;
    let alice = server.customer("alice");
    let order = alice.best_available(&event, "A", 4).await.expect(201);
    let seats = order["seats"].as_array().expect("a list");
    let numbers: Vec<_> = seats.iter().map(|seat| seat["seat"].as_i64().expect("a number")).collect();
    assert!(numbers.is_sorted() && numbers[3] - numbers[0] == 3, "{numbers:?} are together");
    assert!(seats.iter().all(|seat| seat["row"] == seats[0]["row"] && seat["section"] == "A"), "{seats:?}");
    assert_eq!(order["amount_minor"], 4000);

    let before = server.trace().await;
    alice.best_available(&event, "A", 17).await.problem(409, "sold_out");
    assert_eq!(server.trace().await, before);
    alice.best_available(&event, "A", 16).await.expect(201);
    alice.best_available(&event, "A", 1).await.problem(409, "sold_out");
    alice.best_available(&event, "B", 1).await.expect(201);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customers_limit_counts_all_orders_and_is_freed_by_cancelling_but_not_by_paying() {
    let server = TestServer::start().await;
    let event = server.event(limited(3)).await;
    let alice = server.customer("alice");
    let two = alice.claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
    let before = server.trace().await;
    alice.claim_seats(&event, &[("A", 3), ("A", 4)]).await.problem(409, "customer_limit");
    alice.best_available(&event, "A", 2).await.problem(409, "customer_limit");
    assert_eq!(server.trace().await, before);
    server.customer("bob").claim_seats(&event, &[("A", 3), ("A", 4), ("A", 5)]).await.expect(201);
    let one = alice.claim_seats(&event, &[("A", 6)]).await.expect(201);
    alice.claim_seats(&event, &[("A", 7)]).await.problem(409, "customer_limit");

    assert_eq!(server.gateway().pay(&two).await.expect(200)["outcome"], "paid");
    alice.claim_seats(&event, &[("A", 7)]).await.problem(409, "customer_limit");
    alice.cancel(&one).await.expect(200);
    alice.claim_seats(&event, &[("A", 7), ("A", 8)]).await.problem(409, "customer_limit");
    alice.best_available(&event, "A", 1).await.expect(201);
    let too_many = server.customer("carol").claim_seats(&event, &[("A", 10), ("A", 11), ("A", 12), ("A", 13)]).await;
    too_many.problem(409, "customer_limit");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customers_limit_is_freed_when_an_order_expires() {
    let server = TestServer::start().await;
    let mut event = limited(1);
    event["window_ms"] = json!(1000);
    let event = server.event(event).await;
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    alice.claim_seats(&event, &[("A", 2)]).await.problem(409, "customer_limit");
    eventually(PATIENCE, || async { alice.order(&order).await.expect(200)["status"] == "expired" }).await;
    alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_and_sections_of_another_event_do_not_exist_in_this_one() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 5)]).await;
    server.small_event(&[("A", 1000, 20), ("B", 1000, 20)]).await;
    let alice = server.customer("alice");
    let before = server.trace().await;
    let problem = alice.claim_seats(&event, &[("A", 1), ("A", 6), ("A", 20)]).await.problem(404, "seat_not_found");
    assert_eq!(problem["seats"], json!([{"section": "A", "seat": 6}, {"section": "A", "seat": 20}]));
    alice.claim_seats(&event, &[("A", 1), ("B", 1)]).await.problem(404, "section_not_found");
    alice.best_available(&event, "B", 1).await.problem(404, "section_not_found");
    assert_eq!(server.trace().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_lane_refuses_at_once_and_loses_nobody_who_waits() {
    let server = TestServer::builder().arg("--waiting-max", 2).start().await;
    let event = server.small_event(&[("A", 1000, 20)]).await;
    // Everybody waits for the seats, which another session has locked.
    let stranger = Endpoint::new(&server.database_url, None).expect("a URL").connect().await.expect("connected").0;
    stranger.batch_execute(HOLD_CLAIMS).await.expect("locked");
    let mut claims: Vec<_> = (1..=8)
        .map(|seat| {
            let customer = server.customer(&format!("customer-{seat}"));
            tokio::spawn(async move { customer.claim_seats(&event, &[("A", seat)]).await })
        })
        .collect();
    // While that session has them, nothing is decided: every answer so far is a refusal.
    eventually(PATIENCE, || async { claims.iter().filter(|claim| claim.is_finished()).count() >= 4 }).await;
    stranger.batch_execute("commit").await.expect("released");
    let mut statuses = Vec::new();
    for claim in claims.drain(..) {
        let answer = claim.await.expect("no panic");
        if answer.status == 503 {
            answer.problem(503, "overloaded");
            let retry_after: u32 = answer.header("retry-after").expect("a hint").parse().expect("seconds");
            assert!(retry_after >= 1);
        }
        statuses.push(answer.status);
    }
    let served = statuses.iter().filter(|status| **status == 201).count();
    assert!((1..=4).contains(&served) && statuses.iter().all(|status| matches!(status, 201 | 503)), "{statuses:?}");
    let orders = server.ask::<i64>("select count(*) from rowlock.orders").await;
    assert_eq!(usize::try_from(orders).expect("a count"), served, "a refusal leaves no order");
    server.customer("later").claim_seats(&event, &[("A", 9)]).await.expect(201);
    server.assert_invariants().await;
}
