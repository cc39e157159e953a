//! What the document's examples refer to: event 7 with section A of a thousand seats, Alice and her order, a refund, a dead letter; event
//! 6 before it, and event 8, which is a draft.

use serde_json::{Value, json};

use crate::harness::{Document, TestServer, event_json};

/// The order of the examples.
pub const ORDER_ID: &str = "01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e812";
/// An order of Alice's before that one, and one of Bob's.
const EARLIER: [&str; 2] = ["01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e810", "01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e811"];
/// The customer of the examples.
pub const CUSTOMER: &str = "alice";

/// A server on which the examples succeed.
pub async fn server() -> TestServer {
    let server = TestServer::start().await;
    prepare(&server).await;
    server
}

/// Creates what the examples refer to.
pub async fn prepare(server: &TestServer) {
    sql(server, "alter table rowlock.events alter column event_id restart with 6").await;
    let mut earlier = event_json(&[("A", 1000, 1)]);
    earlier["starts_at"] = json!("2026-11-01T11:30:00Z");
    assert_eq!(server.event(earlier).await.id, 6);
    let create = Document::published().operation("createEvent");
    let mut event = create.json["requestBody"]["content"]["application/json"]["examples"]["row_length"]["value"].clone();
    // The sale has begun, and nothing expires soon, whatever the date.
    event.as_object_mut().expect("an event").remove("on_sale_at");
    event["window_ms"] = json!(86_400_000);
    assert_eq!(server.event(event).await.id, 7);
    assert_eq!(server.draft(event_json(&[("A", 1000, 1)])).await.id, 8);
    for (order_id, customer, seats) in [(EARLIER[0], CUSTOMER, "16"), (EARLIER[1], "bob", "17"), (ORDER_ID, CUSTOMER, "14, 15")] {
        let count = seats.split(',').count();
        let claim = format!(
            "select rowlock.claim_seats(p_event_id => 7, p_order_ids => '{{{order_id}}}', p_customer_ids => array['{customer}'],
                p_idempotency_keys => '{{null}}', p_fingerprints => '{{null}}', p_request_nos => array_fill(1, array[{count}]),
                p_section_nos => array_fill(1, array[{count}]), p_seat_nos => array[{seats}])"
        );
        sql(server, &claim).await;
    }
    // It would count against her limit.
    sql(server, &format!("select rowlock.cancel_order(7, '{}', '{CUSTOMER}')", EARLIER[0])).await;
    let failed = format!(
        "select rowlock.record_expiry_failure(p_event_id => 7, p_order_id => '{ORDER_ID}',
            p_error => 'canceling statement due to lock timeout', p_attempts_max => 1)"
    );
    sql(server, &failed).await;
    let unknown = json!({"event_id": 7, "order_id": "01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e8ff", "provider": "acmepay",
        "provider_reference": "pay_too_late", "amount_minor": 560_000, "currency": "TWD", "status": "succeeded"});
    assert_eq!(server.gateway().notify(unknown).await.expect(200)["outcome"], "refund_due");
}

/// Something that only a superuser may do.
pub async fn sql(server: &TestServer, statement: &str) {
    server.db.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
}

/// A claim of the seats by another customer than that of the examples.
pub async fn claimed_by_bob(server: &TestServer, seats: &[i32]) {
    let seats: Vec<Value> = seats.iter().map(|seat| json!({"section": "A", "seat": seat})).collect();
    server.customer("bob").post("/v1/events/7/orders", &json!({"seats": seats})).await.expect(201);
}
