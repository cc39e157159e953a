//! The loop of a lane's worker: take what waits, call, answer; and recover when the connection is lost in between.

mod blocked;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::LaneError;
use super::job::Job;
use super::queue::{Connected, Queue};
use super::work::{Answers, Work};
use crate::db::batches::{Backend, LaneClient};
use crate::db::{DbError, Endpoint, Outage, OutageKind, Patience};

/// A request that waits longer than this for a connection is answered `unavailable`.
const UNAVAILABLE_AFTER: Duration = Duration::from_secs(2);
/// A request whose call was lost is answered `outcome_unknown` if the database cannot be asked for this long.
const UNKNOWN_AFTER: Duration = Duration::from_secs(15);
/// A request that other transactions' locks block, or keep from its seats, is answered `overloaded` after this.
const BUSY_MAX: Duration = Duration::from_secs(2);
/// Pause before locked seats are tried again.
const BUSY_PAUSE: Duration = Duration::from_millis(2);
/// Pause after a panic.
const PANIC_PAUSE: Duration = Duration::from_millis(50);
/// A call without an answer for this long counts as lost: unless PostgreSQL hangs, its own timeouts end the call sooner.
const CALL_MAX: Duration = Duration::from_secs(8);
/// The total time for connecting, waiting until a lost backend has ended, and asking what it did.
const RECONNECT_MAX: Duration = Duration::from_secs(10);

/// One of the workers of a lane, with a connection of its own.
pub(super) struct Worker<W: Work> {
    endpoint: Endpoint,
    work: Arc<W>,
    queue: Arc<Queue<W>>,
    batch_max: usize,
    client: Option<Connection<W>>,
    lost: Option<LostCall<W>>,
    /// Why the last attempt to connect failed, if it did.
    outage: Option<OutageKind>,
}

