//! Which database it is: what servers keep in Redis must not be taken for that of another.

use std::sync::{Arc, PoisonError, RwLock};

use tokio_postgres::Client;
use uuid::Uuid;

use super::DbError;

/// The id of the database behind an address, once it is known. Every new connection of a lane reads it again, so that it follows if another
/// database takes the place of this one.
#[derive(Clone, Default)]
pub struct Identity(Arc<RwLock<Option<Uuid>>>);

impl Identity {
    /// The identity of a database whose id is known.
    pub fn known(database_id: Uuid) -> Self {
        Self(Arc::new(RwLock::new(Some(database_id))))
    }

    /// `None`: the database has never been reached.
    pub(crate) fn get(&self) -> Option<Uuid> {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, database_id: Uuid) {
        let before = self.0.write().unwrap_or_else(PoisonError::into_inner).replace(database_id);
        if before.is_some_and(|before| before != database_id) {
            tracing::warn!(%database_id, "the server is now connected to a different database than before");
        }
    }
}

/// The id of the database behind a connection.
///
/// # Errors
/// When it is not migrated, or cannot be queried.
pub async fn database_id(client: &Client) -> Result<Uuid, DbError> {
    Ok(client.query_one("select rowlock.database_id()", &[]).await?.get(0))
}
