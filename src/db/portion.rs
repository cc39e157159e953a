//! A part of the pool, for calls that could otherwise take all of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::DbError;
use crate::pool_turns::Turn;

/// Whoever waits longer is told that there are too many.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// So many connections at once, for calls of one kind; more of them wait.
#[derive(Clone)]
pub(crate) struct Portion {
    turns: Arc<Semaphore>,
    crowd: &'static str,
}

impl Portion {
    /// `crowd` is what people are told if too many wait.
    pub(crate) fn new(connections: usize, crowd: &'static str) -> Self {
        Self { turns: Arc::new(Semaphore::new(connections)), crowd }
    }

    pub(super) async fn turn(&self, deadline: Instant) -> Result<Turn, DbError> {
        let deadline = deadline.min(Instant::now() + WAIT_MAX);
        match tokio::time::timeout_at(deadline, Arc::clone(&self.turns).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit.into()),
            Ok(Err(_)) | Err(_) => Err(DbError::Crowded(self.crowd)),
        }
    }
}
