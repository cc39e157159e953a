//! The payment gateway signs its notices.

use pretty_assertions::assert_eq;
use time::{Duration, OffsetDateTime};

use super::seconds_from_now;
use crate::harness::TestServer;

type Headers = Vec<(&'static str, String)>;

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_without_the_gateways_signature_is_told_what_is_missing() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let gateway = server.gateway();
    let notice = gateway.notice(&order);
    let challenge = "Signature headers=\"webhook-id webhook-timestamp webhook-signature\"";
    let takes = "this operation takes the payment gateway's signature in `webhook-id`, `webhook-timestamp` and `webhook-signature`";
    for (caller, rest) in
        [(&server.anyone(), "and none was sent"), (&*server.customer("alice"), "not a bearer token"), (&server.admin(), "not an API key")]
    {
        let answer = caller.post("/v1/payments", &notice).await;
        assert_eq!(answer.problem(401, "invalid_signature")["detail"], format!("{takes}, {rest}"));
        assert_eq!(answer.header("www-authenticate"), Some(challenge));
    }
    let refused = async |change: &dyn Fn(&mut Headers)| {
        let mut signed = gateway.sign(&notice);
        change(&mut signed.headers);
        let answer = gateway.raw(&signed.headers, signed.body).await;
        let detail = answer.problem(401, "invalid_signature")["detail"].as_str().expect("a detail").to_owned();
        let challenge = format!("{challenge}, error=\"invalid_signature\", error_description=\"{detail}\"");
        assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()));
        detail
    };
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let detail = refused(&|headers| headers.retain(|(known, _)| *known != name)).await;
        assert_eq!(detail, format!("the header {name} is missing"));
    }
    let old = |headers: &mut Headers| headers[1].1 = seconds_from_now(-600).to_string();
    assert!(refused(&old).await.contains("the signature does not match"), "nobody signed that time");
    assert!(refused(&|headers| headers[2].1 = format!("v1,{}=", "A".repeat(43))).await.contains("the signature does not match"));
    // No operation of the other callers takes a signature.
    let signed = gateway.sign(&notice);
    let with_signature = signed.headers.iter().fold(server.anyone(), |caller, (name, value)| caller.with(name, value));
    let as_customer = with_signature.get(&event.at("orders")).await.problem(401, "unauthorized");
    assert!(as_customer["detail"].as_str().is_some_and(|detail| detail.ends_with("not a gateway signature")), "{as_customer}");
    assert_eq!(gateway.pay(&order).await.expect(200)["outcome"], "paid");
}

/// A gateway whose clock is wrong loses every payment: it must not look like a wrong secret.
#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_only_fails_by_its_time_says_so_to_the_gateway_and_in_the_metrics() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let gateway = server.gateway();
    let body = gateway.notice(&order).to_string().into_bytes();
    let now = OffsetDateTime::now_utc();
    for (seconds, side) in [(-600, "past"), (600, "future")] {
        let signed = gateway.sign_bytes(body.clone(), now + Duration::seconds(seconds));
        let detail = gateway.raw(&signed.headers, signed.body).await.problem(401, "invalid_signature")["detail"].clone();
        let detail = detail.as_str().expect("a detail");
        let said = ["the signature is right, but the header webhook-timestamp is ", &format!(" s in the {side}; "), "check both clocks"];
        assert!(said.iter().all(|part| detail.contains(part)), "{detail}");
    }
    let mut forged = gateway.sign_bytes(body.clone(), now - Duration::seconds(600));
    forged.headers[0].1 = "msg_x".to_owned();
    gateway.raw(&forged.headers, forged.body).await.problem(401, "invalid_signature");
    let counted = server.anyone().get("/metrics").await.text();
    for (fault, count) in [("off_time", 2), ("unknown", 1)] {
        let line = format!("rowlock_credentials_refused_total{{credential=\"signature\",fault=\"{fault}\"}} {count}");
        assert!(counted.lines().any(|counted| counted == line), "{line} is not in {counted}");
    }
    // The gateway sends it again, signed anew.
    let signed = gateway.sign_bytes(body, now);
    assert_eq!(gateway.raw(&signed.headers, signed.body).await.expect(200)["outcome"], "paid");
}
