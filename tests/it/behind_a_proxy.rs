//! What a trusted proxy in front tells the server about its clients.

use pretty_assertions::assert_eq;

use crate::harness::TestServer;

const HSTS: &str = "strict-transport-security";

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_came_by_tls_are_told_to_come_by_tls_only() {
    let server = TestServer::builder().arg("--forwarded-proto-header", "X-Forwarded-Proto").arg("--hsts-s", 3600).start().await;
    let by = |proto: &str| server.anyone().with("x-forwarded-proto", proto);
    // Whatever the answer is.
    for (path, status) in [("/v1/events", 200), ("/readyz", 200), ("/", 200), ("/v1/events/4711", 404), ("/v1/admin/dead-letters", 401)] {
        let answer = by("https").get(path).await;
        assert_eq!((answer.status, answer.header(HSTS)), (status, Some("max-age=3600")), "{path}");
        assert_eq!(by("http").get(path).await.header(HSTS), None, "{path}");
        assert_eq!(server.anyone().get(path).await.header(HSTS), None, "{path}");
        assert_eq!(server.anyone().with("x-forwarded-scheme", "https").get(path).await.header(HSTS), None, "{path}: another header");
    }
    // Without the setting, nobody is trusted to tell.
    let server = TestServer::start().await;
    assert_eq!(server.anyone().with("x-forwarded-proto", "https").get("/v1/events").await.header(HSTS), None);
}
