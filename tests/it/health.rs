//! Health, metrics and documentation.

use crate::harness::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn smoke() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
    assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid");
    eprintln!("{:#}", server.trace().await);
    server.assert_invariants().await;
}
