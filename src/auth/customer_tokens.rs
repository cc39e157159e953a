//! Customers' bearer tokens: JSON Web Tokens (RFC 7519), signed with a shared secret or the identity provider's private key.
//!
//! The signature is checked first, so that the answer says what is wrong with the claims only for a genuine token. The claims are checked
//! here rather than by the crate that verifies the signature, which rounds fractions of a second and gives fewer reasons.

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, crypto};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::{AuthError, public_keys};
use crate::config::AuthSettings;
use crate::metrics::CredentialFault;
use crate::strict_json;
use crate::types::text;

/// A shorter HS256 secret could be guessed (RFC 7518, 3.2).
const SECRET_MIN_BYTES: usize = 32;
/// How far the clock of a token issuer may be off, in seconds.
const CLOCK_LEEWAY_S: f64 = 5.0;
/// The last second of the year 9999. A later time is a mistake, usually milliseconds instead of seconds.
const LATEST_S: u64 = 253_402_300_799;

pub(crate) struct CustomerTokens {
    keys: Vec<(DecodingKey, Algorithm)>,
    audience: Option<String>,
    issuer: Option<String>,
    /// How long a token may be valid in all.
    lifetime_max_s: Option<u32>,
}

/// The part of a token's header that is needed.
#[derive(Deserialize)]
struct TokenHeader {
    alg: String,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

/// The claims that are checked, of whatever type.
#[derive(Deserialize)]
struct TokenClaims {
    sub: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    aud: Option<Value>,
    iss: Option<Value>,
}

impl CustomerTokens {
    pub(super) fn new(settings: &AuthSettings) -> anyhow::Result<Self> {
        let mut keys = Vec::new();
        if let Some(secret) = settings.jwt_secret()? {
            check_secret(&secret)?;
            keys.push((DecodingKey::from_secret(secret.as_bytes()), Algorithm::HS256));
        }
        if let Some(path) = &settings.jwt_public_key_file {
            let named = || format!("the JWT public key file {} (--jwt-public-key-file, ROWLOCK_JWT_PUBLIC_KEY_FILE)", path.display());
            let file = std::fs::read(path).with_context(|| format!("cannot read {}", named()))?;
            keys.extend(public_keys::read(&file).with_context(named)?);
        }
        if keys.is_empty() {
            bail!(
                "neither a JWT secret nor a JWT public key is given: set --jwt-secret (ROWLOCK_JWT_SECRET), --jwt-secret-file \
                 (ROWLOCK_JWT_SECRET_FILE) or --jwt-public-key-file (ROWLOCK_JWT_PUBLIC_KEY_FILE)"
            );
        }
        Ok(Self {
            keys,
            audience: settings.jwt_audience.clone(),
            issuer: settings.jwt_issuer.clone(),
            lifetime_max_s: Some(settings.jwt_lifetime_max_s).filter(|seconds| *seconds > 0),
        })
    }

    /// The customer that a bearer token names.
    ///
    /// # Errors
    /// `Expired` for a genuine token that has expired; `Invalid` for everything else, including unsigned tokens (`alg: none`).
    pub(crate) fn customer(&self, token: &str, now: OffsetDateTime) -> Result<String, AuthError> {
        let claims = self.genuine_claims(token)?;
        check_times(&claims, seconds(now), self.lifetime_max_s)?;
        if let Some(issuer) = &self.issuer {
            check_issuer(issuer, claims.iss.as_ref())?;
        }
        if let Some(audience) = &self.audience {
            check_audience(audience, claims.aud.as_ref())?;
        }
        match claims.sub {
            Some(Value::String(sub)) => match customer_id_objection(&sub) {
                None => Ok(sub),
                Some(objection) => Err(AuthError::malformed(format!("the token's sub {objection}"))),
            },
            Some(_) => Err(AuthError::malformed("the token's sub is not a string")),
            None => Err(AuthError::malformed("the token has no sub, which is the customer's id")),
        }
    }

    /// The claims of a token, if one of the keys signed it.
    fn genuine_claims(&self, token: &str) -> Result<TokenClaims, AuthError> {
        let malformed = || AuthError::malformed("the token is malformed: a JSON Web Token is three base64url parts separated by dots");
        let (message, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, payload) = message.split_once('.').filter(|(_, payload)| !payload.contains('.')).ok_or_else(malformed)?;
        let header: TokenHeader =
            part(header, "header")?.ok_or_else(|| AuthError::malformed("the token is malformed: its header is not JSON with an alg"))?;
        if header.crit {
            return Err(AuthError::malformed("the token's header has crit: no critical extension is supported"));
        }
        let mut keys =
            self.keys.iter().filter(|(_, algorithm)| header.alg.parse().is_ok_and(|alg: Algorithm| alg == *algorithm)).peekable();
        if keys.peek().is_none() {
            return Err(AuthError::malformed(format!("the token's alg is not supported: this server takes {}", self.algorithms())));
        }
        for (key, algorithm) in keys {
            match crypto::verify(signature, message.as_bytes(), key, *algorithm) {
                Ok(true) => {
                    let claims = part(payload, "claims")?;
                    return claims.ok_or_else(|| AuthError::malformed("the token is malformed: its claims are not a JSON object"));
                }
                Err(error) if matches!(error.kind(), ErrorKind::Base64(_)) => return Err(malformed()),
                Ok(false) | Err(_) => {}
            }
        }
        Err(AuthError::Invalid(CredentialFault::Unknown, "the token's signature does not match any key that this server knows".into()))
    }

