//! The payment gateway signs its notices.

use pretty_assertions::assert_eq;

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
    assert!(refused(&old).await.contains("s in the past; it must be within 300 s of the server's clock"));
    assert!(refused(&|headers| headers[2].1 = format!("v1,{}=", "A".repeat(43))).await.contains("the signature does not match"));
    // No operation of the other callers takes a signature.
    let signed = gateway.sign(&notice);
    let with_signature = signed.headers.iter().fold(server.anyone(), |caller, (name, value)| caller.with(name, value));
    let as_customer = with_signature.get(&event.at("orders")).await.problem(401, "unauthorized");
    assert!(as_customer["detail"].as_str().is_some_and(|detail| detail.ends_with("not a gateway signature")), "{as_customer}");
    assert_eq!(gateway.pay(&order).await.expect(200)["outcome"], "paid");
}
