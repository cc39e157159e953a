//! Values that must be refused, each with its status, code and field, and without any effect.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::harness::{TestServer, event_json};

mod bodies;
mod heads;
mod queries;
mod texts;
mod wire;

/// The body with one value replaced, found by a JSON pointer.
fn with(body: &Value, pointer: &str, value: Value) -> Value {
    let mut body = body.clone();
    match body.pointer_mut(pointer) {
        Some(place) => *place = value,
        None => {
            let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
            body.pointer_mut(parent).and_then(Value::as_object_mut).expect("a place for it").insert(key.to_owned(), value);
        }
    }
    body
}

fn without(body: &Value, field: &str) -> Value {
    let mut body = body.clone();
    body.as_object_mut().expect("an object").remove(field);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_is_refused_by_the_field_at_fault() {
    let server = TestServer::start().await;
    let good = event_json(&[("A", 1000, 10)]);
    let long = "x".repeat(201);
    let bad = [
        ("/name", json!(""), "name"),
        ("/name", json!(long), "name"),
        ("/name", json!("a\0b"), "name"),
        ("/name", json!("a\nb"), "name"),
        ("/name", json!(null), "name"),
        ("/name", json!(7), "name"),
        ("/venue", json!(long), "venue"),
        ("/venue", json!("\0"), "venue"),
        ("/window_ms", json!(999), "window_ms"),
        ("/window_ms", json!(0), "window_ms"),
        ("/window_ms", json!(-1), "window_ms"),
        ("/window_ms", json!(86_400_001), "window_ms"),
        ("/window_ms", json!(1000.5), "window_ms"),
        ("/window_ms", json!("1000"), "window_ms"),
        ("/window_ms", json!(9_007_199_254_740_993_i64), "window_ms"),
        ("/seats_per_customer", json!(0), "seats_per_customer"),
        ("/seats_per_customer", json!(1001), "seats_per_customer"),
        ("/currency", json!("twd"), "currency"),
        ("/currency", json!("TWDX"), "currency"),
        ("/currency", json!("T\0D"), "currency"),
        ("/starts_at", json!("tomorrow"), "starts_at"),
        ("/starts_at", json!("2026-02-30T10:00:00Z"), "starts_at"),
        ("/on_sale_at", json!("2026-11-22 10:00"), "on_sale_at"),
        ("/on_sale_at", json!(1_700_000_000), "on_sale_at"),
        ("/status", json!("open"), "status"),
    ];
    let before = server.trace().await;
    for (pointer, value, field) in bad {
        server.admin().post("/v1/events", &with(&good, pointer, value)).await.invalid(field);
    }
    for field in ["name", "currency", "sections"] {
        server.admin().post("/v1/events", &without(&good, field)).await.invalid(field);
    }
    assert_eq!(server.trace().await, before, "nothing was created");
}

#[tokio::test(flavor = "multi_thread")]
async fn sections_that_cannot_be_are_refused_by_the_field_at_fault() {
    let server = TestServer::start().await;
    let good = event_json(&[("A", 1000, 10)]);
    let section = |code: &str, seats: i32| json!({"section": code, "name": code, "price_minor": 1, "seats": seats});
    let long = "x".repeat(201);
    let too_many: Vec<_> = (0..501).map(|index| section(&format!("S{index}"), 1)).collect();
    let bad = [
        ("/sections", json!([]), "sections"),
        ("/sections", json!({}), "sections"),
        ("/sections", json!(too_many), "sections"),
        ("/sections", json!([section("A", 1), section("A", 1)]), "sections[1].section"),
        ("/sections", json!([section("A", 999_999), section("B", 2)]), "sections[1]"),
        ("/sections/0/section", json!(""), "sections[0].section"),
        ("/sections/0/section", json!("A B"), "sections[0].section"),
        ("/sections/0/section", json!("A\0"), "sections[0].section"),
        ("/sections/0/section", json!("x".repeat(21)), "sections[0].section"),
        ("/sections/0/name", json!(long), "sections[0].name"),
        ("/sections/0/name", json!("\0"), "sections[0].name"),
        ("/sections/0/price_minor", json!(-1), "sections[0].price_minor"),
        ("/sections/0/price_minor", json!(1_000_000_000_001_i64), "sections[0].price_minor"),
        ("/sections/0/price_minor", json!(i64::MAX), "sections[0].price_minor"),
        ("/sections/0/price_minor", json!(u64::MAX), "sections[0].price_minor"),
        ("/sections/0/price_minor", json!(9.99), "sections[0].price_minor"),
        ("/sections/0/seats", json!(0), "sections[0].seats"),
        ("/sections/0/seats", json!(-5), "sections[0].seats"),
        ("/sections/0/seats", json!(1_000_001), "sections[0].seats"),
        ("/sections/0/row_length", json!(0), "sections[0].row_length"),
        ("/sections/0/rows", json!([{"row": "1", "seats": 1}]), "sections[0].rows"),
        ("/sections/0/currency", json!("EUR"), "sections[0].currency"),
        ("/sections/0/colour", json!("red"), "sections[0].colour"),
    ];
    let before = server.trace().await;
    for (pointer, value, field) in bad {
        server.admin().post("/v1/events", &with(&good, pointer, value)).await.invalid(field);
    }
    let rows = |rows: Value| with(&good, "/sections/0", json!({"section": "A", "name": "A", "price_minor": 1, "rows": rows}));
    server.admin().post("/v1/events", &rows(json!([]))).await.invalid("sections[0].rows");
    server.admin().post("/v1/events", &rows(json!([{"row": "1", "seats": 0}]))).await.invalid("sections[0].rows[0].seats");
    server.admin().post("/v1/events", &rows(json!([{"row": "", "seats": 1}]))).await.invalid("sections[0].rows[0].row");
    let above = json!([{"row": "1", "seats": 500_000}, {"row": "2", "seats": 500_001}]);
    server.admin().post("/v1/events", &rows(above)).await.invalid("sections[0]");
    let neither = with(&good, "/sections/0", json!({"section": "A", "name": "A", "price_minor": 1}));
    server.admin().post("/v1/events", &neither).await.invalid("sections[0].seats");
    assert_eq!(server.trace().await, before, "nothing was created");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_at_its_bounds_is_created_and_its_largest_order_is_paid() {
    let server = TestServer::start().await;
    let mut event = event_json(&[("A", 1_000_000_000_000, 100)]);
    event["name"] = json!("名".repeat(200));
    event["window_ms"] = json!(86_400_000);
    event["sections"][0]["section"] = json!("x".repeat(20));
    let event = server.event(event).await;
    let alice = server.customer("alice");
    let order = alice.best_available(&event, &"x".repeat(20), 100).await.expect(201);
    assert_eq!(order["amount_minor"], 100_000_000_000_000_i64);
    assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid");
    let sales = server.admin().get(&format!("/v1/admin/events/{}/sales", event.id)).await.expect(200);
    assert_eq!(sales["revenue_minor"], 100_000_000_000_000_i64);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_cannot_be_is_refused_and_changes_nothing() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let before = server.trace().await;
    let bad = [
        (json!({"window_ms": 999}), "window_ms"),
        (json!({"window_ms": 86_400_001}), "window_ms"),
        (json!({"seats_per_customer": 0}), "seats_per_customer"),
        (json!({"name": "x".repeat(201)}), "name"),
        (json!({"name": "a\0"}), "name"),
        (json!({"venue": "x".repeat(201)}), "venue"),
        (json!({"starts_at": "soon"}), "starts_at"),
        (json!({"status": "opened"}), "status"),
        (json!({"status": "draft"}), "status"),
        (json!({"currency": "EUR"}), "currency"),
        (json!({"sections": []}), "sections"),
        (json!({"name": "Renamed", "window_ms": 5}), "window_ms"),
        (json!([]), "body"),
    ];
    for (body, field) in bad {
        server.admin().patch(&event.path(), &body).await.invalid(field);
    }
    assert_eq!(server.trace().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_cannot_be_is_refused_and_takes_no_seat() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10), ("B", 1000, 10)]).await;
    let alice = server.customer("alice");
    let seat = |section: Value, seat: Value| json!({"seats": [{"section": "A", "seat": 1}, {"section": section, "seat": seat}]});
    let best = |section: Value, quantity: Value| json!({"best_available": {"section": section, "quantity": quantity}});
    let bad = [
        (json!({"seats": []}), "seats"),
        (json!({"seats": {}}), "seats"),
        (json!({"seats": "A1"}), "seats"),
        (json!({}), "seats"),
        (json!({"seats": null, "best_available": null}), "seats"),
        (json!({"seats": [{"section": "A", "seat": 1}], "best_available": null}), "best_available"),
        (json!({"seats": [{"section": "A", "seat": 1}], "best_available": {"section": "A", "quantity": 1}}), "best_available"),
        (json!([]), "body"),
        (json!("seats"), "body"),
        (seat(json!("A"), json!(1)), "seats[1]"),
        (seat(json!("A"), json!(0)), "seats[1].seat"),
        (seat(json!("A"), json!(-1)), "seats[1].seat"),
        (seat(json!("A"), json!(1_000_001)), "seats[1].seat"),
        (seat(json!("A"), json!(1.5)), "seats[1].seat"),
        (seat(json!("A"), json!("2")), "seats[1].seat"),
        (seat(json!("A"), json!(null)), "seats[1].seat"),
        (seat(json!("A\0"), json!(2)), "seats[1].section"),
        (seat(json!(""), json!(2)), "seats[1].section"),
        (seat(json!("x".repeat(21)), json!(2)), "seats[1].section"),
        (seat(json!(1), json!(2)), "seats[1].section"),
        (json!({"seats": [{"section": "A", "seat": 1, "row": "1"}]}), "seats[0].row"),
        (json!({"seats": [{"section": "A", "seat": 1}], "customer_id": "bob"}), "customer_id"),
        (best(json!("A"), json!(0)), "best_available.quantity"),
        (best(json!("A"), json!(-1)), "best_available.quantity"),
        (best(json!("A"), json!(11)), "best_available.quantity"),
        (best(json!("A"), json!(101)), "best_available.quantity"),
        (best(json!("A"), json!(1e30)), "best_available.quantity"),
        (best(json!("A\0"), json!(1)), "best_available.section"),
        (json!({"best_available": {"section": "A"}}), "best_available.quantity"),
    ];
    let before = server.trace().await;
    for (body, field) in bad {
        alice.claim(&event, body).await.invalid(field);
    }
    let many: Vec<_> = (0..101).map(|_| json!({"section": "A", "seat": 1})).collect();
    alice.claim(&event, json!({"seats": many})).await.invalid("seats");
    alice.claim(&event, seat(json!("Z"), json!(1))).await.problem(404, "section_not_found");
    alice.claim(&event, seat(json!("A"), json!(11))).await.problem(404, "seat_not_found");
    alice.claim(&event, best(json!("Z"), json!(1))).await.problem(404, "section_not_found");
    for key in ["", "two words", &"x".repeat(201), "schlüssel"] {
        let claim = json!({"seats": [{"section": "A", "seat": 1}]});
        alice.claim_once(&event, key, claim).await.invalid("Idempotency-Key");
    }
    assert_eq!(server.trace().await, before);
    alice.claim_once(&event, &"x".repeat(200), json!({"seats": [{"section": "A", "seat": 1}]})).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_notice_that_cannot_be_is_refused_and_recorded_nowhere() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let gateway = server.gateway();
    let good = gateway.notice(&order);
    let bad = [
        ("/event_id", json!(0), "event_id"),
        ("/event_id", json!("1"), "event_id"),
        ("/order_id", json!("01980f2e"), "order_id"),
        ("/order_id", json!(7), "order_id"),
        ("/provider", json!(""), "provider"),
        ("/provider", json!("x".repeat(101)), "provider"),
        ("/provider_reference", json!("x".repeat(201)), "provider_reference"),
        ("/provider_reference", json!("a\0b"), "provider_reference"),
        ("/amount_minor", json!(-1), "amount_minor"),
        ("/amount_minor", json!(9.5), "amount_minor"),
        ("/amount_minor", json!(u64::MAX), "amount_minor"),
        ("/amount_minor", json!("1000"), "amount_minor"),
        ("/currency", json!("twd"), "currency"),
        ("/status", json!("pending"), "status"),
        ("/tip", json!(1), "tip"),
    ];
    let before = server.trace().await;
    for (pointer, value, field) in bad {
        gateway.notify(with(&good, pointer, value)).await.invalid(field);
    }
    for field in ["event_id", "order_id", "provider", "provider_reference", "amount_minor", "currency", "status"] {
        gateway.notify(without(&good, field)).await.invalid(field);
    }
    let nonsense = gateway.sign_bytes(b"{\"event_id\": 1,".to_vec(), time::OffsetDateTime::now_utc());
    gateway.raw(&nonsense.headers, nonsense.body).await.invalid("body");
    assert_eq!(server.trace().await, before);
}
