//! Payments that succeeded and failed after all: charge-backs, and transfers that bounced.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{one_order, outcome};
use crate::harness::{EventHandle, Gateway, TestServer};
use crate::stored::{Ask, Notice, Session, server_without_expiry, unhurried};

async fn refunds_due(server: &TestServer, event: EventHandle) -> usize {
    let refunds = server.admin().get(&format!("/v1/admin/events/{}/refunds-due", event.id)).await.expect(200);
    refunds["refunds"].as_array().expect("a list").len()
}

/// Reports the payment as reversed; returns the answer.
async fn reverse(gateway: &Gateway, notice: &Value) -> Value {
    let mut notice = notice.clone();
    notice["status"] = json!("failed");
    gateway.notify(notice).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_taken_back_is_recorded_once_and_its_order_keeps_its_tickets() {
    let server = TestServer::start().await;
    let second = server.second().await;
    let (event, alice, order) = one_order(&server).await;
    let gateway = server.gateway();
    let notice = gateway.notice(&order);
    assert_eq!(outcome(&gateway.notify(notice.clone()).await), "paid");
    let settled_at = "select received_at::text from rowlock.payments";
    let received_at: String = server.ask(settled_at).await;

    assert_eq!(reverse(&gateway, &notice).await, json!({"outcome": "reversal_recorded"}));
    let before = server.trace().await;
    let again = json!({"outcome": "duplicate", "recorded_outcome": "reversal_recorded"});
    assert_eq!(reverse(&gateway, &notice).await, again);
    assert_eq!(reverse(&second.gateway(), &notice).await, again, "at another server");
    let success = gateway.notify(notice.clone()).await.expect(200);
    assert_eq!(success, json!({"outcome": "duplicate", "recorded_outcome": "paid"}), "a late repetition of the success");
    assert_eq!(server.trace().await, before);

    // A person decides what becomes of the tickets.
    assert_eq!(alice.order(&order).await.expect(200)["status"], "paid");
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.tickets").await, 1);
    assert_eq!(server.ask::<String>(settled_at).await, received_at, "when it succeeded");
    assert_eq!(refunds_due(&server, event).await, 0);
    let shown =
        "select jsonb_build_array(provider_reference, amount_minor, bought_seats, customer, order_status, seats, reversed_at > received_at)
        from admin.reversals";
    assert_eq!(server.ask::<Value>(shown).await, json!([notice["provider_reference"], 1000, true, "alice", "paid", "A 1", true]));
    let money = "select jsonb_build_array(payments, paid_minor, refund_due_minor, refunded_minor, reversed_minor) from admin.money";
    assert_eq!(server.ask::<Value>(money).await, json!([1, 0, 0, 0, 1000]));
    let story = format!("select jsonb_agg(what) from admin.order_timeline('{}')", order["order_id"].as_str().expect("an id"));
    assert_eq!(server.ask::<Value>(&story).await, json!(["claimed", "payment succeeded", "paid", "payment reversed"]));
    let exported = format!("select reversed_at is not null from admin.sale_export({})", event.id);
    assert!(server.ask::<bool>(&exported).await, "the doors know");
    let counted = server.anyone().get("/metrics").await.text();
    assert!(counted.contains("rowlock_payments_total{outcome=\"reversal_recorded\"} 1"), "{counted}");
    server.assert_invariants().await;
}

/// The report of an earlier attempt that failed, if it comes after that of the attempt that succeeded, looks like a reversal: if the money
/// were forgotten then, its buyer would never see it again.
#[tokio::test(flavor = "multi_thread")]
async fn money_that_is_owed_back_stays_listed_and_marked_until_a_person_has_looked_at_its_reversal() {
    let server = TestServer::start().await;
    let (event, alice, order) = one_order(&server).await;
    let gateway = server.gateway();
    let refund = format!(
        "select admin.mark_refunded(p_event_id => {}, p_provider => 'testpay', p_provider_reference => $1, p_reason => 'sent back')",
        event.id
    );
    let marked = async |notice: &Value| {
        let reference = notice["provider_reference"].as_str().expect("a reference");
        server.db.query_one(&refund, &[&reference]).await.map(|row| row.get::<_, String>(0))
    };
    // Wrong while the order waits: the order is not concerned.
    let mut wrong = gateway.notice(&order);
    wrong["amount_minor"] = json!(999);
    assert_eq!(outcome(&gateway.notify(wrong.clone()).await), "refund_due");
    let listed = async || server.admin().get(&format!("/v1/admin/events/{}/refunds-due", event.id)).await.expect(200)["refunds"][0].clone();
    assert_eq!(listed().await.get("reversed_at"), None);
    assert_eq!(reverse(&gateway, &wrong).await, json!({"outcome": "reversal_recorded"}));
    assert_eq!((refunds_due(&server, event).await, listed().await["reversed_at"].is_string()), (1, true));
    assert_eq!(marked(&wrong).await.expect("marked"), "pending_payment");
    assert_eq!(refunds_due(&server, event).await, 0);
    assert_eq!(alice.order(&order).await.expect(200)["status"], "pending_payment");

    // Too late: the order is refunded when a person has seen to the last of its money.
    alice.cancel(&order).await.expect(200);
    server.customer("bob").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let late = [gateway.notice(&order), gateway.notice(&order)];
    for notice in &late {
        assert_eq!(outcome(&gateway.notify(notice.clone()).await), "refund_due");
    }
    assert_eq!(reverse(&gateway, &late[0]).await, json!({"outcome": "reversal_recorded"}));
    server.assert_invariants().await;
    let owed = "select array[refund_due_minor, refunded_minor, reversed_minor] from admin.money";
    assert_eq!(server.ask::<Vec<i64>>(owed).await, [2000, 999, 1999]);
    let shown =
        "select string_agg((reversed_at is not null)::text || ' ' || (order_status = 'refund_due')::text, ', ' order by received_at)
        from admin.refunds_due";
    assert_eq!(server.ask::<String>(shown).await, "true true, false true");
    for (notice, left, status) in [(&late[1], 1, "refund_due"), (&late[0], 0, "refunded")] {
        assert_eq!(marked(notice).await.expect("marked"), status);
        assert_eq!((refunds_due(&server, event).await, &alice.order(&order).await.expect(200)["status"]), (left, &json!(status)));
        server.assert_invariants().await;
    }
    let refused = marked(&late[0]).await.expect_err("nothing is owed");
    let detail = refused.as_db_error().and_then(|error| error.detail()).unwrap_or_default();
    assert!(detail.starts_with("provider_reference: was already refunded at 20"), "{detail}");
    assert_eq!(server.ask::<i64>("select count(*) from admin.reversals where refunded_at > reversed_at").await, 2);
}

/// Gateways repeat a message until it is answered, and the repetition may come after a later message.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_is_repeated_after_the_payment_succeeded_is_no_reversal() {
    let server = TestServer::start().await;
    let (_, alice, order) = one_order(&server).await;
    let gateway = server.gateway();
    let mut failed = gateway.notice(&order);
    failed["status"] = json!("failed");
    // The buyer tries three times, and not always with the same amount.
    failed["amount_minor"] = json!(900);
    let failures = [gateway.sign(&failed), gateway.sign(&failed)];
    let told = async |index: usize| gateway.raw(&failures[index].headers, failures[index].body.clone()).await.expect(200);
    assert_eq!(told(0).await, json!({"outcome": "failed_recorded"}));
    assert_eq!(told(1).await, json!({"outcome": "duplicate", "recorded_outcome": "failed_recorded"}));
    let mut paid = failed.clone();
    paid["status"] = json!("succeeded");
    paid["amount_minor"] = json!(1000);
    assert_eq!(outcome(&gateway.notify(paid.clone()).await), "paid");
    let before = server.trace().await;
    for index in [0, 1] {
        assert_eq!(told(index).await, json!({"outcome": "duplicate", "recorded_outcome": "failed_recorded"}), "{index}");
    }
    assert_eq!(server.trace().await, before);
    assert_eq!(server.ask::<i64>("select count(*) from admin.reversals").await, 0);
    assert_eq!(reverse(&gateway, &paid).await, json!({"outcome": "reversal_recorded"}), "in a message of its own");
    assert_eq!(told(0).await["recorded_outcome"], "failed_recorded", "it was settled as that");
    assert_eq!(alice.order(&order).await.expect(200)["status"], "paid");
    server.assert_invariants().await;
}

