//! Batches that meet a lock which somebody else holds: only the requests that need it may suffer.

use super::super::LaneError;
use super::super::job::Job;
use super::super::parts::{Parts, Rest};
use super::super::work::Work;
use super::{BUSY_MAX, Worker, more_rolled_back};
use crate::db::DbError;

/// How long a batch waits for a lock, in milliseconds, while others of its lane are locked out: it may well need the same lock, and all of
/// it would wait.
pub(super) const WARNED_LOCK_MS: u32 = 50;
/// How long a part of a batch that met a lock waits for one, in milliseconds: long enough for a rival's commit, too short for the others of
/// the batch to notice.
const PART_LOCK_MS: u32 = 10;
/// The same for a request that is tried alone: long enough for a slow commit.
const ALONE_LOCK_MS: u32 = 100;

impl<W: Work> Worker<W> {
    /// Somebody holds a lock that some of the requests need; nobody knows which. So the batch is called again in parts, earlier requests
    /// first, until those that are locked out are alone; from then on they are tried alone, and the others are done.
    pub(super) async fn call_in_parts(&mut self, batch: Vec<Job<W>>, why: &str) {
        if self.warnings.admits(more_rolled_back) {
            tracing::warn!(why, requests = batch.len(), "a call met a lock and was rolled back; trying it in parts");
        }
        let mut parts = Parts::of(batch);
        while self.is_connected()
            && let Some(part) = parts.next()
        {
            match self.outcome(&part, PART_LOCK_MS).await {
                Err(DbError::Locked(_)) => parts.refused(part),
                outcome => {
                    parts.passed();
                    self.finish(part, outcome).await;
                }
            }
        }
        let Rest { locked_out, untried } = parts.rest();
        self.queue.put_aside(young(locked_out));
        if self.is_connected() { self.queue.put_back(young(untried)) } else { self.queue.put_first(untried) }
    }

    /// Tries a request again that was locked out.
    pub(super) async fn call_again(&mut self, locked_out: Vec<Job<W>>) {
        let locked_out = young(locked_out);
        if locked_out.is_empty() {
            return;
        }
        match self.outcome(&locked_out, ALONE_LOCK_MS).await {
            Err(DbError::Locked(_)) => self.queue.put_aside(young(locked_out)),
            outcome => self.finish(locked_out, outcome).await,
        }
    }
}

/// Those that have not waited too long for somebody's lock; the others are refused.
fn young<W: Work>(jobs: Vec<Job<W>>) -> Vec<Job<W>> {
    let (old, young): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.age() > BUSY_MAX);
    old.into_iter().for_each(|job| job.reply(Err(LaneError::Overloaded { retry_after_s: 1 })));
    young
}
