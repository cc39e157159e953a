//! Who is calling: customers by bearer token, admins by API key, the gateway by its signature.

mod admin_keys;
mod customer_tokens;
mod gateway_signatures;
mod public_keys;

use std::borrow::Cow;
use std::path::Path;

use poem::http::HeaderMap;
use time::OffsetDateTime;

use crate::db::api_keys::AdminKey;
use crate::db::{Db, DbError};
use admin_keys::AdminKeys;
use customer_tokens::CustomerTokens;
use gateway_signatures::GatewaySignatures;

pub use admin_keys::MALFORMED as MALFORMED_KEY;
pub use customer_tokens::mint_customer_token;
pub use gateway_signatures::{WEBHOOK_HEADERS, new_webhook_secret, sign_notice};

/// Why a caller was refused. Each reason tells the caller what to do, and quotes no part of the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AuthError {
    /// No credentials were sent.
    Missing,
    /// They are malformed, forged, or not meant for this server.
    Invalid(Cow<'static, str>),
    /// They have expired.
    Expired,
}

impl AuthError {
    pub(crate) fn invalid(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(reason.into())
    }
}

/// The value of a header that must be sent exactly once.
pub(crate) fn only_value<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, AuthError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(AuthError::Missing)?;
    if values.next().is_some() {
        return Err(AuthError::invalid(format!("the header {name} was sent more than once")));
    }
    value.to_str().map_err(|_| AuthError::invalid(format!("the header {name} must be visible ASCII")))
}

/// Why an admin was refused.
#[derive(Clone, Debug)]
pub(crate) enum AuthFailure {
    /// The key is not valid.
    Auth(AuthError),
    /// The key could not be looked up.
    Db(DbError),
}

/// What the server needs to authenticate its callers.
pub struct AuthSettings<'a> {
    /// Secret of customers' HS256 tokens, at least 32 bytes.
    pub jwt_secret: Option<&'a str>,
    /// PEM file with the public keys of customers' RS256 or EdDSA tokens.
    pub jwt_public_key_file: Option<&'a Path>,
    /// The audience that tokens must name, if any.
    pub jwt_audience: Option<&'a str>,
    /// The issuer that tokens must name, if any.
    pub jwt_issuer: Option<&'a str>,
    /// The payment gateway's secret: `whsec_` followed by base64.
    pub webhook_secret: &'a str,
}

/// The keys, ready for use.
pub struct Auth {
    customers: CustomerTokens,
    gateway: GatewaySignatures,
    admins: AdminKeys,
}

impl Auth {
    /// Reads the keys.
    ///
    /// # Errors
    /// When no key for tokens is given, a secret is too short, or a key cannot be read.
    pub fn new(settings: &AuthSettings<'_>) -> anyhow::Result<Self> {
        Ok(Self {
            customers: CustomerTokens::new(settings)?,
            gateway: GatewaySignatures::new(settings.webhook_secret)?,
            admins: AdminKeys::new(),
        })
    }

    /// The customer that a bearer token names.
    ///
    /// # Errors
    /// `Expired` for a genuine token that has expired; `Invalid` for everything else, including unsigned tokens (`alg: none`).
    pub(crate) fn customer(&self, bearer_token: &str) -> Result<String, AuthError> {
        self.customers.customer(bearer_token, OffsetDateTime::now_utc())
    }

    /// The admin to whom an API key belongs.
    ///
    /// # Errors
    /// `Invalid` when nobody has this key or it is revoked.
    pub(crate) async fn admin(&self, db: &Db, api_key: &str) -> Result<AdminKey, AuthFailure> {
        self.admins.admin(db, api_key).await
    }

    /// The admin to whom an API key belongs, if it was looked up a moment ago.
    pub(crate) fn recent_admin(&self, api_key: &str) -> Option<AdminKey> {
        self.admins.recent(api_key)
    }

    /// Checks that the gateway signed these bytes within the last five minutes (Standard Webhooks).
    ///
    /// # Errors
    /// `Missing` without any of the three headers; `Invalid` when one is missing or malformed, or the signature or its time is wrong.
    pub(crate) fn gateway(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), AuthError> {
        self.gateway.check(headers, body, OffsetDateTime::now_utc())
    }
}
