//! Money that comes too late does not undo that an order kept its seats from others.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::harness::{EventHandle, TestServer};
use crate::stored::{Ask, Notice, Placed, Session, make_due, server_without_expiry, unhurried};

/// An event whose customers may let two orders end unpaid.
async fn strict_event(server: &TestServer) -> EventHandle {
    let mut event = unhurried(&[("A", 1000, 60)]);
    event["unpaid_orders_max"] = json!(2);
    server.event(event).await
}

/// An order that has just expired, for one of the customer's seats.
async fn expired(server: &TestServer, session: &Session, customer: &str, seat_no: i32) -> Placed {
    let order = session.claim_one(Ask::seats(customer, &[(1, seat_no)])).await.order();
    make_due(server, order.order_id).await;
    assert_eq!(session.expire(order.order_id).await, "expired");
    order
}

/// Pays too little and too late; returns the payment.
async fn pay_late(session: &Session, order: &Placed) -> Notice {
    let notice = Notice { amount_minor: 1, ..Notice::of(order) };
    assert_eq!(session.settle(std::slice::from_ref(&notice)).await, ["refund_due"]);
    notice
}

async fn hoarders(server: &TestServer) -> Option<String> {
    server.ask("select string_agg(customer || ' ' || unpaid_orders || ' ' || seats, ', ') from admin.hoarders").await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_too_late_again_and_again_must_wait_like_who_never_pays() {
    let server = server_without_expiry().await;
    let event = strict_event(&server).await;
    let session = Session::new(&server, &event).await;
    let claims = async |customer: &str, seat_no: i32| {
        let answers = session.claim(&[Ask::seats(customer, &[(1, seat_no)])]).await;
        let searched = session.claim(&[Ask::best(customer, 1, 1)]).await;
        assert_eq!((answers[0].outcome.as_str(), &answers[0].outcome), ("cooldown", &searched[0].outcome), "{customer}");
    };

    let mut late = Vec::new();
    for seat_no in [1, 2] {
        late.push(pay_late(&session, &expired(&server, &session, "ann", seat_no).await).await);
    }
    claims("ann", 3).await;
    assert_eq!(hoarders(&server).await.as_deref(), Some("ann 2 2"));
    // To get the money back changes nothing.
    let refund = format!(
        "select admin.mark_refunded(p_event_id => {}, p_provider => 'testpay', p_provider_reference => $1, p_reason => 'sent back')",
        event.id
    );
    for (notice, refunded) in late.iter().zip(1..) {
        assert_eq!(server.db.query_one(&refund, &[&notice.reference]).await.expect("a refund").get::<_, &str>(0), "refunded");
        claims("ann", 3).await;
        assert_eq!(hoarders(&server).await.as_deref(), Some("ann 2 2"), "after {refunded} refunds");
    }

    // Nor does it matter whether money came for all of them.
    pay_late(&session, &expired(&server, &session, "bob", 11).await).await;
    session.claim_one(Ask::seats("bob", &[(1, 12)])).await.order();
    assert_eq!(hoarders(&server).await.as_deref(), Some("ann 2 2"), "one is not too many");
    expired(&server, &session, "bob", 13).await;
    claims("bob", 14).await;
    assert_eq!(hoarders(&server).await.as_deref(), Some("ann 2 2, bob 2 2"));
    server.assert_invariants().await;
}

/// Late money ends an order a second time, but its seats were back on sale before.
#[tokio::test(flavor = "multi_thread")]
async fn the_wait_is_counted_from_when_the_seats_were_back_and_not_from_the_late_money() {
    let server = server_without_expiry().await;
    let event = strict_event(&server).await;
    let session = Session::new(&server, &event).await;
    for seat_no in [1, 2] {
        let order = expired(&server, &session, "ann", seat_no).await;
        let earlier = "update rowlock.orders set ended_at = ended_at - interval '1 hour' where order_id = $1";
        server.db.execute(earlier, &[&order.order_id]).await.expect("earlier");
        pay_late(&session, &order).await;
    }
    session.claim_one(Ask::seats("ann", &[(1, 3)])).await.order();
    let is_over = "select count(*) from admin.hoarders where customer = 'ann' and cooldown_ends_at < now() and last_ended_at < now()";
    assert_eq!(server.ask::<i64>(is_over).await, 1);
    // What ended before an order was paid for is forgiven, whenever money comes for it.
    let unpaid = [expired(&server, &session, "bob", 11).await, expired(&server, &session, "bob", 12).await];
    pay_late(&session, &unpaid[0]).await;
    assert_eq!(session.settle(&[Notice::of(&unpaid[1])]).await, ["late_reclaimed"], "it bought its seats after all");
    pay_late(&session, &expired(&server, &session, "bob", 13).await).await;
    session.claim_one(Ask::seats("bob", &[(1, 14)])).await.order();
    server.assert_invariants().await;
}
