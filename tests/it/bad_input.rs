//! Values that must be refused, each with its status, code and field, and without any effect.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::harness::TestServer;

mod bodies;
mod both_ways;
mod currencies;
mod events;
mod heads;
pub mod queries;
mod texts;
mod times;
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
