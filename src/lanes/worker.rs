//! The loop of a lane's worker: take what waits, call, answer; and recover when the connection is lost in between.

mod locked_out;
mod recovery;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::LaneError;
use super::heartbeat::STALLED_AFTER;
use super::job::Job;
use super::queue::{Connected, Queue};
use super::work::Work;
use crate::db::batches::{Answers, Backend, LaneClient};
use crate::db::{DbError, Endpoint, OutageKind, SessionTimeouts};
use crate::log_limit::LogLimit;

/// A request that waits longer than this for a connection is answered `unavailable`.
const UNAVAILABLE_AFTER: Duration = Duration::from_secs(2);
/// A request that is locked out, or kept from its seats by others' locks, is answered `overloaded` after this.
const BUSY_MAX: Duration = Duration::from_secs(2);
/// Pause before locked seats are tried again.
const BUSY_PAUSE: Duration = Duration::from_millis(2);
/// How often a worker without requests looks whether its connection is still there.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// How long a look at what the backend of a call does may take.
const BACKEND_LOOK_MAX: Duration = Duration::from_secs(2);
/// Pause before another connection is tried after a new one was of no use.
const USELESS_PAUSE: Duration = Duration::from_millis(250);
/// Pause after a panic.
const PANIC_PAUSE: Duration = Duration::from_millis(50);
/// A call without an answer for this long counts as lost: unless PostgreSQL hangs, its own timeouts end the call sooner.
const CALL_MAX: Duration = Duration::from_secs(8);

/// One of the workers of a lane, with a connection of its own.
pub(super) struct Worker<W: Work> {
    endpoint: Endpoint,
    work: Arc<W>,
    queue: Arc<Queue<W>>,
    batch_max: usize,
    connection: Option<Connection<W>>,
    lost: Option<LostCall<W>>,
    /// Why the last attempt to connect failed, if it did.
    outage: Option<OutageKind>,
    /// Of calls that were rolled back.
    warnings: LogLimit,
}

struct Connection<W: Work> {
    client: LaneClient,
    /// Whether no call on it has succeeded yet.
    is_new: bool,
    /// How long its calls wait for a lock.
    lock_ms: u32,
    _counted: Connected<W>,
}

/// A call whose connection broke: the backend that may still be executing it, and its requests.
struct LostCall<W: Work> {
    backend: Backend,
    jobs: Vec<Job<W>>,
}

impl<W: Work> Worker<W> {
    pub(super) fn new(endpoint: Endpoint, work: Arc<W>, queue: Arc<Queue<W>>, batch_max: usize) -> Self {
        Self { endpoint, work, queue, batch_max, connection: None, lost: None, outage: None, warnings: LogLimit::default() }
    }

    /// Runs until the lane is closed and everything in it is answered. A panic costs the batch it happened in, but not the lane.
    pub(super) async fn run(mut self) {
        while AssertUnwindSafe(self.rounds()).catch_unwind().await.is_err() {
            self.work.panicked();
            tracing::error!("a lane panicked; continuing with a new connection");
            self.connection = None;
            tokio::time::sleep(PANIC_PAUSE).await;
            self.give_up_on_the_oldest();
        }
    }

    async fn rounds(&mut self) {
        loop {
            // At the start, too: the first request should find a connection.
            if !self.is_connected() {
                if self.lost.is_none() && self.queue.has_ended() {
                    return;
                }
                if !self.reconnect().await {
                    continue;
                }
            }
            match tokio::time::timeout(LOOK_PAUSE, self.queue.wait()).await {
                Ok(true) if self.is_connected() => {}
                Ok(false) => return,
                // Nothing came, or the connection is gone.
                Ok(true) | Err(_) => continue,
            }
            let queue = Arc::clone(&self.queue);
            let Some(mut batch) = queue.take_batch(self.batch_max) else { continue };
            let jobs = std::mem::take(&mut batch.jobs);
            if batch.was_locked_out() {
                self.call_again(jobs).await;
            } else if !jobs.is_empty() {
                self.call(jobs).await;
            }
        }
    }

