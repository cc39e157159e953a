//! Who is calling: customers by bearer token, admins by API key, the gateway by its signature.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::future::Cache;
use poem::http::HeaderMap;
use serde::{Deserialize, Serialize};
use standardwebhooks::Webhook;
use time::OffsetDateTime;

use crate::db::api_keys::{self, AdminKey};
use crate::db::{Db, DbError};

/// A shorter HS256 secret could be guessed (RFC 7518, 3.2).
const JWT_SECRET_MIN_BYTES: usize = 32;
/// What Standard Webhooks asks for at least.
const WEBHOOK_SECRET_MIN_BYTES: usize = 24;
/// The longest name of a message that we take.
const WEBHOOK_ID_MAX_BYTES: usize = 200;
/// How far the clocks of token issuers may be off.
const CLOCK_LEEWAY_S: u64 = 5;
/// A revoked key works no longer than this.
const API_KEY_CACHED: Duration = Duration::from_secs(5);

/// What a customer's token must say.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

/// Why a caller is not who they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// Nothing was presented.
    Missing,
    /// It is malformed, forged, or not meant for here.
    Invalid,
    /// It was good once.
    Expired,
}

/// Why an admin was not let in.
#[derive(Clone, Debug)]
pub enum AuthFailure {
    /// The key is no good.
    Auth(AuthError),
    /// The key cannot be looked up.
    Db(DbError),
}

/// What the server needs to tell its callers apart.
pub struct AuthSettings<'a> {
    /// Secret of customers' HS256 tokens, at least 32 bytes.
    pub jwt_secret: Option<&'a str>,
    /// PEM file with the public key of customers' RS256 or EdDSA tokens.
    pub jwt_public_key_file: Option<&'a Path>,
    /// The audience tokens must name, if any.
    pub jwt_audience: Option<&'a str>,
    /// The issuer tokens must name, if any.
    pub jwt_issuer: Option<&'a str>,
    /// The payment gateway's secret: `whsec_` and base64.
    pub webhook_secret: &'a str,
}

/// The keys, ready for use.
pub struct Auth {
    verifiers: Vec<(DecodingKey, Validation)>,
    webhook: Webhook,
    api_keys: Cache<[u8; 32], Option<AdminKey>>,
}

impl Auth {
    /// Reads the keys.
    ///
    /// # Errors
    /// When no key for tokens is given, a secret is too short, or a key cannot be read.
    pub fn new(settings: &AuthSettings<'_>) -> anyhow::Result<Self> {
        let mut verifiers = Vec::new();
        if let Some(secret) = settings.jwt_secret {
            if secret.len() < JWT_SECRET_MIN_BYTES {
                bail!("the JWT secret has {} bytes; at least {JWT_SECRET_MIN_BYTES} are needed", secret.len());
            }
            verifiers.push((DecodingKey::from_secret(secret.as_bytes()), validation(Algorithm::HS256, settings)));
        }
        if let Some(path) = settings.jwt_public_key_file {
            let pem = std::fs::read(path).with_context(|| format!("cannot read the JWT public key {}", path.display()))?;
            let (key, algorithm) = public_key(&pem).with_context(|| format!("{} holds no RSA or Ed25519 public key", path.display()))?;
            verifiers.push((key, validation(algorithm, settings)));
        }
        if verifiers.is_empty() {
            bail!("neither a JWT secret nor a JWT public key is given");
        }
        let webhook = webhook(settings.webhook_secret)?;
        Ok(Self { verifiers, webhook, api_keys: Cache::builder().max_capacity(10_000).time_to_live(API_KEY_CACHED).build() })
    }

    /// The customer a bearer token names.
    ///
    /// # Errors
    /// `Expired` for a genuine token past its time; `Invalid` for everything else, unsigned tokens (`alg: none`) included.
    pub fn customer(&self, bearer_token: &str) -> Result<String, AuthError> {
        let mut failure = AuthError::Invalid;
        for (key, validation) in &self.verifiers {
            match jsonwebtoken::decode::<Claims>(bearer_token, key, validation) {
                Ok(token) if is_customer_id(&token.claims.sub) => return Ok(token.claims.sub),
                Ok(_) => return Err(AuthError::Invalid),
                Err(error) if matches!(error.kind(), ErrorKind::ExpiredSignature) => failure = AuthError::Expired,
                Err(_) => {}
            }
        }
        Err(failure)
    }