struct Connection<W: Work> {
    lane: LaneClient,
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
        Self { endpoint, work, queue, batch_max, client: None, lost: None, outage: None }
    }

    /// Runs until the lane is closed and everything in it is answered. A panic costs the batch it happened in, but not the lane.
    pub(super) async fn run(mut self) {
        while AssertUnwindSafe(self.rounds()).catch_unwind().await.is_err() {
            tracing::error!("a lane panicked; continuing with a new connection");
            self.client = None;
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
            if !self.queue.wait().await {
                return;
            }
            if !self.is_connected() {
                continue;
            }
            let queue = Arc::clone(&self.queue);
            let Some(mut batch) = queue.take_batch(self.batch_max) else { continue };
            let jobs = std::mem::take(&mut batch.jobs);
            if batch.was_blocked() {
                self.call_again(jobs).await;
            } else if !jobs.is_empty() {
                self.call(jobs).await;
            }
        }
    }

    fn is_connected(&self) -> bool {
        self.client.as_ref().is_some_and(|connection| !connection.lane.client.is_closed())
    }

    async fn call(&mut self, batch: Vec<Job<W>>) {
        self.work.batched(batch.len());
        match self.outcome(&batch, Patience::LANE.lock_ms).await {
            Err(DbError::Locked(text)) => self.call_in_parts(batch, &text).await,
            outcome => self.finish(batch, outcome).await,
        }
    }

    /// Makes a call whose statements wait so long for a lock.
    async fn outcome(&mut self, batch: &[Job<W>], lock_ms: u32) -> Answers<W::Answer> {
        let Some(connection) = &mut self.client else { return Err(DbError::Outdated("there is no connection".to_owned())) };
        let requests = requests(batch);
        let call = async {
            if connection.lock_ms != lock_ms {
                connection.lane.wait_for_locks(lock_ms).await?;
                connection.lock_ms = lock_ms;
            }
            W::call(&connection.lane, W::event_id(requests[0]), &requests).await
        };
        let outcome = tokio::time::timeout(CALL_MAX, call).await.unwrap_or_else(|_| Err(DbError::Lost("no answer in time".to_owned())));
        if !matches!(outcome, Err(DbError::Lost(_))) {
            self.queue.heartbeat.beat();
        }
        outcome
    }

    async fn finish(&mut self, batch: Vec<Job<W>>, outcome: Answers<W::Answer>) {
        match outcome {
            Ok(answers) => self.answer(batch, answers).await,
            Err(DbError::Lost(text)) => self.lose(batch, &text),
            Err(DbError::Outdated(_)) => self.renew(batch),
            Err(DbError::Unavailable(text)) => self.put_back(batch, &text).await,
            Err(_) if batch.len() > 1 => self.call_one_by_one(batch).await,
            Err(error) => {
                tracing::error!(%error, "a call failed and was rolled back");
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
        tracing::warn!(why, requests = batch.len(), "a call was rolled back");
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

    fn lose(&mut self, batch: Vec<Job<W>>, why: &str) {
        tracing::warn!(why, requests = batch.len(), "a lane lost its connection during a call; finding out what it did");
        if let Some(connection) = self.client.take() {
            self.lost = Some(LostCall { backend: connection.lane.backend, jobs: batch });
        }
    }

    /// A migration outdated the connection's statements; nothing was done, so the batch goes to a new connection.
    fn renew(&mut self, batch: Vec<Job<W>>) {
        self.client = None;
        self.queue.put_first(batch);
    }

    /// Connects, and finds out what the lost call did. False after a failed attempt and its pause.
    async fn reconnect(&mut self) -> bool {
        self.client = None;
        // Another worker may have a connection for the request that this one was woken for.
        self.queue.pass_on();
        let attempt = async {
            let lane = LaneClient::prepare(self.endpoint.connect_as_app().await?).await?;
            if let Some(lost) = &self.lost {
                lane.outlive(&lost.backend).await?;
                let answers = W::recall(&lane, W::event_id(&lost.jobs[0].request), &requests(&lost.jobs)).await?;
                return Ok((lane, answers));
            }
            Ok::<_, DbError>((lane, Vec::new()))
        };
        let attempt = tokio::time::timeout(RECONNECT_MAX, attempt).await;
        match attempt.unwrap_or_else(|_| Err(DbError::Outage(Outage::new(OutageKind::Unreachable, "no answer in time")))) {
            Ok((lane, answers)) => {
                self.outage = None;
                self.endpoint.outages().works();
                self.endpoint.identity().set(lane.database_id);
                self.client = Some(Connection { lane, lock_ms: Patience::LANE.lock_ms, _counted: self.queue.connected() });
                let jobs = self.lost.take().map(|lost| lost.jobs).unwrap_or_default();
                self.answer_recalled(jobs, answers);
                true
            }
            Err(error) => {
                let outage = Outage::from(error);
                self.outage = Some(outage.kind);
                self.endpoint.outages().failed(&outage);
                self.give_up_on_the_oldest();
                self.endpoint.outages().pause(outage.kind).await;
                false
            }
        }
    }

    /// Answers what the lost call did; what it certainly did not do goes back to the front of the lane.
    fn answer_recalled(&mut self, jobs: Vec<Job<W>>, answers: Vec<Option<W::Answer>>) {
        self.work.committed(answered_of(&jobs, &answers));
        let mut undone = Vec::new();
        for (job, answer) in jobs.into_iter().zip(answers) {
            match answer {
                Some(answer) => job.reply(Ok(answer)),
                None => undone.push(job),
            }
        }
        if !undone.is_empty() {
            self.queue.put_first(undone);
        }
    }

    fn give_up_on_the_oldest(&mut self) {
        // Only an operator migrates, so waiting is pointless.
        let (answer, after) = match self.outage {
            Some(OutageKind::NotMigrated) => (LaneError::NotMigrated, Duration::ZERO),
            _ => (LaneError::Unavailable, UNAVAILABLE_AFTER),
        };
        self.queue.take_hopeless(after).into_iter().for_each(|job| job.reply(Err(answer.clone())));
        if let Some(lost) = &mut self.lost {
            for job in lost.jobs.extract_if(.., |job| job.age() > UNKNOWN_AFTER) {
                job.reply(Err(LaneError::OutcomeUnknown));
            }
        }
        self.lost.take_if(|lost| lost.jobs.is_empty());
    }
}

/// The requests that have an answer, with their answers.
fn answered_of<'a, W: Work>(jobs: &'a [Job<W>], answers: &'a [Option<W::Answer>]) -> impl Iterator<Item = (&'a W::Request, &'a W::Answer)> {
    jobs.iter().zip(answers).filter_map(|(job, answer)| Some((&job.request, answer.as_ref()?)))
}

fn requests<W: Work>(jobs: &[Job<W>]) -> Vec<&W::Request> {
    jobs.iter().map(|job| &job.request).collect()
}
