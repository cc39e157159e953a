//! Orders that the queue has lost are left to it for a moment, and then swept.

use pretty_assertions::assert_eq;

use super::*;

/// How long the sweep leaves an order to the queue.
const GRACE_MS: f64 = 300.0;
/// The grace and the pause between two sweeps, and some time to work.
const USUALLY_WITHIN_MS: f64 = 300.0 + 400.0 + 200.0;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_the_queue_has_lost_is_swept_after_its_grace_and_within_two_seconds() {
    let server = TestServer::start().await;
    let event = brief_event(&server, 4).await;
    assert_soon(USUALLY_WITHIN_MS, async |seat| {
        let order = server.customer("alice").claim_seats(&event, &[("A", seat)]).await.expect(201);
        eventually(PATIENCE, || async { queued_for_ms(&server, &order).await.is_some() }).await;
        let lost: i64 = server.redis().await.zrem(queue_key(&server), entry(&order)).await.expect("Redis answers");
        assert_eq!(lost, 1);
        let late_ms = expired_after_ms(&server, &order).await;
        assert!((GRACE_MS..SWEPT_WITHIN_MS).contains(&late_ms), "{late_ms} ms late");
        late_ms
    })
    .await;
    server.assert_invariants().await;
}
