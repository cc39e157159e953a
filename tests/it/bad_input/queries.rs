//! Query parameters that an operation does not take: refused by name, never ignored.

use pretty_assertions::assert_eq;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, Caller, Document, Operation, TestServer};

/// The path of an operation with values for its variables.
pub fn path_of(template: &str) -> String {
    let order_id = "01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e812";
    template.replace("{event_id}", "7").replace("{order_id}", order_id).replace("{section}", "A")
}

fn operations() -> Vec<Operation<'static>> {
    let operations: Vec<_> =
        Document::published().operations().into_iter().filter(|operation| operation.path.starts_with("/v1/")).collect();
    assert!(operations.len() >= 19, "only {} operations", operations.len());
    operations
}

/// Calls an operation with a parameter that none takes.
async fn surprise(caller: &Caller, operation: &Operation<'_>) -> Answer {
    let method: Method = operation.method.to_uppercase().parse().expect("a method");
    caller.send(caller.request(method, &format!("{}?surprise=1", path_of(operation.path)))).await
}

/// Somebody who may call the operation.
fn entitled(server: &TestServer, operation: &Operation<'_>) -> Caller {
    match operation.scheme() {
        Some("CustomerToken") => (*server.customer("alice")).clone(),
        // The body that it signs is empty.
        Some("GatewaySignature") => {
            let signed = server.gateway().sign_bytes(Vec::new(), time::OffsetDateTime::now_utc());
            signed.headers.iter().fold(server.anyone(), |caller, (name, value)| caller.with(name, value))
        }
        _ => server.admin(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_refuses_a_parameter_that_it_does_not_take() {
    let server = TestServer::start().await;
    let before = server.trace().await;
    for operation in operations() {
        let known: Vec<_> = operation.json["parameters"].as_array().into_iter().flatten().filter(|known| known["in"] == "query").collect();
        let refused = surprise(&entitled(&server, &operation), &operation).await.invalid("surprise");
        let detail = refused["detail"].as_str().expect("a detail");
        for name in known.iter().map(|known| known["name"].as_str().expect("a name")) {
            assert!(detail.contains(name), "{}: it does not say that {name} is taken: {detail}", operation.id());
        }
        assert_eq!(known.is_empty(), detail.ends_with("which takes none in the query"), "{}: {detail}", operation.id());
    }
    assert_eq!(server.trace().await, before);
}

/// Who may not call is told only that, whatever else is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_query_is_no_matter_before_it_is_known_who_calls() {
    let server = TestServer::start().await;
    for operation in operations() {
        let refusal = match operation.scheme() {
            Some("GatewaySignature") => (401, "invalid_signature"),
            Some(_) if !operation.needs_no_credentials() => (401, "unauthorized"),
            _ => (400, "invalid_request"),
        };
        surprise(&server.anyone(), &operation).await.problem(refusal.0, refusal.1);
        let forger = server.bearer("not.a.token").with("x-api-key", "not a key").with("webhook-id", "msg_1");
        let forged = if refusal.0 == 400 { (401, "unauthorized") } else { refusal };
        surprise(&forger, &operation).await.problem(forged.0, forged.1);
    }
}

/// Such a request once returned everybody's orders to somebody who filtered by one customer.
#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_is_not_there_is_not_taken_for_no_filter() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let orders = format!("/v1/admin/events/{}/orders", event.id);
    let admin = server.admin();
    let refused = admin.get(&format!("{orders}?customer_id=bob")).await.invalid("customer_id");
    assert_eq!(refused["detail"], "customer_id is not a parameter of this operation, which takes status, after and limit");
    let several = admin.get(&format!("{orders}?limit=5&customer=bob&section=A")).await.invalid("customer");
    assert_eq!(several["detail"], "customer and section are not parameters of this operation, which takes status, after and limit");
    admin.get(&format!("{orders}?status=paid&status=expired")).await.invalid("status");
    admin.get(&format!("{orders}?limit=5&%6cimit=6")).await.invalid("limit");
    for nonsense in ["status=%ff", "status=%e6%97", "status=%zz", "status=paid%0a"] {
        admin.get(&format!("{orders}?{nonsense}")).await.invalid("status");
    }
    admin.get(&format!("{orders}?%ff=1")).await.invalid("query");
    for good in ["", "limit=5", "status=pending_payment&limit=5", "%73tatus=pending%5Fpayment", "limit=5&"] {
        let found = admin.get(&format!("{orders}?{good}")).await.expect(200);
        assert_eq!(found["orders"].as_array().map(Vec::len), Some(1), "{good}");
    }
    let created = admin.post("/v1/events?dry_run=true", &json!({})).await;
    created.invalid("dry_run");
}

/// Load balancers and browsers append parameters of their own; these paths take no input that could be misunderstood.
#[tokio::test(flavor = "multi_thread")]
async fn pages_and_probes_mind_no_query() {
    let server = TestServer::start().await;
    for path in ["/livez", "/readyz", "/metrics", "/", "/docs", "/errors", "/openapi.json"] {
        server.anyone().get(&format!("{path}?utm_source=mail&x=%ff")).await.expect(200);
    }
    server.anyone().get("/v1/nowhere?x=1").await.problem(404, "not_found");
    let anyone = server.anyone();
    anyone.send(anyone.request(Method::PUT, "/v1/events?x=1")).await.problem(405, "method_not_allowed");
}
