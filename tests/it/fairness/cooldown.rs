//! Customers who let orders end unpaid must wait before they claim again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Customer, EventHandle, TestServer, event_json, eventually};

/// An event whose customers may let two orders end unpaid.
async fn strict_event(server: &TestServer, changes: Value) -> EventHandle {
    let mut event = event_json(&[("A", 1000, 60), ("F", 0, 10)]);
    event["unpaid_orders_max"] = json!(2);
    event.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
    server.event(event).await
}

async fn claim_and_cancel(customer: &Customer, event: &EventHandle, times: i32) {
    for seat in 1..=times {
        let order = customer.claim_seats(event, &[("A", 50 + seat)]).await.expect(201);
        customer.cancel(&order).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lets_too_many_orders_end_unpaid_must_wait_and_nobody_else() {
    let server = TestServer::start().await;
    let event = strict_event(&server, json!({"cooldown_ms": 90_000})).await;
    let (alice, bob) = (server.customer("alice"), server.customer("bob"));
    let seats = json!({"seats": [{"section": "A", "seat": 1}]});
    alice.claim_once(&event, "before", seats.clone()).await.expect(201);
    claim_and_cancel(&alice, &event, 2).await;

    for refused in [alice.claim_seats(&event, &[("A", 2)]).await, alice.best_available(&event, "A", 1).await] {
        let problem = refused.problem(409, "cooldown");
        let left_s: u32 = refused.header("retry-after").expect("a time").parse().expect("seconds");
        assert!((60..=90).contains(&left_s), "{left_s} s");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(&format!("in {left_s} s"))), "{problem}");
    }
    // What was sent before is answered as before, and what could never succeed is named first.
    assert_eq!(alice.claim_once(&event, "before", seats).await.expect(201)["status"], "pending_payment");
    alice.claim_seats(&event, &[("A", 61)]).await.problem(404, "seat_not_found");
    bob.claim_seats(&event, &[("A", 2)]).await.expect(201);
    assert_eq!(server.metric(r#"rowlock_claims_total{outcome="cooldown"}"#).await, 2);

    let hoarders = "select string_agg(customer || ' ' || unpaid_orders || ' ' || seats, ', ') from admin.hoarders";
    assert_eq!(server.ask::<Option<String>>(hoarders).await.as_deref(), Some("alice 2 2"));
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_paid_for_forgives_and_a_free_one_does_not() {
    let server = TestServer::start().await;
    let event = strict_event(&server, json!({})).await;
    let (alice, bob) = (server.customer("alice"), server.customer("bob"));
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    claim_and_cancel(&alice, &event, 2).await;
    alice.claim_seats(&event, &[("A", 2)]).await.problem(409, "cooldown");
    server.gateway().pay(&order).await.expect(200);
    assert_eq!(server.ask::<i64>("select count(*) from admin.hoarders").await, 0);
    // What ended before the payment counts no more, what ends after it does.
    claim_and_cancel(&alice, &event, 2).await;
    alice.claim_seats(&event, &[("A", 2)]).await.problem(409, "cooldown");

    claim_and_cancel(&bob, &event, 1).await;
    bob.claim_seats(&event, &[("F", 1)]).await.expect(201);
    claim_and_cancel(&bob, &event, 1).await;
    bob.claim_seats(&event, &[("A", 3)]).await.problem(409, "cooldown");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wait_ends_and_old_orders_do_not_count() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.customer("alice"), server.customer("bob"));
    let brief = strict_event(&server, json!({"cooldown_ms": 400})).await;
    claim_and_cancel(&alice, &brief, 2).await;
    alice.claim_seats(&brief, &[("A", 1)]).await.problem(409, "cooldown");
    let served = || async { alice.claim_seats(&brief, &[("A", 1)]).await.status == 201 };
    eventually(Duration::from_secs(10), served).await;

    let event = strict_event(&server, json!({"unpaid_window_ms": 1000, "cooldown_ms": 86_400_000})).await;
    claim_and_cancel(&bob, &event, 1).await;
    eventually(Duration::from_secs(10), || async {
        server.ask::<bool>("select max(ended_at) < clock_timestamp() - interval '1 s' from rowlock.orders where customer_id = 'bob'").await
    })
    .await;
    claim_and_cancel(&bob, &event, 1).await;
    bob.claim_seats(&event, &[("A", 1)]).await.expect(201);
    // Once begun, the wait lasts as long as it says, though the orders are soon older than the window.
    let carol = server.customer("carol");
    claim_and_cancel(&carol, &event, 2).await;
    eventually(Duration::from_secs(10), || async {
        server
            .ask::<bool>("select max(ended_at) < clock_timestamp() - interval '1 s' from rowlock.orders where customer_id = 'carol'")
            .await
    })
    .await;
    carol.claim_seats(&event, &[("A", 2)]).await.problem(409, "cooldown");
    assert_eq!(server.ask::<i64>("select count(*) from admin.hoarders where customer = 'carol'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_orders_count_like_cancelled_ones_and_zero_means_no_cooldown() {
    let server = TestServer::start().await;
    let event = strict_event(&server, json!({"window_ms": 1000})).await;
    let (alice, bob) = (server.customer("alice"), server.customer("bob"));
    alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    claim_and_cancel(&alice, &event, 1).await;
    let refused = || async { alice.claim_seats(&event, &[("A", 99)]).await.body["code"] != "seat_not_found" };
    assert!(!refused().await);
    let expired = || async { server.ask::<i64>("select count(*) from rowlock.orders where status = 'expired'").await == 1 };
    eventually(Duration::from_secs(10), expired).await;
    alice.claim_seats(&event, &[("A", 2)]).await.problem(409, "cooldown");

    server.admin().patch(&event.path(), &json!({"cooldown_ms": 0})).await.expect(200);
    claim_and_cancel(&bob, &event, 5).await;
    alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_says_how_long_customers_must_wait() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 1)]).await;
    let settings = |event: &Value| ["unpaid_orders_max", "unpaid_window_ms", "cooldown_ms"].map(|name| event[name].clone());
    let read = server.anyone().get(&event.path()).await.expect(200);
    assert_eq!(settings(&read), [5, 600_000, 120_000]);
    let change = json!({"unpaid_orders_max": 100, "unpaid_window_ms": 1000, "cooldown_ms": 86_400_000});
    let changed = server.admin().patch(&event.path(), &change).await.expect(200);
    assert_eq!(settings(&changed), settings(&change));
    let listed = server.anyone().get("/v1/events").await.expect(200);
    assert_eq!(settings(&listed["events"][0]), settings(&change));
    for (name, bad) in [("unpaid_orders_max", 0), ("unpaid_orders_max", 101), ("unpaid_window_ms", 999), ("cooldown_ms", -1)] {
        server.admin().patch(&event.path(), &json!({ name: bad })).await.invalid(name);
    }
}
