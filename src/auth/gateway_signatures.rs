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
mod tests;
