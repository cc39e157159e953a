//! Payments: the gateway's signed notices, each settled once and none lost.

mod late_money;
mod reversals;

use pretty_assertions::assert_eq;
use rowlock::auth::sign_notice;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::harness::{Answer, Customer, EventHandle, TestServer};

/// An order of one seat for 1,000, in its event.
async fn one_order(server: &TestServer) -> (EventHandle, Customer, Value) {
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    (event, alice, order)
}

fn outcome(answer: &Answer) -> Value {
    answer.expect(200)["outcome"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_makes_the_order_paid_its_seats_sold_and_a_ticket_for_each() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10), ("B", 500, 10)]).await;
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("B", 2), ("A", 1)]).await.expect(201);
    let answer = server.gateway().pay(&order).await;
    assert_eq!(answer.expect(200), json!({"outcome": "paid"}));
    let mut expected = order.clone();
    expected["status"] = json!("paid");
    assert_eq!(alice.order(&order).await.expect(200), expected, "exactly the seats that the claim named");
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.tickets").await, 2);
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.seats where status = 'sold'").await, 2);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_notice_is_settled_once_however_often_it_comes() {
    let server = TestServer::start().await;
    let second = server.second().await;
    let (_, _, order) = one_order(&server).await;
    let gateway = server.gateway();
    let notice = gateway.notice(&order);
    let signed = gateway.sign(&notice);
    assert_eq!(outcome(&gateway.raw(&signed.headers, signed.body.clone()).await), "paid");
    let before = server.trace().await;
    let again = gateway.raw(&signed.headers, signed.body.clone()).await.expect(200);
    assert_eq!(again, json!({"outcome": "duplicate", "recorded_outcome": "paid"}), "the very same message");
    assert_eq!(outcome(&gateway.notify(notice.clone()).await), "duplicate", "signed anew");
    assert_eq!(outcome(&second.gateway().notify(notice).await), "duplicate", "at another server");
    assert_eq!(server.trace().await, before);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_the_gateway_did_not_sign_just_now_changes_nothing() {
    let server = TestServer::start().await;
    let (_, alice, order) = one_order(&server).await;
    let gateway = server.gateway();
    let notice = gateway.notice(&order);
    let body = notice.to_string().into_bytes();
    let now = OffsetDateTime::now_utc();
    let good = gateway.sign(&notice);
    let changed = |name: &str, value: &str| {
        let mut headers = good.headers.clone();
        headers.iter_mut().filter(|header| header.0 == name).for_each(|header| header.1 = value.to_owned());
        headers
    };
    let without = |name: &str| good.headers.iter().filter(|header| header.0 != name).cloned().collect::<Vec<_>>();
    let foreign = sign_notice("whsec_YW5vdGhlciBzZWNyZXQsIG5vdCB0aGUgc2VydmVyJ3M=", "msg_1", &body, now).expect("signed");
    let mut cheaper = notice.clone();
    cheaper["amount_minor"] = json!(1);

    let before = server.trace().await;
    let forgeries = [
        ("unsigned", vec![], body.clone()),
        ("another secret", foreign.into(), body.clone()),
        ("a tampered body", good.headers.clone(), cheaper.to_string().into_bytes()),
        ("white space added", good.headers.clone(), [body.as_slice(), b" "].concat()),
        ("another id", changed("webhook-id", "msg_2"), body.clone()),
        ("another time", changed("webhook-timestamp", &(now.unix_timestamp() - 1).to_string()), body.clone()),
        ("no time", changed("webhook-timestamp", "now"), body.clone()),
        ("a time beyond all bounds", changed("webhook-timestamp", &i64::MIN.to_string()), body.clone()),
        ("no id", without("webhook-id"), body.clone()),
        ("no timestamp", without("webhook-timestamp"), body.clone()),
        ("no signature", without("webhook-signature"), body.clone()),
        ("an empty signature", changed("webhook-signature", ""), body.clone()),
        ("a signature of another kind", changed("webhook-signature", &good.headers[2].1.replace("v1,", "v0,")), body.clone()),
        ("a replay after its time", gateway.sign_bytes(body.clone(), now - Duration::seconds(310)).headers, body.clone()),
        ("a message from the future", gateway.sign_bytes(body.clone(), now + Duration::seconds(310)).headers, body.clone()),
        ("unsigned nonsense", vec![], b"nonsense".to_vec()),
    ];
    for (what, headers, body) in forgeries {
        let answer = gateway.raw(&headers, body).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        answer.problem(401, "invalid_signature");
        assert!(answer.header("www-authenticate").is_some(), "{what}");
    }
    assert_eq!(server.trace().await, before);
    assert_eq!(alice.order(&order).await.expect(200)["status"], "pending_payment");

    // Clocks differ and secrets rotate: a few minutes and a second signature beside the good one are fine.
    let mut aged = gateway.sign_bytes(body.clone(), now - Duration::seconds(240)).headers;
    aged[2].1 = format!("v1,AAAA {}", aged[2].1);
    assert_eq!(outcome(&gateway.raw(&aged, body).await), "paid");
}

