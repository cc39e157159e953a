//! Money that arrives when the order has ended, or when the event is no longer on sale.

use pretty_assertions::assert_eq;
use serde_json::json;

use super::{one_order, outcome};
use crate::harness::{PATIENCE, TestServer, event_json, eventually};
use crate::stored::{Ask, Notice, Session, make_due, server_without_expiry, unhurried};

#[tokio::test(flavor = "multi_thread")]
async fn late_money_gets_no_seat_of_a_closed_event_and_still_gets_those_of_a_paused_one() {
    let server = TestServer::start().await;
    let (alice, gateway) = (server.customer("alice"), server.gateway());
    for (status, expected, ends_as, tickets) in [("paused", "late_reclaimed", "paid", 1), ("closed", "refund_due", "refund_due", 0)] {
        let event = server.event(unhurried(&[("A", 1000, 10)])).await;
        let late = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
        let in_time = alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
        alice.cancel(&late).await.expect(200);
        server.set_status(&event, status).await;
        assert_eq!(outcome(&gateway.pay(&late).await), expected, "{status}");
        assert_eq!(alice.order(&late).await.expect(200)["status"], ends_as, "{status}");
        let count = format!("select count(*) from rowlock.tickets where event_id = {}", event.id);
        assert_eq!(server.ask::<i64>(&count).await, tickets, "{status}");
        // The buyer can still pay for what was held when the event stopped.
        assert_eq!(outcome(&gateway.pay(&in_time).await), "paid", "{status}");
        let owed = server.admin().get(&format!("/v1/admin/events/{}/refunds-due", event.id)).await.expect(200);
        assert_eq!(owed["refunds"].as_array().map(Vec::len), Some(usize::from(tickets == 0)), "{status}");
    }
    server.assert_invariants().await;
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
