//! Admins' API keys, looked up by their hash and remembered for a few seconds.

use std::time::Duration;

use futures_util::FutureExt;
use moka::future::Cache;

use super::{AuthError, AuthFailure};
use crate::db::Db;
use crate::db::api_keys::{self, AdminKey};
use crate::metrics::CredentialFault;

/// A revoked key stops working within this time.
const CACHED: Duration = Duration::from_secs(5);

/// Why a key that was never one of ours is refused.
pub const MALFORMED: &str = "the API key is malformed: `rowlock api-key create` did not create it";

pub(crate) struct AdminKeys(Cache<[u8; 32], Option<AdminKey>>);

impl AdminKeys {
    pub(super) fn new() -> Self {
        Self(Cache::builder().max_capacity(10_000).time_to_live(CACHED).build())
    }

    /// The admin to whom an API key belongs.
    ///
    /// # Errors
    /// `Invalid` when nobody has this key or it is revoked.
    pub(crate) async fn admin(&self, db: &Db, api_key: &str) -> Result<AdminKey, AuthFailure> {
        // Anything that `create` cannot have created is refused without asking the database.
        if !api_keys::is_well_formed(api_key) {
            return Err(AuthFailure::Auth(AuthError::malformed(MALFORMED)));
        }
        let hash = api_keys::hash(api_key);
        let found = Box::pin(self.0.try_get_with(hash, db.find_api_key(&hash))).await;
        let unknown = || AuthFailure::Auth(AuthError::Invalid(CredentialFault::Unknown, "the API key is unknown or was revoked".into()));
        found.map_err(|error| AuthFailure::Db((*error).clone()))?.ok_or_else(unknown)
    }

    /// The admin to whom an API key belongs, if it was looked up a moment ago.
    pub(crate) fn recent(&self, api_key: &str) -> Option<AdminKey> {
        // The cache answers at once with what it has.
        self.0.get(&api_keys::hash(api_key)).now_or_never().flatten().flatten()
    }
}