    /// The admin an API key belongs to.
    ///
    /// # Errors
    /// `Invalid` when nobody has this key or it is revoked.
    pub async fn admin(&self, db: &Db, api_key: &str) -> Result<AdminKey, AuthFailure> {
        // Anything else than what `create` makes is refused without asking the database.
        if !api_keys::is_well_formed(api_key) {
            return Err(AuthFailure::Auth(AuthError::Invalid));
        }
        let hash = api_keys::hash(api_key);
        let found = Box::pin(self.api_keys.try_get_with(hash, db.find_api_key(&hash))).await;
        found.map_err(|error| AuthFailure::Db((*error).clone()))?.ok_or(AuthFailure::Auth(AuthError::Invalid))
    }

    /// Whether the gateway signed these bytes, at most five minutes ago (Standard Webhooks).
    ///
    /// # Errors
    /// `Missing` without the three headers; `Invalid` when the signature or its time is not right.
    pub fn gateway(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), AuthError> {
        if ["webhook-id", "webhook-timestamp", "webhook-signature"].iter().any(|name| !headers.contains_key(*name)) {
            return Err(AuthError::Missing);
        }
        if headers.get("webhook-id").is_none_or(|id| !(1..=WEBHOOK_ID_MAX_BYTES).contains(&id.len())) {
            return Err(AuthError::Invalid);
        }
        // The verifier subtracts timestamps without looking at their size.
        let timestamp = headers.get("webhook-timestamp").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if timestamp.parse::<u32>().is_err() {
            return Err(AuthError::Invalid);
        }
        self.webhook.verify(body, headers).map_err(|_| AuthError::Invalid)
    }
}

fn validation(algorithm: Algorithm, settings: &AuthSettings<'_>) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.leeway = CLOCK_LEEWAY_S;
    validation.validate_nbf = true;
    // A claim that is absent would not be compared.
    let mut required = vec!["exp", "sub"];
    match settings.jwt_audience {
        Some(audience) => {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        None => validation.validate_aud = false,
    }
    if let Some(issuer) = settings.jwt_issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    validation.set_required_spec_claims(&required);
    validation
}

/// The key's own kind decides the algorithm, never the token's header.
fn public_key(pem: &[u8]) -> anyhow::Result<(DecodingKey, Algorithm)> {
    // The decoder would take the parts of a private key for a public one, which then verifies nothing.
    if String::from_utf8_lossy(pem).contains("PRIVATE KEY") {
        bail!("it is a private key");
    }
    if let Ok(key) = DecodingKey::from_ed_pem(pem) {
        return Ok((key, Algorithm::EdDSA));
    }
    Ok((DecodingKey::from_rsa_pem(pem)?, Algorithm::RS256))
}

fn webhook(secret: &str) -> anyhow::Result<Webhook> {
    let key = secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
    let key = key.context("the webhook secret is not `whsec_` and base64")?;
    if key.len() < WEBHOOK_SECRET_MIN_BYTES {
        bail!("the webhook secret has {} bytes; at least {WEBHOOK_SECRET_MIN_BYTES} are needed", key.len());
    }
    Ok(Webhook::from_bytes(key)?)
}

/// 1 to 200 characters, none of them a control character.
fn is_customer_id(sub: &str) -> bool {
    (1..=200).contains(&sub.chars().count()) && !sub.chars().any(char::is_control)
}

/// A customer's HS256 token that is good for `ttl_s` seconds.
///
/// # Errors
/// When `sub` is no customer id or the secret is too short.
pub fn mint_customer_token(secret: &str, sub: &str, ttl_s: u64) -> anyhow::Result<String> {
    if !is_customer_id(sub) {
        bail!("a customer id has 1 to 200 characters, none of them a control character");
    }
    if secret.len() < JWT_SECRET_MIN_BYTES {
        bail!("the JWT secret has {} bytes; at least {JWT_SECRET_MIN_BYTES} are needed", secret.len());
    }
    let now = u64::try_from(OffsetDateTime::now_utc().unix_timestamp())?;
    let claims = Claims { sub: sub.to_owned(), exp: now.saturating_add(ttl_s) };
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.as_bytes()))?)
}

/// The three headers a gateway sends with a notice: id, timestamp, signature.
///
/// # Errors
/// When the secret is not `whsec_` and the base64 of at least 24 bytes.
pub fn sign_notice(secret: &str, id: &str, body: &[u8], now: OffsetDateTime) -> anyhow::Result<[(&'static str, String); 3]> {
    let webhook = webhook(secret)?;
    let timestamp = now.unix_timestamp();
    let signature = webhook.sign(id, timestamp, body)?;
    Ok([("webhook-id", id.to_owned()), ("webhook-timestamp", timestamp.to_string()), ("webhook-signature", signature)])
}

/// A fresh webhook secret: `whsec_` and 32 random bytes in base64.
pub fn new_webhook_secret() -> String {
    format!("whsec_{}", STANDARD.encode(rand::random::<[u8; 32]>()))
}
