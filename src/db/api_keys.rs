//! API keys of admins and box offices: created, listed and revoked on the command line, looked up by the server.

use anyhow::anyhow;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::driver_error::INSUFFICIENT_PRIVILEGE;
use super::row::from_row;
use super::{Db, DbError, Endpoint, Outage, OutageKind, Rule};

/// A key that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AdminKey {
    /// Identifies the key in lists and logs.
    pub api_key_id: i64,
}

from_row! {
    /// A key in the list of all keys ever created.
    pub(crate) struct ApiKey {
        /// Identifies the key in lists and logs.
        pub api_key_id: i64,
        /// Whose key it is.
        pub name: String,
        /// When it was created.
        pub created_at: OffsetDateTime,
        /// When a server last accepted it, to the minute.
        pub last_used_at: Option<OffsetDateTime>,
        /// When it stopped working.
        pub revoked_at: Option<OffsetDateTime>,
    }
}

/// What every key begins with, so that scanners find a leaked one.
const PREFIX: &str = "rlk_";

/// The reason in the action log for changes made here.
const REASON: &str = "rowlock api-key, on the command line";

/// Whether it has the form of a key: the prefix and 32 bytes in base64.
pub(crate) fn is_well_formed(api_key: &str) -> bool {
    api_key
        .strip_prefix(PREFIX)
        .is_some_and(|rest| rest.len() == 43 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)))
}

/// SHA-256 of a key: all that is ever stored of it. The keys are 256 random bits, so no slow hash is needed.
pub(crate) fn hash(api_key: &str) -> [u8; 32] {
    Sha256::digest(api_key).into()
}

/// Creates a key and stores its hash; the key itself is returned once and never again.
///
/// # Errors
/// When the database cannot be reached or the URL's user is not in role `rowlock_admin`.
pub async fn create_api_key(endpoint: &Endpoint, name: &str) -> anyhow::Result<(i64, String)> {
    let api_key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
    let (client, _driver) = endpoint.connect().await?;
    let sql = "select admin.create_api_key($1, $2, $3)";
    let row = client.query_one(sql, &[&name, &hash(&api_key).as_slice(), &REASON]).await.map_err(refused)?;
    Ok((row.get(0), api_key))
}

/// Revokes a key: at once for servers that do not know it yet, and within seconds for those that have it in their cache.
///
/// # Errors
/// When there is no such key, the database cannot be reached, or the URL's user is not in role `rowlock_admin`.
pub async fn revoke_api_key(endpoint: &Endpoint, api_key_id: i64) -> anyhow::Result<()> {
    let (client, _driver) = endpoint.connect().await?;
    client.execute("select admin.revoke_api_key($1, $2)", &[&api_key_id, &REASON]).await.map_err(refused)?;
    Ok(())
}

/// Every key ever created, by id.
///
/// # Errors
/// When the database cannot be reached or the URL's user is not in role `rowlock_admin`.
pub(crate) async fn list_api_keys(endpoint: &Endpoint) -> anyhow::Result<Vec<ApiKey>> {
    let (client, _driver) = endpoint.connect().await?;
    let sql = "select api_key_id, name, created_at, last_used_at, revoked_at from admin.api_keys order by api_key_id";
    let rows = client.query(sql, &[]).await.map_err(refused)?;
    Ok(rows.iter().map(ApiKey::from).collect())
}

/// Why the database refused a command, and what to do about it.
fn refused(error: tokio_postgres::Error) -> anyhow::Error {
    match DbError::from(error) {
        DbError::Rule { rule: Rule::ApiKeyNotFound, detail: Some(detail), .. } => {
            anyhow!("{detail}: `rowlock api-key list` shows every key")
        }
        DbError::Rule { rule: Rule::InvalidRequest, detail: Some(detail), .. } => anyhow!("--{}", detail.replacen(": ", " ", 1)),
        DbError::Missing(cause) => Outage::new(OutageKind::NotMigrated, cause).into(),
        DbError::Internal(cause) if cause.starts_with(INSUFFICIENT_PRIVILEGE) => anyhow!(
            "the login is not in role rowlock_admin ({cause}): as a superuser, run `grant rowlock_admin to` with the name of this login, \
             or use another login in --database-url (DATABASE_URL)"
        ),
        DbError::Lost(cause) => anyhow!(
            "the connection to the database was lost ({cause}), and whether the change was made is not known: check with `rowlock api-key \
             list` before you repeat it"
        ),
        DbError::Locked(cause) | DbError::Exhausted { text: cause, .. } | DbError::Unavailable(cause) => {
            anyhow!("the database is busy ({cause}): try again")
        }
        other => other.into(),
    }
}

impl Db {
    /// The valid key with that hash. Callers cache it for some seconds; its use is recorded in the background.
    pub(crate) async fn find_api_key(&self, hash: &[u8; 32]) -> Result<Option<AdminKey>, DbError> {
        let row = self.query_one("select rowlock.find_api_key($1)", &[&hash.as_slice()]).await?;
        let found = row.get::<_, Option<i64>>(0).map(|api_key_id| AdminKey { api_key_id });
        if let Some(AdminKey { api_key_id }) = found {
            let db = self.clone();
            tokio::spawn(async move {
                if let Err(error) = db.note_api_key_use(api_key_id).await {
                    tracing::debug!(api_key_id, %error, "the use of an API key was not recorded");
                }
            });
        }
        Ok(found)
    }

    /// Records that a key was used, at most once a minute.
    pub(crate) async fn note_api_key_use(&self, api_key_id: i64) -> Result<(), DbError> {
        self.query("select rowlock.note_api_key_use($1)", &[&api_key_id]).await.map(drop)
    }
}