    fn is_connected(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| !connection.client.is_closed())
    }

    async fn call(&mut self, batch: Vec<Job<W>>) {
        self.work.batched(batch.len());
        let lock_ms = if self.queue.meets_locks() { locked_out::WARNED_LOCK_MS } else { SessionTimeouts::LANE.lock_ms };
        match self.outcome(&batch, lock_ms).await {
            Err(DbError::Locked(text)) => self.call_in_parts(batch, &text).await,
            outcome => self.finish(batch, outcome).await,
        }
    }

    /// Makes a call whose statements wait so long for a lock.
    async fn outcome(&mut self, batch: &[Job<W>], lock_ms: u32) -> Answers<W::Answer> {
        let Some(connection) = &mut self.connection else { return Err(DbError::Outdated("there is no connection".to_owned())) };
        let (client, set_ms, requests) = (&connection.client, &mut connection.lock_ms, requests(batch));
        let call = async {
            if *set_ms != lock_ms {
                client.wait_for_locks(lock_ms).await?;
                *set_ms = lock_ms;
            }
            W::call(client, W::event_id(requests[0]), &requests).await
        };
        let lost = |why: &str| Err(DbError::Lost(why.to_owned()));
        let outcome = tokio::select! {
            biased;
            outcome = tokio::time::timeout(CALL_MAX, call) => outcome.unwrap_or_else(|_| lost("no answer in time")),
            () = is_stuck(&self.endpoint, &client.backend) => lost("its backend is idle: the call or the answer is stuck on the way"),
        };
        if !matches!(outcome, Err(DbError::Lost(_))) {
            self.queue.heartbeat.beat();
        }
        outcome
    }

    async fn finish(&mut self, batch: Vec<Job<W>>, outcome: Answers<W::Answer>) {
        match outcome {
            Ok(answers) => {
                self.connection.iter_mut().for_each(|connection| connection.is_new = false);
                self.answer(batch, answers).await;
            }
            Err(DbError::Lost(text)) => self.lose(batch, &text),
            Err(DbError::Outdated(text)) => self.renew(batch, &text).await,
            Err(DbError::Exhausted { sqlstate, text }) => {
                self.endpoint.shortage().met(&sqlstate);
                self.put_back(batch, &text).await;
            }
            Err(DbError::Unavailable(text)) => self.put_back(batch, &text).await,
            Err(_) if batch.len() > 1 => self.call_one_by_one(batch).await,
            Err(error) => {
                // Each caller's problem has the cause, too.
                if self.warnings.admits(more_rolled_back) {
                    tracing::error!(%error, "a call failed and was rolled back");
                }
                batch.into_iter().for_each(|job| job.reply(Err(LaneError::Internal(error.to_string()))));
            }
        }
    }

    /// One bad request must not make the others fail, so each gets a call of its own.
    async fn call_one_by_one(&mut self, batch: Vec<Job<W>>) {
        for job in batch {
            Box::pin(self.call(vec![job])).await;
        }
    }

    /// The call was rolled back through no fault of its own. Its requests go to the end, so that one event's trouble does not stop the
    /// rest of the lane; those that have waited long enough are refused.
    async fn put_back(&mut self, batch: Vec<Job<W>>, why: &str) {
        if self.warnings.admits(more_rolled_back) {
            tracing::warn!(why, requests = batch.len(), "a call was rolled back");
        }
        let (old, young): (Vec<_>, Vec<_>) = batch.into_iter().partition(|job| job.age() > UNAVAILABLE_AFTER);
        old.into_iter().for_each(|job| job.reply(Err(LaneError::Unavailable)));
        self.queue.put_back(young);
        tokio::time::sleep(BUSY_PAUSE).await;
    }

    async fn answer(&mut self, batch: Vec<Job<W>>, answers: Vec<Option<W::Answer>>) {
        self.work.committed(answered_of(&batch, &answers));
        let (mut answered, mut busy) = (false, Vec::new());
        for (job, answer) in batch.into_iter().zip(answers) {
            match answer {
                Some(answer) => {
                    answered = true;
                    job.reply(Ok(answer));
                }
                None if job.age() > BUSY_MAX => job.reply(Err(LaneError::Overloaded { retry_after_s: 1 })),
                None => busy.push(job),
            }
        }
        if !busy.is_empty() {
            self.queue.put_back(busy);
        }
        if !answered {
            tokio::time::sleep(BUSY_PAUSE).await;
        }
    }
}

/// Returns once another connection shows that this backend has nothing to do, though its call was not answered. A call that takes long is
/// left alone.
async fn is_stuck(endpoint: &Endpoint, backend: &Backend) {
    let mut is_idle = false;
    while !is_idle {
        tokio::time::sleep(STALLED_AFTER).await;
        is_idle = matches!(tokio::time::timeout(BACKEND_LOOK_MAX, backend.is_idle(endpoint)).await, Ok(Ok(true)));
    }
}

/// The requests that have an answer, with their answers.
fn answered_of<'a, W: Work>(jobs: &'a [Job<W>], answers: &'a [Option<W::Answer>]) -> impl Iterator<Item = (&'a W::Request, &'a W::Answer)> {
    jobs.iter().zip(answers).filter_map(|(job, answer)| Some((&job.request, answer.as_ref()?)))
}

fn more_rolled_back(left_out: u64) {
    tracing::warn!(left_out, "more calls were rolled back than were logged");
}

fn requests<W: Work>(jobs: &[Job<W>]) -> Vec<&W::Request> {
    jobs.iter().map(|job| &job.request).collect()
}
