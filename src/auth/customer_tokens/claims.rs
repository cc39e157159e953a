//! What a customer's token claims. It is checked here rather than by the crate that verifies the signature, which rounds fractions of a
//! second and gives fewer reasons.

use serde::Deserialize;
use serde_json::Value;

use crate::auth::AuthError;
use crate::metrics::CredentialFault;
use crate::types::text;

/// How far the clock of a token issuer may be off, in seconds.
const CLOCK_LEEWAY_S: f64 = 5.0;
/// The last second of the year 9999. A later time is a mistake, usually milliseconds instead of seconds.
pub(super) const LATEST_S: u64 = 253_402_300_799;

/// The claims that are checked, of whatever type.
#[derive(Deserialize)]
pub(super) struct TokenClaims {
    sub: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    aud: Option<Value>,
    iss: Option<Value>,
}

impl TokenClaims {
    /// `exp` is required and `nbf` is checked. `iat` only tells the age (RFC 7519, 4.1.6), but must be a time. The lifetime begins at `iat`,
    /// or now if that is earlier or there is none: a token that is about to be valid for years is too long-lived, whatever it says of its
    /// age.
    pub(super) fn check_times(&self, now_s: f64, lifetime_max_s: Option<u32>) -> Result<(), AuthError> {
        let time = |name: &str, claim: &Option<Value>| claim.as_ref().map(|value| numeric_date(name, value)).transpose();
        let (exp, nbf, iat) = (time("exp", &self.exp)?, time("nbf", &self.nbf)?, time("iat", &self.iat)?);
        let exp = exp.ok_or_else(|| AuthError::malformed("the token has no exp, which is when it expires"))?;
        if now_s >= exp + CLOCK_LEEWAY_S {
            return Err(AuthError::Expired);
        }
        if nbf.is_some_and(|nbf| now_s < nbf - CLOCK_LEEWAY_S) {
            return Err(AuthError::Invalid(CredentialFault::Early, "the token is not valid yet: its nbf is in the future".into()));
        }
        if let Some(max_s) = lifetime_max_s
            && exp - iat.map_or(now_s, |iat| iat.min(now_s)) > f64::from(max_s) + CLOCK_LEEWAY_S
        {
            let reason = format!(
                "the token is valid for too long: its exp may be at most {max_s} s after its iat, or after now if that is earlier or there \
                 is no iat"
            );
            return Err(AuthError::Invalid(CredentialFault::LongLived, reason.into()));
        }
        Ok(())
    }

    pub(super) fn check_issuer(&self, issuer: &str) -> Result<(), AuthError> {
        match &self.iss {
            Some(iss) if iss == issuer => Ok(()),
            Some(_) => Err(foreign("the token is from another issuer (iss) than this server expects")),
            None => Err(foreign("the token names no issuer (iss)")),
        }
    }

    /// `aud` is one audience or a list of them.
    pub(super) fn check_audience(&self, audience: &str) -> Result<(), AuthError> {
        let is_ours = |aud: &Value| aud == audience;
        match &self.aud {
            Some(Value::Array(audiences)) if audiences.iter().any(is_ours) => Ok(()),
            Some(aud) if is_ours(aud) => Ok(()),
            Some(_) => Err(foreign("the token is for another audience (aud) than this server")),
            None => Err(foreign("the token names no audience (aud)")),
        }
    }

    /// The customer's id.
    pub(super) fn customer(self) -> Result<String, AuthError> {
        match self.sub {
            Some(Value::String(sub)) => match customer_id_objection(&sub) {
                None => Ok(sub),
                Some(objection) => Err(AuthError::malformed(format!("the token's sub {objection}"))),
            },
            Some(_) => Err(AuthError::malformed("the token's sub is not a string")),
            None => Err(AuthError::malformed("the token has no sub, which is the customer's id")),
        }
    }
}

/// Seconds since 1970, fractions included (RFC 7519, section 2).
fn numeric_date(name: &str, value: &Value) -> Result<f64, AuthError> {
    let latest_s = LATEST_S as f64;
    let seconds = value.as_f64().filter(|seconds| (0.0..=latest_s).contains(seconds));
    seconds.ok_or_else(|| {
        AuthError::malformed(format!("the token's {name} is malformed: it must be seconds since 1970, a number up to {LATEST_S}"))
    })
}

fn foreign(reason: &'static str) -> AuthError {
    AuthError::Invalid(CredentialFault::Foreign, reason.into())
}

/// What is wrong with a customer's id, which operators read in lists and exports.
pub(super) fn customer_id_objection(sub: &str) -> Option<&'static str> {
    if !(1..=200).contains(&sub.chars().count()) {
        return Some("must have 1 to 200 characters");
    }
    text::id_objection(sub)
}
