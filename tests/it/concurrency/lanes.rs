//! The two workers of a lane: a slow call holds nobody up once enough requests have gathered behind it.

use pretty_assertions::assert_eq;

use crate::harness::{Stops, TestServer, at_the_gate, build_gate, open_gate, rivals};
use crate::stored::unhurried;

/// This many waiting requests are worth a second call beside the one in progress (`OVERLAP_MIN` in `src/lanes/queue.rs`).
const CROWD: usize = 128;

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_served_while_the_call_before_it_is_still_out() {
    let server = TestServer::start().await;
    let event = server.event(unhurried(&[("A", 1000, 10), ("B", 1000, 200)])).await;
    build_gate(&server.db, "insert on rowlock.orders", "new.customer_id = 'slow'", Stops::All).await;
    let slow = server.customer("slow");
    let slow = tokio::spawn(async move { slow.claim_seats(&event, &[("A", 1)]).await });
    at_the_gate(&server.db).await;
    let answers = rivals(CROWD, |index| {
        let buyer = server.customer(&format!("buyer-{index}"));
        async move { buyer.claim_seats(&event, &[("B", i32::try_from(index).expect("small") + 1)]).await.status }
    })
    .await;
    assert!(!slow.is_finished(), "the crowd had to wait for the call before it");
    assert_eq!(answers, [201; CROWD]);
    open_gate(&server.db).await;
    slow.await.expect("no panic").expect(201);
    server.assert_invariants().await;
}
