//! Signatures that are the gateway's, and others.

use poem::http::{HeaderName, HeaderValue};
use time::Duration;

use super::*;

const SECRET: &str = "whsec_dGhlIHRlc3RzJyBzZWNyZXQgb2YgdGhlIGdhdGV3YXk=";

fn signed(sent_at: OffsetDateTime) -> HeaderMap {
    let headers = sign_notice(SECRET, "msg_1", b"{}", sent_at).unwrap();
    headers.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).into_iter().collect()
}

/// Why the gateway's headers are refused after `change`.
fn refused(sent_before: Duration, change: impl Fn(&mut HeaderMap)) -> Option<String> {
    let now = OffsetDateTime::now_utc();
    let mut headers = signed(now - sent_before);
    change(&mut headers);
    match GatewaySignatures::new(SECRET).unwrap().read(&headers, now).and_then(|signature| signature.check(b"{}")) {
        Ok(()) => None,
        Err(AuthError::Missing) => Some("nothing was sent".to_owned()),
        Err(AuthError::Invalid(_, reason)) => Some(reason.into_owned()),
        Err(AuthError::Expired) => panic!("signatures do not expire"),
    }
}

#[test]
fn each_header_that_is_missing_is_named() {
    assert_eq!(refused(Duration::ZERO, |_| {}), None);
    for name in &WEBHOOK_HEADERS {
        let without = |headers: &mut HeaderMap| drop(headers.remove(name));
        assert_eq!(refused(Duration::ZERO, without), Some(format!("the header {name} is missing")));
    }
    let bare = |headers: &mut HeaderMap| headers.clear();
    assert_eq!(refused(Duration::ZERO, bare).unwrap(), "nothing was sent");
    let only_id = |headers: &mut HeaderMap| WEBHOOK_HEADERS[1..].iter().for_each(|name| drop(headers.remove(name)));
    assert_eq!(refused(Duration::ZERO, only_id).unwrap(), "the headers webhook-timestamp and webhook-signature are missing");
}

/// Compares with the crate of Standard Webhooks, on texts that it accepts.
#[test]
fn signatures_are_those_of_the_standard() {
    let (webhook, now) = (standardwebhooks::Webhook::new(SECRET).unwrap(), OffsetDateTime::now_utc());
    assert!(webhook.verify(b"{}", &signed(now)).is_ok());
    let theirs = webhook.sign("msg_1", now.unix_timestamp(), b"{}").unwrap();
    let both = |headers: &mut HeaderMap| {
        drop(headers.insert("webhook-signature", format!("v2,AAAA v1,AAAA {theirs}").parse().unwrap()));
        headers.insert("webhook-timestamp", now.unix_timestamp().into());
    };
    assert_eq!(refused(Duration::ZERO, both), None, "one good signature of several is enough");
}

#[test]
fn any_bytes_can_be_signed() {
    let now = OffsetDateTime::now_utc();
    let body = [0x1f, 0x8b, 0xff, 0x00];
    let headers = sign_notice(SECRET, "msg_1", &body, now).unwrap();
    let headers = headers.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).into_iter().collect();
    let signatures = GatewaySignatures::new(SECRET).unwrap();
    let check = |body| signatures.read(&headers, now).and_then(|signature| signature.check(body));
    assert!(check(&body).is_ok());
    assert!(check(&body[..3]).is_err());
}

#[test]
fn a_notice_is_good_for_five_minutes_either_way() {
    for seconds in [-300, -299, 0, 299, 300] {
        assert_eq!(refused(Duration::seconds(seconds), |_| {}), None, "{seconds}");
    }
    let old = refused(Duration::seconds(301), |_| {}).unwrap();
    assert_eq!(
        old,
        "the signature is right, but the header webhook-timestamp is 301 s in the past; it must be within 300 s of the server's clock: \
         sign each attempt anew, and check both clocks"
    );
    assert!(refused(Duration::seconds(-301), |_| {}).unwrap().contains("301 s in the future"));
    let forged = |headers: &mut HeaderMap| drop(headers.insert("webhook-id", HeaderValue::from_static("msg_2")));
    assert!(refused(Duration::seconds(301), forged).unwrap().starts_with("the signature does not match"), "whatever its time");
}

#[test]
fn a_header_that_is_malformed_or_sent_twice_is_named() {
    let with = |name: &'static str, value: &str| {
        let value: HeaderValue = value.parse().unwrap();
        refused(Duration::ZERO, move |headers| drop(headers.insert(name, value.clone()))).unwrap()
    };
    assert!(with("webhook-id", "").contains("webhook-id must have 1 to 200"));
    assert!(with("webhook-id", &"x".repeat(201)).contains("webhook-id must have 1 to 200"));
    assert!(with("webhook-id", &"x".repeat(200)).contains("does not match"), "an id may be as long");
    for timestamp in ["", "now", "-1", "+1788235205", "1788235205.5", "1788235205000", "99999999999999999999"] {
        assert!(with("webhook-timestamp", timestamp).contains("must be whole seconds since 1970"), "{timestamp}");
    }
    let code = STANDARD.encode([7; CODE_BYTES]);
    let others = [format!("v1a,{code}"), format!("v2,{code}"), code.clone(), "v1,AAAA".to_owned(), format!("v1,{code}A")];
    for signature in ["", "v1"].into_iter().chain(others.iter().map(String::as_str)) {
        assert!(with("webhook-signature", signature).contains("must be `v1,`"), "{signature}");
    }
    assert!(with("webhook-signature", &format!("v1,{code}")).contains("does not match"));
    assert!(with("webhook-id", "msg_2").contains("does not match"), "the id is signed, too");
    let twice = refused(Duration::ZERO, |headers| {
        headers.append("webhook-id", "msg_1".parse().unwrap());
    });
    assert_eq!(twice.unwrap(), "the header webhook-id was sent more than once");
}

#[test]
fn secrets_that_are_short_or_malformed_are_refused_by_their_flag() {
    for secret in ["", "whsec_", "whsec_?", "whsec_c2hvcnQ=", "dGhlIHRlc3RzJyBzZWNyZXQgb2YgdGhlIGdhdGV3YXk="] {
        let error = GatewaySignatures::new(secret).err().expect("refused").to_string();
        assert!(error.contains("--webhook-secret") && error.contains("ROWLOCK_WEBHOOK_SECRET"), "{error}");
    }
    let of_bytes = |bytes| GatewaySignatures::new(&format!("whsec_{}", STANDARD.encode(vec![7_u8; bytes])));
    assert!(of_bytes(SECRET_MIN_BYTES - 1).is_err() && of_bytes(24).is_ok());
    assert!(GatewaySignatures::new(&new_webhook_secret()).is_ok());
}
