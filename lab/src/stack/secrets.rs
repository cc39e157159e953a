//! The secrets of a private stack, made once and kept, so that tokens outlive a restart.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::Context;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use rowlock::auth::new_webhook_secret;

/// What the server and those who talk to it share.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Secrets {
    /// Signs the customers' tokens.
    pub(super) jwt_secret: String,
    /// Signs the gateway's notices.
    pub(super) webhook_secret: String,
}

impl Secrets {
    /// Reads the file, or writes it with new secrets.
    pub(super) fn load_or_create(file: &Path) -> anyhow::Result<Self> {
        match fs::read(file) {
            Ok(text) => {
                serde_json::from_slice(&text).with_context(|| format!("{} cannot be read: remove it to get new secrets", file.display()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let jwt_secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
                let secrets = Self { jwt_secret, webhook_secret: new_webhook_secret() };
                write_private(file, &serde_json::to_string_pretty(&secrets)?)?;
                Ok(secrets)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }
}

/// Writes a file that only its owner may read.
pub(super) fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    // A file that is there already would keep its own mode.
    if let Err(error) = fs::remove_file(file)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error).with_context(|| format!("cannot replace {}", file.display()));
    }
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    opened.and_then(|mut open| open.write_all(text.as_bytes())).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn secrets_are_kept_and_private() {
        let file = std::env::temp_dir().join(format!("rowlock-secrets-{}", uuid::Uuid::now_v7()));
        let made = Secrets::load_or_create(&file).expect("made");
        let kept = Secrets::load_or_create(&file).expect("read");
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
        fs::remove_file(&file).expect("removed");
        assert!(made.jwt_secret.len() >= 32 && made.webhook_secret.starts_with("whsec_"));
        assert_eq!((made.jwt_secret, made.webhook_secret), (kept.jwt_secret, kept.webhook_secret));
    }
}
