//! The payment gateway's signature over a notice, according to Standard Webhooks.

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use poem::http::{HeaderMap, HeaderName};
use sha2::Sha256;
use time::OffsetDateTime;

use super::{AuthError, only_value};
use crate::metrics::CredentialFault;

/// The headers with the signature of a notice.
pub static WEBHOOK_HEADERS: [HeaderName; 3] =
    [HeaderName::from_static("webhook-id"), HeaderName::from_static("webhook-timestamp"), HeaderName::from_static("webhook-signature")];
/// The minimum of Standard Webhooks.
const SECRET_MIN_BYTES: usize = 24;
/// The longest message id that is accepted.
const ID_MAX_BYTES: usize = 200;
/// How far the time of sending may be from the current time.
const TOLERANCE_S: i64 = 300;
/// The length of an HMAC-SHA256.
const CODE_BYTES: usize = 32;

/// Signs and verifies any bytes. The crate of Standard Webhooks accepts only UTF-8, which a compressed body is not.
pub(crate) struct GatewaySignatures(Hmac<Sha256>);

impl GatewaySignatures {
    pub(super) fn new(secret: &str) -> anyhow::Result<Self> {
        Ok(Self(keyed(secret)?))
    }

    /// Reads what the gateway says of its signature: all that can be checked before the body has arrived.
    ///
    /// # Errors
    /// `Missing` without any of the three headers; `Invalid` when one is missing or malformed.
    pub(crate) fn read<'a>(&self, headers: &'a HeaderMap, now: OffsetDateTime) -> Result<Signature<'a>, AuthError> {
        let [id, timestamp, signature] = values(headers)?;
        if !(1..=ID_MAX_BYTES).contains(&id.len()) {
            return Err(AuthError::malformed(format!("the header webhook-id must have 1 to {ID_MAX_BYTES} characters")));
        }
        let seconds = timestamp.parse::<u32>().ok().filter(|_| timestamp.bytes().all(|byte| byte.is_ascii_digit()));
        let seconds = seconds.ok_or_else(|| AuthError::malformed("the header webhook-timestamp must be whole seconds since 1970"))?;
        if codes(signature).next().is_none() {
            return Err(AuthError::malformed("the header webhook-signature must be `v1,` followed by the base64 of an HMAC-SHA256"));
        }
        let age_s = now.unix_timestamp() - i64::from(seconds);
        Ok(Signature { begun: begun(&self.0, id, timestamp), signature, age_s })
    }
}

/// A signature of which only the body is not yet known.
pub(crate) struct Signature<'a> {
    begun: Hmac<Sha256>,
    signature: &'a str,
    age_s: i64,
}

impl Signature<'_> {
    /// Checks that the gateway signed these bytes within the last five minutes.
    ///
    /// # Errors
    /// `Invalid` when it did not, or only the time is wrong.
    pub(crate) fn check(mut self, body: &[u8]) -> Result<(), AuthError> {
        self.begun.update(body);
        // Compared in constant time.
        if !codes(self.signature).any(|code| self.begun.clone().verify_slice(&code).is_ok()) {
            let reason = "the signature does not match: sign the bytes of the body exactly as they are sent, with the shared secret";
            return Err(AuthError::Invalid(CredentialFault::Unknown, reason.into()));
        }
        check_age(self.age_s)
    }
}

/// Refuses what was signed too long ago, or in the future. The signature is checked before, so that a wrong clock is not confused with a
/// wrong secret.
fn check_age(age_s: i64) -> Result<(), AuthError> {
    if age_s.abs() <= TOLERANCE_S {
        return Ok(());
    }
    let (distance_s, side) = (age_s.abs(), if age_s > 0 { "past" } else { "future" });
    let reason = format!(
        "the signature is right, but the header webhook-timestamp is {distance_s} s in the {side}; it must be within {TOLERANCE_S} s of the \
         server's clock: sign each attempt anew, and check both clocks"
    );
    Err(AuthError::Invalid(CredentialFault::OffTime, reason.into()))
}

/// The authentication codes in a signature, of which one is enough.
fn codes(signature: &str) -> impl Iterator<Item = Vec<u8>> {
    let codes = signature.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    codes.filter(|code| code.len() == CODE_BYTES)
}

/// The authentication code of a message, over its id and its time; its body is to follow.
fn begun(key: &Hmac<Sha256>, id: &str, timestamp: &str) -> Hmac<Sha256> {
    let mut code = key.clone();
    code.update(format!("{id}.{timestamp}.").as_bytes());
    code
}

/// The values of the three headers, each of which must be sent exactly once.
fn values(headers: &HeaderMap) -> Result<[&str; 3], AuthError> {
    let values = WEBHOOK_HEADERS.each_ref().map(|name| only_value(headers, name));
    if let [Ok(id), Ok(timestamp), Ok(signature)] = values {
        return Ok([id, timestamp, signature]);
    }
    let missing: Vec<_> = WEBHOOK_HEADERS.iter().filter(|name| !headers.contains_key(*name)).map(HeaderName::as_str).collect();
    if missing.len() == WEBHOOK_HEADERS.len() {
        return Err(AuthError::Missing);
    }
    if !missing.is_empty() {
        let (noun, verb) = if missing.len() == 1 { ("header", "is") } else { ("headers", "are") };
        return Err(AuthError::malformed(format!("the {noun} {} {verb} missing", missing.join(" and "))));
    }
    let [id, timestamp, signature] = values;
    Ok([id?, timestamp?, signature?])
}

fn keyed(secret: &str) -> anyhow::Result<Hmac<Sha256>> {
    let key = secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
    let key = key.context("the webhook secret (--webhook-secret, ROWLOCK_WEBHOOK_SECRET) is not `whsec_` followed by base64")?;
    if key.len() < SECRET_MIN_BYTES {
        bail!(
            "the webhook secret (--webhook-secret, ROWLOCK_WEBHOOK_SECRET) has {} bytes; at least {SECRET_MIN_BYTES} are needed",
            key.len()
        );
    }
    Ok(Hmac::new_from_slice(&key)?)
}

/// The three headers that a gateway sends with a notice: id, timestamp, signature.
///
/// # Errors
/// When the secret is not `whsec_` followed by the base64 of at least 24 bytes.
pub fn sign_notice(secret: &str, id: &str, body: &[u8], now: OffsetDateTime) -> anyhow::Result<[(&'static str, String); 3]> {
    let timestamp = now.unix_timestamp().to_string();
    let mut code = begun(&keyed(secret)?, id, &timestamp);
    code.update(body);
    let code = code.finalize().into_bytes();
    let [id_name, timestamp_name, signature_name] = WEBHOOK_HEADERS.each_ref().map(HeaderName::as_str);
    Ok([(id_name, id.to_owned()), (timestamp_name, timestamp), (signature_name, format!("v1,{}", STANDARD.encode(code)))])
}

/// A new webhook secret: `whsec_` followed by 32 random bytes in base64.
pub fn new_webhook_secret() -> String {
    format!("whsec_{}", STANDARD.encode(rand::random::<[u8; 32]>()))
}

#[cfg(test)]
mod tests {
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
}
