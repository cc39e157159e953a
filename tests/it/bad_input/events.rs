//! Events, and changes of events, that cannot be.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{with, without};
use crate::harness::{TestServer, event_json};

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
    let ten_thousand = |code: &str| json!({"section": code, "name": "A", "price_minor": 1, "seats": 10_000, "row_length": 1});
    let many_rows = with(&good, "/sections", json!([ten_thousand("A"), ten_thousand("B"), ten_thousand("C")]));
    server.admin().post("/v1/events", &many_rows).await.invalid("sections[2]");
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
