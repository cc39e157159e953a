//! Refunds: recorded payment by payment; the order is refunded when nothing more is owed.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use tokio_postgres::{Client, Error};
use uuid::Uuid;

use super::logins::{Logins, refusal};
use crate::harness::{EventHandle, TestServer, rivals};
use crate::stored::server_without_expiry;

async fn refund(operator: &Client, event: EventHandle, reference: &str) -> Result<Option<String>, Error> {
    let sql = "select admin.mark_refunded(p_event_id => $1, p_provider => 'testpay', p_provider_reference => $2, p_reason => 'sent back')";
    operator.query_one(sql, &[&event.id, &reference]).await.map(|row| row.get(0))
}

/// A notice for the order with another amount than it costs, under this reference.
async fn pay_wrongly(server: &TestServer, order: &Value, reference: &str) {
    let mut notice = server.gateway().notice(order);
    notice["amount_minor"] = json!(7);
    notice["provider_reference"] = json!(reference);
    assert_eq!(server.gateway().notify(notice).await.expect(200)["outcome"], "refund_due");
}

/// An order that has lost its seats.
async fn lost_order(server: &TestServer, event: EventHandle) -> Value {
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    alice.cancel(&order).await.expect(200);
    order
}

async fn status(server: &TestServer, order: &Value) -> String {
    server.ask(&format!("select status::text from rowlock.orders where order_id = '{}'", order["order_id"].as_str().expect("an id"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_refunded_when_the_last_of_its_money_went_back() {
    let server = server_without_expiry().await;
    let logins = Logins::new(&server.database_url).await;
    let olivia = logins.connect("olivia").await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let order = lost_order(&server, event).await;
    pay_wrongly(&server, &order, "first").await;
    pay_wrongly(&server, &order, "second").await;
    let ended_at = "select ended_at::text from rowlock.orders";
    let ended: String = server.ask(ended_at).await;
    assert_eq!(refund(&olivia, event, "second").await.expect("refunded").as_deref(), Some("refund_due"));
    assert_eq!(status(&server, &order).await, "refund_due", "the first is owed still");
    assert_eq!(server.ask::<String>("select provider_reference from admin.refunds_due").await, "first");
    assert_eq!(refund(&olivia, event, "first").await.expect("refunded").as_deref(), Some("refunded"));
    assert_eq!(status(&server, &order).await, "refunded");
    assert_eq!(server.ask::<String>(ended_at).await, ended, "when it was found to need a refund");
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.payments where refunded_at > received_at").await, 2);
    assert_eq!(server.ask::<i64>("select refunded_minor from admin.money").await, 14);

    // More money for it is owed back again, and the order stays as it is.
    pay_wrongly(&server, &order, "third").await;
    assert_eq!(refund(&olivia, event, "third").await.expect("refunded").as_deref(), Some("refunded"));
    server.assert_invariants().await;
    logins.gone().await;
}

/// Wrong money is no end of an order, and neither is its refund.
#[tokio::test(flavor = "multi_thread")]
async fn the_refund_of_wrong_money_changes_nothing_about_a_pending_order() {
    let server = server_without_expiry().await;
    let logins = Logins::new(&server.database_url).await;
    let olivia = logins.connect("olivia").await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    pay_wrongly(&server, &order, "wrong").await;
    assert_eq!(refund(&olivia, event, "wrong").await.expect("refunded").as_deref(), Some("pending_payment"));
    assert_eq!(alice.order(&order).await.expect(200), order);
    assert_eq!(server.ask::<i64>("select count(*) from admin.refunds_due").await, 0);
    server.assert_invariants().await;
    assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid");
    server.assert_invariants().await;
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_on_top_of_a_paid_order_and_for_no_order_goes_back_alone() {
    let server = server_without_expiry().await;
    let logins = Logins::new(&server.database_url).await;
    let olivia = logins.connect("olivia").await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let mut notice = server.gateway().notice(&order);
    notice["provider_reference"] = json!("good");
    assert_eq!(server.gateway().notify(notice).await.expect(200)["outcome"], "paid");
    pay_wrongly(&server, &order, "on top").await;
    assert_eq!(refund(&olivia, event, "on top").await.expect("refunded").as_deref(), Some("paid"));
    assert_eq!(status(&server, &order).await, "paid");

    let mut unknown = order.clone();
    unknown["order_id"] = json!(Uuid::now_v7().to_string());
    pay_wrongly(&server, &unknown, "for nothing").await;
    assert_eq!(refund(&olivia, event, "for nothing").await.expect("refunded"), None);
    let timeline = format!("select string_agg(what, ', ') from admin.order_timeline('{}')", unknown["order_id"].as_str().expect("an id"));
    assert_eq!(server.ask::<String>(&timeline).await, "payment succeeded, refunded, admin.mark_refunded");

    for (reference, detail) in [
        ("good", "provider_reference: is not owed back: its outcome is paid"),
        ("nothing", &format!("provider_reference: \"nothing\" of testpay is not a payment of event {}", event.id)),
    ] {
        let refused = refusal(refund(&olivia, event, reference).await);
        assert_eq!(refused, ("RL006".to_owned(), detail.to_owned()));
    }
    let (state, detail) = refusal(refund(&olivia, event, "on top").await);
    assert_eq!(state, "RL006");
    assert!(detail.starts_with("provider_reference: was already refunded at 20"), "{detail}");
    server.assert_invariants().await;
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_operators_who_note_one_refund_one_is_refused() {
    let server = server_without_expiry().await;
    let logins = Logins::new(&server.database_url).await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let order = lost_order(&server, event).await;
    pay_wrongly(&server, &order, "once").await;
    let mut operators = Vec::new();
    for _ in 0..4 {
        operators.push(logins.connect("olivia").await);
    }
    let mut answers = rivals(operators.len(), |_| {
        let operator = operators.pop().expect("an operator");
        async move { refund(&operator, event, "once").await }
    })
    .await;
    answers.retain(Result::is_ok);
    assert_eq!(answers.len(), 1);
    assert_eq!(server.ask::<i64>("select count(*) from admin.action_log where function = 'admin.mark_refunded'").await, 1);
    logins.gone().await;
}
