//! What a customer is refused does not fill PostgreSQL's log, whose lines would be far longer than the requests.

use pretty_assertions::assert_eq;
use serde_json::json;
use uuid::Uuid;

use crate::faults::own_cluster::OnOwnCluster;
use crate::harness::EventHandle;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_customer_is_refused_is_an_error_for_postgresql() {
    let Some(own) = OnOwnCluster::start().await else { return };
    let event = own.event(&[("A", 1000, 20)]).await;
    let nowhere = EventHandle { id: 4711 };
    let (alice, mallory) = (own.server.customer("alice"), own.server.customer("mallory"));
    let claim = json!({"seats": [{"section": "A", "seat": 1}]});
    let paid = alice.claim_once(&event, "key", claim.clone()).await.expect(201);
    own.server.gateway().pay(&paid).await.expect(200);
    let cancelled = alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
    alice.cancel(&cancelled).await.expect(200);
    let pending = alice.claim_seats(&event, &[("A", 3), ("A", 4)]).await.expect(201);
    let unknown = json!({"event_id": event.id, "order_id": Uuid::now_v7()});
    let before = own.lines_of_errors();

    for _ in 0..3 {
        alice.cancel(&paid).await.problem(409, "order_not_pending");
        alice.keep(&cancelled, &[("A", 2)]).await.problem(409, "order_not_pending");
        alice.keep(&pending, &[("A", 3), ("A", 9)]).await.invalid("seats[1]");
        alice.keep(&pending, &[("A", 3), ("A", 3)]).await.invalid("seats[1]");
        for order in [&pending, &unknown] {
            mallory.order(order).await.problem(404, "order_not_found");
            mallory.cancel(order).await.problem(404, "order_not_found");
            mallory.keep(order, &[("A", 3)]).await.problem(404, "order_not_found");
        }
        alice.claim_once(&event, "key", claim.clone()).await.expect(201);
        alice.claim_once(&event, "key", json!({"seats": [{"section": "A", "seat": 5}]})).await.problem(422, "idempotency_key_reused");
        mallory.claim_seats(&event, &[("A", 1)]).await.problem(409, "seat_taken");
        mallory.claim_seats(&event, &[("A", 99)]).await.problem(404, "seat_not_found");
        mallory.claim_seats(&nowhere, &[("A", 1)]).await.problem(404, "event_not_found");
        mallory.get("/v1/events?after=4711").await.invalid("after");
        mallory.get(&event.at(&format!("orders?after={}", Uuid::now_v7()))).await.expect(200);
    }
    assert_eq!(own.lines_of_errors(), before);

    // An operator's mistake is one, which also shows that it would have been seen.
    let release = format!("select admin.release_order({}, '{}', 'a slip')", event.id, Uuid::now_v7());
    own.db().await.execute(&release, &[]).await.expect_err("no such order");
    assert_eq!(own.lines_of_errors(), before + 1);
    own.end().await;
}
