//! Claims only while the event is on sale.

use std::time::Duration;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::moment;
use crate::harness::{PATIENCE, TestServer, event_json, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sold_by_a_paused_or_a_closed_event() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 20)]).await;
    let alice = server.customer("alice");
    let refused = async |why: &str| {
        let before = server.trace().await;
        for answer in [alice.claim_seats(&event, &[("A", 1)]).await, alice.best_available(&event, "A", 1).await] {
            let problem = answer.problem(409, "not_on_sale");
            assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(why)), "{problem}");
        }
        assert_eq!(server.trace().await, before);
    };
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    server.set_status(&event, "paused").await;
    refused("paused").await;
    assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid", "what was claimed can still be paid");
    server.set_status(&event, "open").await;
    let order = alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
    server.set_status(&event, "closed").await;
    refused("closed").await;
    assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sale_begins_at_its_moment_and_not_before() {
    let server = TestServer::start().await;
    let begins = OffsetDateTime::now_utc() + Duration::from_secs(2);
    let mut event = event_json(&[("A", 1000, 20)]);
    event["on_sale_at"] = json!(begins.format(&Rfc3339).expect("a time"));
    let event = server.event(event).await;
    let alice = server.customer("alice");
    let before = server.trace().await;
    let problem = alice.claim_seats(&event, &[("A", 1)]).await.problem(409, "not_on_sale");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("begins at")), "{problem}");
    alice.best_available(&event, "A", 1).await.problem(409, "not_on_sale");
    assert_eq!(server.trace().await, before);
    let order = eventually(PATIENCE, || async {
        let answer = alice.claim_seats(&event, &[("A", 1)]).await;
        if answer.status == 409 {
            answer.problem(409, "not_on_sale");
            return None;
        }
        Some(answer.expect(201))
    })
    .await;
    // The event keeps whole milliseconds.
    assert!(moment(&order["created_at"]) >= begins - Duration::from_millis(1), "{order}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sale_ends_at_its_moment_and_what_was_claimed_before_can_be_paid() {
    let server = TestServer::start().await;
    let mut event = event_json(&[("A", 1000, 20)]);
    event["window_ms"] = json!(600_000);
    event["cooldown_ms"] = json!(0);
    let event = server.event(event).await;
    let (alice, bob) = (server.customer("alice"), server.customer("bob"));
    let pending = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    let late = alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
    alice.cancel(&late).await.expect(200);
    let keyed = json!({"seats": [{"section": "A", "seat": 3}]});
    let before = alice.claim_once(&event, "once", keyed.clone()).await.expect(201);

    let ends = OffsetDateTime::now_utc() + Duration::from_secs(2);
    let change = json!({"off_sale_at": ends.format(&Rfc3339).expect("a time")});
    server.admin().patch(&event.path(), &change).await.expect(200);
    let problem = eventually(PATIENCE, || async {
        let answer = bob.claim_seats(&event, &[("A", 4)]).await;
        if answer.status == 409 {
            return Some(answer.problem(409, "not_on_sale"));
        }
        bob.cancel(&answer.expect(201)).await.expect(200);
        None
    })
    .await;
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("the sale ended at")), "{problem}");
    // The event keeps whole milliseconds.
    assert!(OffsetDateTime::now_utc() >= ends - Duration::from_millis(1), "not before");
    bob.best_available(&event, "A", 1).await.problem(409, "not_on_sale");
    assert_eq!(alice.claim_once(&event, "once", keyed).await.expect(201), before, "what was claimed before the end is answered");
    // A payment in time is not a claim; late money would claim its seats again.
    assert_eq!(server.gateway().pay(&pending).await.expect(200)["outcome"], "paid");
    assert_eq!(server.gateway().pay(&late).await.expect(200)["outcome"], "refund_due");

    server.admin().patch(&event.path(), &json!({"off_sale_at": null})).await.expect(200);
    bob.claim_seats(&event, &[("A", 4)]).await.expect(201);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_must_end_after_it_begins() {
    let server = TestServer::start().await;
    let (early, late) = ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00.001Z");
    for (on_sale_at, off_sale_at) in [(early, early), (late, early)] {
        let mut described = event_json(&[("A", 1000, 1)]);
        described["on_sale_at"] = json!(on_sale_at);
        described["off_sale_at"] = json!(off_sale_at);
        server.admin().post("/v1/events", &described).await.invalid("off_sale_at");
    }
    let mut described = event_json(&[("A", 1000, 1)]);
    described["on_sale_at"] = json!(early);
    described["off_sale_at"] = json!(late);
    let event = server.event(described).await;
    let change = async |change: Value| server.admin().patch(&event.path(), &change).await;
    change(json!({"off_sale_at": early})).await.invalid("off_sale_at");
    change(json!({"on_sale_at": late})).await.invalid("on_sale_at");
    change(json!({"on_sale_at": late, "off_sale_at": late})).await.invalid("off_sale_at");
    let read = server.anyone().get(&event.path()).await.expect(200);
    assert_eq!((&read["on_sale_at"], &read["off_sale_at"]), (&json!("2030-01-01T00:00:00.000Z"), &json!(late)));
    change(json!({"on_sale_at": null, "off_sale_at": early})).await.expect(200);
}
