//! Idempotency keys: a repeated claim returns the order that it created.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::harness::{Answer, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_with_the_same_request_answers_the_order_it_created() {
    let server = TestServer::start().await;
    let second = server.second().await;
    let event = server.small_event(&[("A", 1000, 20)]).await;
    let alice = server.customer("alice");
    let body = json!({"seats": [{"section": "A", "seat": 1}, {"section": "A", "seat": 2}]});
    let first = alice.claim_once(&event, "key-1", body.clone()).await;
    let order = first.expect(201);
    assert_eq!(first.header("idempotent-replayed"), None);
    let before = server.trace().await;
    let replays = async |answer: Answer| {
        assert_eq!(answer.expect(201), order);
        assert_eq!(answer.header("idempotent-replayed"), Some("true"));
        assert_eq!(answer.header("location"), first.header("location"));
    };
    replays(alice.claim_once(&event, "key-1", body.clone()).await).await;
    replays(second.customer("alice").claim_once(&event, "key-1", body).await).await;
    let spelled = "{ \"seats\" : [ {\"seat\": 1 , \"section\": \"\\u0041\"}, {\"section\":\"A\",\"seat\":2} ]\n}";
    replays(alice.with("idempotency-key", "key-1").post_text(&event.at("orders"), spelled).await).await;
    assert_eq!(server.trace().await, before);

    server.gateway().pay(&order).await.expect(200);
    server.set_status(&event, "closed").await;
    let body = json!({"seats": [{"section": "A", "seat": 1}, {"section": "A", "seat": 2}]});
    let answer = alice.claim_once(&event, "key-1", body).await;
    assert_eq!(answer.expect(201)["status"], "paid", "the order as it stands now, even when nothing is sold any more");
    assert_eq!(answer.header("idempotent-replayed"), Some("true"));
}

/// Ended orders are in a separate index: a retry must find them there, although their seats are on sale again.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_answers_its_order_after_the_order_has_ended() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20)]).await;
    let alice = server.customer("alice");
    let claim = |seat: i32| json!({"seats": [{"section": "A", "seat": seat}]});
    let order = alice.claim_once(&event, "key-1", claim(1)).await.expect(201);
    alice.cancel(&order).await.expect(200);
    let again = alice.claim_once(&event, "key-1", claim(1)).await;
    let replayed = again.expect(201);
    assert_eq!((&replayed["order_id"], &replayed["status"]), (&order["order_id"], &json!("cancelled")));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    alice.claim_once(&event, "key-1", claim(2)).await.problem(422, "idempotency_key_reused");
    assert_eq!(server.ask::<i64>("select available::bigint from rowlock.sections").await, 20);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_with_another_request_is_refused() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20), ("B", 1000, 20)]).await;
    let alice = server.customer("alice");
    alice.claim_once(&event, "key-1", json!({"seats": [{"section": "A", "seat": 1}]})).await.expect(201);
    let before = server.trace().await;
    let others = [
        json!({"seats": [{"section": "A", "seat": 2}]}),
        json!({"seats": [{"section": "B", "seat": 1}]}),
        json!({"seats": [{"section": "A", "seat": 1}, {"section": "A", "seat": 2}]}),
        json!({"best_available": {"section": "A", "quantity": 1}}),
    ];
    for other in others {
        alice.claim_once(&event, "key-1", other).await.problem(422, "idempotency_key_reused");
    }
    assert_eq!(server.trace().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_its_customers_and_its_events_own() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20)]).await;
    let other_event = server.small_event(&[("A", 1000, 20)]).await;
    let seat = |seat: i32| json!({"seats": [{"section": "A", "seat": seat}]});
    let order = server.customer("alice").claim_once(&event, "key-1", seat(1)).await.expect(201);
    let others = [
        server.customer("bob").claim_once(&event, "key-1", seat(2)).await,
        server.customer("alice").claim_once(&other_event, "key-1", seat(1)).await,
        server.customer("alice").claim_once(&event, "KEY-1", seat(3)).await,
    ];
    for other in others {
        assert_ne!(other.expect(201)["order_id"], order["order_id"]);
        assert_eq!(other.header("idempotent-replayed"), None);
    }
    server.customer("bob").claim_once(&event, "key-2", seat(1)).await.problem(409, "seat_taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_claim_failed_may_be_used_again() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20)]).await;
    let order = server.customer("bob").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let (alice, body) = (server.customer("alice"), json!({"seats": [{"section": "A", "seat": 1}]}));
    alice.claim_once(&event, "key-1", body.clone()).await.problem(409, "seat_taken");
    server.customer("bob").cancel(&order).await.expect(200);
    let answer = alice.claim_once(&event, "key-1", body).await;
    answer.expect(201);
    assert_eq!(answer.header("idempotent-replayed"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_seats_are_found_once_for_a_key() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20)]).await;
    let (alice, body) = (server.customer("alice"), json!({"best_available": {"section": "A", "quantity": 2}}));
    let order = alice.claim_once(&event, "key-1", body.clone()).await.expect(201);
    let again = alice.claim_once(&event, "key-1", body).await;
    assert_eq!((again.expect(201), again.header("idempotent-replayed")), (order, Some("true")));
    let three = json!({"best_available": {"section": "A", "quantity": 3}});
    alice.claim_once(&event, "key-1", three).await.problem(422, "idempotency_key_reused");
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.seats where status = 'held'").await, 2);
}
