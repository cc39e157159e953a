//! Who is calling: customers by bearer token, admins by API key, the gateway by its signature.

mod admin_keys;
mod customer_tokens;
mod gateway_signatures;
mod public_keys;

use std::borrow::Cow;

use poem::http::{HeaderMap, HeaderName};

use crate::config::AuthSettings;
use crate::db::DbError;
use crate::log_limit::LogLimit;
use crate::metrics::CredentialFault;
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
    Invalid(CredentialFault, Cow<'static, str>),
    /// They have expired.
    Expired,
}

impl AuthError {
    /// Refuses what cannot be read.
    pub(crate) fn malformed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(CredentialFault::Malformed, reason.into())
    }

    /// How operators count it.
    pub(crate) fn fault(&self) -> CredentialFault {
        match self {
            Self::Missing => CredentialFault::Missing,
            Self::Invalid(fault, _) => *fault,
            Self::Expired => CredentialFault::Expired,
        }
    }
}

/// The value of a header that must be sent exactly once.
pub(crate) fn only_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, AuthError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(AuthError::Missing)?;
    if values.next().is_some() {
        return Err(AuthError::malformed(format!("the header {name} was sent more than once")));
    }
    value.to_str().map_err(|_| AuthError::malformed(format!("the header {name} must be visible ASCII")))
}

/// Why an admin was refused.
#[derive(Clone, Debug)]
pub(crate) enum AuthFailure {
    /// The key is not valid.
    Auth(AuthError),
    /// The key could not be looked up.
    Db(DbError),
}

/// The keys, ready for use.
pub struct Auth {
    pub(crate) customers: CustomerTokens,
    pub(crate) admins: AdminKeys,
    pub(crate) gateway: GatewaySignatures,
    /// Lines in the log about notices that were signed too long ago, or in the future.
    pub(crate) off_time: LogLimit,
}

impl Auth {
    /// Reads the keys.
    ///
    /// # Errors
    /// When no key for tokens is given, a secret is too short, or a key cannot be read.
    pub fn new(settings: &AuthSettings) -> anyhow::Result<Self> {
        Ok(Self {
            customers: CustomerTokens::new(settings)?,
            admins: AdminKeys::new(),
            gateway: GatewaySignatures::new(&settings.webhook_secret()?)?,
            off_time: LogLimit::default(),
        })
    }
}