/// A gateway that reports one failure in ever new messages does not fill the database.
#[tokio::test(flavor = "multi_thread")]
async fn the_messages_that_reported_a_failure_are_remembered_up_to_a_hundred() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let session = Session::new(&server, &event).await;
    let order = session.claim_one(Ask::seats("ann", &[(1, 1)])).await.order();
    let first = Notice { succeeded: false, ..Notice::of(&order) };
    let failures: Vec<Notice> = std::iter::once(first.clone()).chain((1..120).map(|_| first.then(false))).collect();
    let settled = session.settle(&failures).await;
    assert_eq!((settled[0].as_str(), settled.iter().filter(|outcome| *outcome == "duplicate").count()), ("failed_recorded", 119));
    assert_eq!(server.ask::<i32>("select cardinality(failed_message_ids) from rowlock.payments").await, 100);
    assert_eq!(session.settle(&[first.then(true)]).await, ["paid"]);
    assert_eq!(session.settle(&[failures[99].clone(), failures[0].clone()]).await, ["duplicate"; 2]);
    server.assert_invariants().await;
}

/// A gateway that uses the id of a message again has sent a new one nevertheless.
#[tokio::test(flavor = "multi_thread")]
async fn the_id_of_a_message_does_not_identify_the_money() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let session = Session::new(&server, &event).await;
    let paid = Notice::of(&session.claim_one(Ask::seats("ann", &[(1, 1)])).await.order());
    let other = Notice { reference: "another payment".to_owned(), ..paid.clone() };
    let failed = Notice { succeeded: false, ..paid.clone() };
    assert_eq!(session.settle(&[paid]).await, ["paid"]);
    assert_eq!(session.settle(&[other, failed]).await, ["refund_due", "reversal_recorded"]);
    server.assert_invariants().await;
}

/// A failure with another amount than was paid, for another order or in another currency is not about that payment.
#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_with_other_facts_is_a_conflict() {
    let server = TestServer::start().await;
    let (event, alice, order) = one_order(&server).await;
    let other = alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
    let gateway = server.gateway();
    let mut notice = gateway.notice(&order);
    assert_eq!(outcome(&gateway.notify(notice.clone()).await), "paid");
    notice["status"] = json!("failed");
    let before = server.trace().await;
    for (field, value) in [("order_id", other["order_id"].clone()), ("amount_minor", json!(500)), ("currency", json!("USD"))] {
        let mut changed = notice.clone();
        changed[field] = value;
        gateway.notify(changed).await.problem(409, "payment_conflict");
    }
    assert_eq!(server.trace().await, before);
}
