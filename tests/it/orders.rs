//! A customer's own orders, and nobody else's: read, listed, cancelled, expired.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{PATIENCE, TestServer, event_json, eventually};

mod released;

fn ids(page: &Value) -> Vec<String> {
    let id = |order: &Value| order["order_id"].as_str().expect("an id").to_owned();
    page["orders"].as_array().expect("a list").iter().map(id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_only_their_own_orders() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20)]).await;
    let (alice, mallory) = (server.customer("alice"), server.customer("mallory"));
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    assert_eq!(alice.order(&order).await.expect(200), order);
    let before = server.trace().await;
    mallory.order(&order).await.problem(404, "order_not_found");
    mallory.cancel(&order).await.problem(404, "order_not_found");
    assert_eq!(mallory.orders(&event).await.expect(200), json!({"orders": []}));
    // Without a customer it is nobody's, and not everybody's.
    let of_nobody = format!("select count(*) from rowlock.get_order({}, '{}', null)", event.id, order["order_id"].as_str().expect("an id"));
    assert_eq!(server.ask::<i64>(&of_nobody).await, 0);
    assert_eq!(server.trace().await, before);
    assert_eq!(alice.order(&order).await.expect(200)["status"], "pending_payment");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_does_not_exist_or_is_another_events_is_not_found() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20)]).await;
    let other_event = server.small_event(&[("A", 1000, 20)]).await;
    let alice = server.customer("alice");
    let mut elsewhere = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    let unknown = json!({"event_id": event.id, "order_id": Uuid::now_v7()});
    elsewhere["event_id"] = json!(other_event.id);
    for order in [unknown, elsewhere] {
        alice.order(&order).await.problem(404, "order_not_found");
        alice.cancel(&order).await.problem(404, "order_not_found");
    }
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.orders where status = 'pending_payment'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_listed_newest_first_page_by_page() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20)]).await;
    let alice = server.customer("alice");
    let mut newest_first = Vec::new();
    for seat in 1..=5 {
        let order = alice.claim_seats(&event, &[("A", seat)]).await.expect(201);
        newest_first.insert(0, order["order_id"].as_str().expect("an id").to_owned());
        server.customer("bob").claim_seats(&event, &[("A", 10 + seat)]).await.expect(201);
    }
    let all = alice.orders(&event).await.expect(200);
    assert_eq!((ids(&all), all.get("next")), (newest_first.clone(), None));
    assert_eq!(all["orders"][0].get("customer_id"), None);

    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = alice.get(&event.at(&format!("orders?limit=2{after}"))).await.expect(200);
        seen.push(ids(&page));
        let Some(next) = page.get("next") else { break };
        after = format!("&after={}", next.as_str().expect("a cursor"));
    }
    assert_eq!(seen, [&newest_first[..2], &newest_first[2..4], &newest_first[4..]]);
    let exact = alice.get(&event.at("orders?limit=5")).await.expect(200);
    assert_eq!((ids(&exact).len(), exact.get("next")), (5, None), "a full last page has no next");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_gives_its_seats_back_at_once_and_once() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20)]).await;
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
    let cancelled = alice.cancel(&order).await.expect(200);
    let mut expected = order.clone();
    expected["status"] = json!("cancelled");
    assert_eq!(cancelled, expected);
    assert_eq!(alice.order(&order).await.expect(200), expected);

    let theirs = server.customer("bob").claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
    let before = server.trace().await;
    assert_eq!(alice.cancel(&order).await.expect(200), expected, "cancelling twice answers the cancelled order");
    assert_eq!(server.trace().await, before, "and frees nobody else's seats");
    assert_eq!(server.customer("bob").order(&theirs).await.expect(200)["status"], "pending_payment");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_paid_or_expired_cannot_be_cancelled() {
    let server = TestServer::start().await;
    let mut brief = event_json(&[("A", 1000, 20)]);
    brief["window_ms"] = json!(1000);
    let event = server.event(brief).await;
    let alice = server.customer("alice");
    let paid = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    server.gateway().pay(&paid).await.expect(200);
    let expired = alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
    eventually(PATIENCE, || async { alice.order(&expired).await.expect(200)["status"] == "expired" }).await;
    let before = server.trace().await;
    alice.cancel(&paid).await.problem(409, "order_not_pending");
    alice.cancel(&expired).await.problem(409, "order_not_pending");
    assert_eq!(server.trace().await, before);
    assert_eq!(alice.order(&paid).await.expect(200)["status"], "paid");
    server.assert_invariants().await;
}