    /// The algorithms of the keys, each once.
    fn algorithms(&self) -> String {
        let mut names: Vec<_> = self.keys.iter().map(|(_, algorithm)| format!("{algorithm:?}")).collect();
        names.sort_unstable();
        names.dedup();
        names.join(" or ")
    }
}

/// One part of a token: base64url of a JSON object; `None` if it is anything else. Verifiers differ in which of two claims with one name
/// they use (RFC 7519, section 4), so none is used here.
fn part<T: DeserializeOwned>(text: &str, what: &str) -> Result<Option<T>, AuthError> {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(text) else { return Ok(None) };
    match strict_json::read(&bytes) {
        Ok(value) => Ok(value.is_object().then(|| serde_json::from_value(value).ok()).flatten()),
        Err(error) if error.is_data() => Err(AuthError::malformed(format!("the token is malformed: a name appears twice in its {what}"))),
        Err(_) => Ok(None),
    }
}

/// Notes that a member is there, whatever its value, `null` included.
fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// `exp` is required and `nbf` is checked. `iat` only tells the age (RFC 7519, 4.1.6), but must be a time. The lifetime begins at `iat`, or
/// now if that is earlier or there is none: a token that is about to be valid for years is too long-lived, whatever it says of its age.
fn check_times(claims: &TokenClaims, now_s: f64, lifetime_max_s: Option<u32>) -> Result<(), AuthError> {
    let time = |name: &str, claim: &Option<Value>| claim.as_ref().map(|value| numeric_date(name, value)).transpose();
    let (exp, nbf, iat) = (time("exp", &claims.exp)?, time("nbf", &claims.nbf)?, time("iat", &claims.iat)?);
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
            "the token is valid for too long: its exp may be at most {max_s} s after its iat, or after now if that is earlier or there is \
             no iat"
        );
        return Err(AuthError::Invalid(CredentialFault::LongLived, reason.into()));
    }
    Ok(())
}

/// A time in the format of a token. A count of nanoseconds would not fit exactly into an `f64`.
fn seconds(moment: OffsetDateTime) -> f64 {
    moment.unix_timestamp() as f64 + f64::from(moment.nanosecond()) / 1e9
}

/// Seconds since 1970, fractions included (RFC 7519, section 2).
fn numeric_date(name: &str, value: &Value) -> Result<f64, AuthError> {
    let latest_s = LATEST_S as f64;
    let seconds = value.as_f64().filter(|seconds| (0.0..=latest_s).contains(seconds));
    seconds.ok_or_else(|| {
        AuthError::malformed(format!("the token's {name} is malformed: it must be seconds since 1970, a number up to {LATEST_S}"))
    })
}

fn check_issuer(issuer: &str, iss: Option<&Value>) -> Result<(), AuthError> {
    match iss {
        Some(Value::String(iss)) if iss == issuer => Ok(()),
        Some(_) => {
            Err(AuthError::Invalid(CredentialFault::Foreign, "the token is from another issuer (iss) than this server expects".into()))
        }
        None => Err(AuthError::Invalid(CredentialFault::Foreign, "the token names no issuer (iss)".into())),
    }
}

/// `aud` is one audience or a list of them.
fn check_audience(audience: &str, aud: Option<&Value>) -> Result<(), AuthError> {
    let is_ours = |aud: &Value| aud == audience;
    match aud {
        Some(Value::Array(audiences)) if audiences.iter().any(is_ours) => Ok(()),
        Some(aud) if is_ours(aud) => Ok(()),
        Some(_) => Err(AuthError::Invalid(CredentialFault::Foreign, "the token is for another audience (aud) than this server".into())),
        None => Err(AuthError::Invalid(CredentialFault::Foreign, "the token names no audience (aud)".into())),
    }
}

/// What is wrong with a customer's id, which operators read in lists and exports.
fn customer_id_objection(sub: &str) -> Option<&'static str> {
    if !(1..=200).contains(&sub.chars().count()) {
        return Some("must have 1 to 200 characters");
    }
    text::id_objection(sub)
}

fn check_secret(secret: &str) -> anyhow::Result<()> {
    if secret.len() < SECRET_MIN_BYTES {
        bail!("the JWT secret (--jwt-secret, ROWLOCK_JWT_SECRET) has {} bytes; at least {SECRET_MIN_BYTES} are needed", secret.len());
    }
    Ok(())
}

/// A customer's HS256 token that is valid for `ttl_s` seconds.
///
/// # Errors
/// When `sub` is not a valid customer id, the secret is too short, or the token would be valid beyond the year 9999.
pub fn mint_customer_token(secret: &str, sub: &str, ttl_s: u64) -> anyhow::Result<String> {
    #[derive(Serialize)]
    struct Minted<'a> {
        sub: &'a str,
        exp: u64,
    }
    if let Some(objection) = customer_id_objection(sub) {
        bail!("a customer's id {objection}");
    }
    check_secret(secret)?;
    let now = u64::try_from(OffsetDateTime::now_utc().unix_timestamp())?;
    let exp = now.saturating_add(ttl_s);
    if exp > LATEST_S {
        bail!("a token can be valid until the year 9999 at most: give fewer seconds");
    }
    let key = EncodingKey::from_secret(secret.as_bytes());
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &Minted { sub, exp }, &key)?)
}

#[cfg(test)]
mod tests;
