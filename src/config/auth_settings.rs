//! How callers are authenticated.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::flags::whole;
use crate::secrets;

/// How callers are authenticated.
#[derive(Args, Clone)]
pub struct AuthSettings {
    /// Secret for customers' HS256 tokens, at least 32 bytes [default: none; a JWT secret or public key is required]
    #[arg(long, env = "ROWLOCK_JWT_SECRET", hide_env_values = true)]
    pub jwt_secret: Option<String>,
    /// File with that secret, instead of the secret itself [default: none]
    #[arg(long, env = "ROWLOCK_JWT_SECRET_FILE", conflicts_with = "jwt_secret")]
    pub jwt_secret_file: Option<PathBuf>,
    /// PEM file with one or more public keys for customers' tokens: RSA of 2048 to 4096 bits (RS256) or Ed25519 (EdDSA)
    /// [default: none; a JWT secret or public key is required]
    #[arg(long, env = "ROWLOCK_JWT_PUBLIC_KEY_FILE")]
    pub jwt_public_key_file: Option<PathBuf>,
    /// Audience (aud) that customers' tokens must name [default: any]
    #[arg(long, env = "ROWLOCK_JWT_AUDIENCE")]
    pub jwt_audience: Option<String>,
    /// Issuer (iss) that customers' tokens must name [default: any]
    #[arg(long, env = "ROWLOCK_JWT_ISSUER")]
    pub jwt_issuer: Option<String>,
    /// Longest lifetime of customers' tokens (exp minus iat, or minus now if that is earlier), in seconds; 0 means no limit
    #[arg(long, env = "ROWLOCK_JWT_LIFETIME_MAX_S", default_value_t = 2_592_000, value_parser = whole::<u32>(0..=u32::MAX))]
    pub jwt_lifetime_max_s: u32,
    /// The payment gateway's signing secret (Standard Webhooks): whsec_ followed by base64 [default: none; required unless a file has it]
    #[arg(long, env = "ROWLOCK_WEBHOOK_SECRET", hide_env_values = true, required_unless_present = "webhook_secret_file")]
    pub webhook_secret: Option<String>,
    /// File with that secret, instead of the secret itself [default: none]
    #[arg(long, env = "ROWLOCK_WEBHOOK_SECRET_FILE", conflicts_with = "webhook_secret")]
    pub webhook_secret_file: Option<PathBuf>,
}

impl AuthSettings {
    /// The secret for HS256 tokens, if there is one.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub(crate) fn jwt_secret(&self) -> anyhow::Result<Option<String>> {
        secrets::given(self.jwt_secret.as_ref(), self.jwt_secret_file.as_ref(), "--jwt-secret-file")
    }

    /// The secret of the payment gateway.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub(crate) fn webhook_secret(&self) -> anyhow::Result<String> {
        let secret = secrets::given(self.webhook_secret.as_ref(), self.webhook_secret_file.as_ref(), "--webhook-secret-file")?;
        secret.context("neither --webhook-secret nor --webhook-secret-file is given")
    }
}
