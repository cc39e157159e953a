//! Customers' bearer tokens: JSON Web Tokens (RFC 7519), signed with a shared secret or the identity provider's private key.
//!
//! The signature is checked first, so that the answer says what is wrong with the claims only for a genuine token.

mod claims;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, crypto};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;

use super::{AuthError, public_keys};
use crate::config::AuthSettings;
use crate::metrics::CredentialFault;
use crate::strict_json;
use claims::{LATEST_S, TokenClaims, customer_id_objection};

/// A shorter HS256 secret could be guessed (RFC 7518, 3.2).
const SECRET_MIN_BYTES: usize = 32;

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
        claims.check_times(seconds(now), self.lifetime_max_s)?;
        if let Some(issuer) = &self.issuer {
            claims.check_issuer(issuer)?;
        }
        if let Some(audience) = &self.audience {
            claims.check_audience(audience)?;
        }
        claims.customer()
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

/// A time in the format of a token. A count of nanoseconds would not fit exactly into an `f64`.
fn seconds(moment: OffsetDateTime) -> f64 {
    moment.unix_timestamp() as f64 + f64::from(moment.nanosecond()) / 1e9
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