/// The buyer has paid something, and the right payment may still come.
#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_amount_or_currency_is_owed_back_and_the_order_waits_for_the_right_one() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let (alice, bob, gateway) = (server.customer("alice"), server.customer("bob"), server.gateway());
    let wrong = [("amount_minor", json!(999)), ("amount_minor", json!(1001)), ("amount_minor", json!(0)), ("currency", json!("USD"))];
    for (seat, (field, value)) in (1..).zip(wrong) {
        let order = alice.claim_seats(&event, &[("A", seat)]).await.expect(201);
        let mut notice = gateway.notice(&order);
        notice[field] = value.clone();
        assert_eq!(outcome(&gateway.notify(notice.clone()).await), "refund_due", "{field}");
        assert_eq!(alice.order(&order).await.expect(200), order, "{field}: it still waits, with its seat and its deadline");
        bob.claim_seats(&event, &[("A", seat)]).await.problem(409, "seat_taken");
        let again = gateway.notify(notice).await.expect(200);
        assert_eq!(again, json!({"outcome": "duplicate", "recorded_outcome": "refund_due"}), "money is due back, whoever missed it");
        assert_eq!(outcome(&gateway.pay(&order).await), "paid", "{field}: the right one comes in time");
        assert_eq!(alice.order(&order).await.expect(200)["status"], "paid", "{field}");
    }
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.tickets").await, 4);
    let refunds = server.admin().get(&format!("/v1/admin/events/{}/refunds-due", event.id)).await.expect(200);
    let owed =
        |refund: &Value| (refund["amount_minor"].as_i64().expect("an amount"), refund["currency"].as_str().expect("a code").to_owned());
    let owed: Vec<_> = refunds["refunds"].as_array().expect("a list").iter().map(owed).collect();
    let money = |amount_minor: i64, currency: &str| (amount_minor, currency.to_owned());
    assert_eq!(owed, [money(999, "TWD"), money(1001, "TWD"), money(0, "TWD"), money(1000, "USD")]);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_for_an_unknown_order_is_recorded_and_owed_back() {
    let server = TestServer::start().await;
    let (event, _, order) = one_order(&server).await;
    let gateway = server.gateway();
    let mut notice = gateway.notice(&order);
    notice["order_id"] = json!(Uuid::now_v7());
    assert_eq!(outcome(&gateway.notify(notice.clone()).await), "refund_due");
    assert_eq!(outcome(&gateway.notify(notice.clone()).await), "duplicate");
    let refunds = server.admin().get(&format!("/v1/admin/events/{}/refunds-due", event.id)).await.expect(200);
    assert_eq!(refunds["refunds"].as_array().map(Vec::len), Some(1));
    assert_eq!(refunds["refunds"][0]["order_id"], notice["order_id"]);

    // An order of another event is as unknown as any other.
    let other_event = server.small_event(&[("A", 1000, 10)]).await;
    let mut notice = gateway.notice(&order);
    notice["event_id"] = json!(other_event.id);
    assert_eq!(outcome(&gateway.notify(notice).await), "refund_due");
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.orders where status = 'pending_payment'").await, 1);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_for_an_unknown_event_is_refused_and_recorded_nowhere() {
    let server = TestServer::start().await;
    let (_, _, order) = one_order(&server).await;
    let before = server.trace().await;
    let mut notice = server.gateway().notice(&order);
    notice["event_id"] = json!(4711);
    server.gateway().notify(notice).await.problem(404, "event_not_found");
    assert_eq!(server.trace().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_payment_is_written_down_and_the_order_waits_on() {
    let server = TestServer::start().await;
    let (_, alice, order) = one_order(&server).await;
    let gateway = server.gateway();
    let mut notice = gateway.notice(&order);
    notice["status"] = json!("failed");
    assert_eq!(outcome(&gateway.notify(notice.clone()).await), "failed_recorded");
    assert_eq!(outcome(&gateway.notify(notice.clone()).await), "duplicate");
    assert_eq!(alice.order(&order).await.expect(200)["status"], "pending_payment");
    notice["status"] = json!("succeeded");
    assert_eq!(outcome(&gateway.notify(notice).await), "paid", "gateways retry a payment under its reference");
    assert_eq!(alice.order(&order).await.expect(200)["status"], "paid");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_that_comes_again_with_other_facts_is_a_conflict() {
    let server = TestServer::start().await;
    let (event, alice, order) = one_order(&server).await;
    let other = alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
    let gateway = server.gateway();
    let notice = gateway.notice(&order);
    assert_eq!(outcome(&gateway.notify(notice.clone()).await), "paid");
    let before = server.trace().await;
    for (field, value) in [("order_id", other["order_id"].clone()), ("amount_minor", json!(2000)), ("currency", json!("USD"))] {
        let mut changed = notice.clone();
        changed[field] = value;
        gateway.notify(changed).await.problem(409, "payment_conflict");
    }
    assert_eq!(server.trace().await, before);
    // The same reference at another gateway is a different payment.
    let mut elsewhere = notice.clone();
    elsewhere["provider"] = json!("otherpay");
    elsewhere["order_id"] = other["order_id"].clone();
    assert_eq!(outcome(&gateway.notify(elsewhere).await), "paid");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_payment_of_a_paid_order_is_owed_back() {
    let server = TestServer::start().await;
    let (event, alice, order) = one_order(&server).await;
    assert_eq!(outcome(&server.gateway().pay(&order).await), "paid");
    let second = server.gateway().notice(&order);
    assert_eq!(outcome(&server.gateway().notify(second.clone()).await), "refund_due");
    assert_eq!(alice.order(&order).await.expect(200)["status"], "paid");
    let refunds = server.admin().get(&format!("/v1/admin/events/{}/refunds-due", event.id)).await.expect(200);
    assert_eq!(refunds["refunds"].as_array().map(Vec::len), Some(1));
    assert_eq!(refunds["refunds"][0]["provider_reference"], second["provider_reference"]);
    server.assert_invariants().await;
}
