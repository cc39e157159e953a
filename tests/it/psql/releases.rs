//! Orders that an operator releases.

use pretty_assertions::assert_eq;

use super::logins::{Logins, refusal};
use crate::harness::TestServer;
use crate::stored::{Notice, Session, server_without_expiry, until_somebody_waits};

/// Like a cancellation by the customer: its seats are on sale at once, and late money buys them only while they still are.
#[tokio::test(flavor = "multi_thread")]
async fn a_released_order_is_a_cancelled_one() {
    let server = server_without_expiry().await;
    let logins = Logins::new(&server.database_url).await;
    let event = server.small_event(&[("A", 1000, 10), ("B", 1000, 10)]).await;
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1), ("B", 2)]).await.expect(201);
    let order_id = order["order_id"].as_str().expect("an id");
    let failed = format!(
        "select rowlock.record_expiry_failure(p_event_id => {}, p_order_id => '{order_id}', p_error => 'full', p_attempts_max => 1)",
        event.id
    );
    server.db.batch_execute(&failed).await.expect("a dead letter");
    let release = format!("select admin.release_order({}, '{order_id}', 'she called')", event.id);
    let olivia = logins.connect("olivia").await;
    assert_eq!(olivia.query_one(&release, &[]).await.expect("released").get::<_, i32>(0), 2);
    assert_eq!(alice.order(&order).await.expect(200)["status"], "cancelled");
    assert_eq!(server.ask::<i64>("select count(*) from admin.dead_letters").await, 0);
    let (state, _) = refusal(olivia.query_one(&release, &[]).await);
    assert_eq!(state, "RL005");
    server.customer("ben").claim_seats(&event, &[("A", 1)]).await.expect(201);
    assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "refund_due");
    let order = alice.claim_seats(&event, &[("A", 5)]).await.expect(201);
    let release = format!("select admin.release_order({}, '{}', 'she called')", event.id, order["order_id"].as_str().expect("an id"));
    olivia.batch_execute(&release).await.expect("released");
    assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "late_reclaimed");
    server.assert_invariants().await;
    logins.gone().await;
}

/// An operator's release and the gateway's notice coincide: one of them wins.
#[tokio::test(flavor = "multi_thread")]
async fn a_release_waits_for_a_payment_under_way() {
    let server = TestServer::start().await;
    let logins = Logins::new(&server.database_url).await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let order_id = order["order_id"].as_str().expect("an id").to_owned();
    let paying = Session::new(&server, &event).await;
    paying.begin().await;
    let notice = Notice {
        order_id: order_id.parse().expect("an id"),
        reference: "r".to_owned(),
        amount_minor: 1000,
        currency: "TWD".to_owned(),
        succeeded: true,
        message_id: "msg_1".to_owned(),
    };
    assert_eq!(paying.settle(&[notice]).await, ["paid"]);
    let olivia = logins.connect("olivia").await;
    let event_id = event.id;
    let release = tokio::spawn(async move {
        let sql = format!("select admin.release_order({event_id}, '{order_id}', 'too slow')");
        olivia.batch_execute(&sql).await
    });
    until_somebody_waits(&server).await;
    paying.commit().await;
    let (state, _) = refusal(release.await.expect("no panic"));
    assert_eq!(state, "RL005");
    server.assert_invariants().await;
    logins.gone().await;
}
