//! Money that arrives when the order has ended, or when the event is no longer on sale.

use pretty_assertions::assert_eq;
use serde_json::json;

use super::{one_order, outcome};
use crate::harness::{PATIENCE, TestServer, event_json, eventually};
use crate::stored::{Ask, Notice, Session, make_due, server_without_expiry, unhurried};

/// Seats that nobody can claim are not for late money either: what was claimed in time can still be paid.
#[tokio::test(flavor = "multi_thread")]
async fn late_money_gets_no_seat_of_an_event_that_is_not_on_sale_at_that_moment() {
    let server = TestServer::start().await;
    let (alice, gateway) = (server.customer("alice"), server.gateway());
    let changes = [
        json!({"status": "paused"}),
        json!({"status": "closed"}),
        json!({"on_sale_at": "2100-01-01T00:00:00Z"}),
        json!({"off_sale_at": "2020-01-01T00:00:00Z"}),
        // The same changes, undone: on sale again.
        json!({"on_sale_at": "2020-01-01T00:00:00Z", "off_sale_at": "2100-01-01T00:00:00Z"}),
    ];
    for change in changes {
        let is_on_sale = change.as_object().is_some_and(|change| change.len() == 2);
        let event = server.event(unhurried(&[("A", 1000, 10)])).await;
        let late = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
        let in_time = alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
        alice.cancel(&late).await.expect(200);
        server.admin().patch(&event.path(), &change).await.expect(200);
        let (expected, ends_as) = if is_on_sale { ("late_reclaimed", "paid") } else { ("refund_due", "refund_due") };
        assert_eq!(outcome(&gateway.pay(&late).await), expected, "{change}");
        assert_eq!(alice.order(&late).await.expect(200)["status"], ends_as, "{change}");
        // The buyer can still pay for what was held when the event stopped.
        assert_eq!(outcome(&gateway.pay(&in_time).await), "paid", "{change}");
        let count = format!("select count(*) from rowlock.tickets where event_id = {}", event.id);
        assert_eq!(server.ask::<i64>(&count).await, if is_on_sale { 2 } else { 1 }, "{change}");
        let owed = server.admin().get(&format!("/v1/admin/events/{}/refunds-due", event.id)).await.expect(200);
        assert_eq!(owed["refunds"].as_array().map(Vec::len), Some(usize::from(!is_on_sale)), "{change}");
    }
    server.assert_invariants().await;
}

/// It expires as usual, and late money that is right gets its seat back.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_with_wrong_money_expires_at_its_deadline_and_not_before() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let session = Session::new(&server, &event).await;
    for (seat, expected) in [(1, "late_reclaimed"), (2, "refund_due")] {
        let order = session.claim_one(Ask::seats("ann", &[(1, seat)])).await.order();
        assert_eq!(session.settle(&[Notice { amount_minor: 1, ..Notice::of(&order) }]).await, ["refund_due"]);
        assert_eq!(session.expire(order.order_id).await, "not_due");
        server.assert_invariants().await;
        make_due(&server, order.order_id).await;
        assert_eq!(session.expire(order.order_id).await, "expired");
        assert_eq!(session.order_status(order.order_id).await, "expired", "what is owed was not for its seats");
        server.assert_invariants().await;
        if expected == "refund_due" {
            session.claim_one(Ask::seats("bob", &[(1, seat)])).await.order();
        }
        assert_eq!(session.settle(&[Notice::of(&order)]).await, [expected]);
        server.assert_invariants().await;
    }
    assert_eq!(session.seats(1).await, "shaaaaaaaa");
    assert_eq!(server.ask::<i64>("select count(*) from admin.refunds_due").await, 3);
}

/// The seats are free still, but the money is not for them.
#[tokio::test(flavor = "multi_thread")]
async fn late_money_of_the_wrong_amount_or_currency_gets_no_seat_back() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let session = Session::new(&server, &event).await;
    for (seat, ends_as) in (1..).zip(["cancelled", "expired"].into_iter().cycle().take(4)) {
        let order = session.claim_one(Ask::seats("ann", &[(1, seat)])).await.order();
        if ends_as == "cancelled" {
            session.cancel(order.order_id, "ann").await.expect("cancelled");
        } else {
            make_due(&server, order.order_id).await;
            assert_eq!(session.expire(order.order_id).await, "expired");
        }
        let wrong = match seat {
            1 | 2 => Notice { amount_minor: order.amount_minor - 1, ..Notice::of(&order) },
            _ => Notice { currency: "EUR".to_owned(), ..Notice::of(&order) },
        };
        assert_eq!(session.settle(&[wrong]).await, ["refund_due"], "{ends_as}");
        assert_eq!(session.order_status(order.order_id).await, "refund_due", "{ends_as}");
        assert_eq!(session.seats(1).await, "aaaaaaaaaa", "{ends_as}");
    }
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_too_late_gets_the_same_seats_if_they_are_free() {
    let server = TestServer::start().await;
    let mut brief = event_json(&[("A", 1000, 10)]);
    brief["window_ms"] = json!(1000);
    let event = server.event(brief).await;
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
    eventually(PATIENCE, || async { alice.order(&order).await.expect(200)["status"] == "expired" }).await;
    assert_eq!(outcome(&server.gateway().pay(&order).await), "late_reclaimed");
    let mut expected = order.clone();
    expected["status"] = json!("paid");
    assert_eq!(alice.order(&order).await.expect(200), expected);
    server.customer("bob").claim_seats(&event, &[("A", 2)]).await.problem(409, "seat_taken");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_after_the_seats_were_sold_again_is_owed_back() {
    let server = TestServer::start().await;
    let (event, alice, order) = one_order(&server).await;
    alice.cancel(&order).await.expect(200);
    let theirs = server.customer("bob").claim_seats(&event, &[("A", 1)]).await.expect(201);
    assert_eq!(outcome(&server.gateway().pay(&order).await), "refund_due");
    assert_eq!(alice.order(&order).await.expect(200)["status"], "refund_due");
    assert_eq!(outcome(&server.gateway().pay(&theirs).await), "paid");
    server.assert_invariants().await;
}
