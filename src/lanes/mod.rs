//! Lanes: natural batching of claims and payments.
//!
//! Each event belongs to a lane: a queue with two workers, each with a connection. A worker takes whatever waits, up to a limit, and
//! makes one call; meanwhile the next batch gathers. There is no timer: a single request is not delayed, and a burst is batched. With
//! two workers, PostgreSQL can work on the next batch while the commit and the answers of the last one are on their way; with one, it
//! and the server would take turns. Claims and payments have separate lanes, so that neither waits for the other.
//!
//! Within a batch, first come is first served; between two batches in progress PostgreSQL's row locks decide, as between two servers:
//! a claim may be answered `seat_taken` for a seat that the other batch has locked and then does not take.
//!
//! Customers take turns: a customer whose request led a call lately lets others go first, so one customer's claims for many events do not
//! hold up everybody else's.
//!
//! A batch that meets a lock which somebody holds is called again in parts, so that only the requests that need this lock wait for it.

mod heartbeat;
mod job;
mod parts;
mod queue;
mod work;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::config::LaneSettings;
use crate::db::Endpoint;
use crate::domain::{ClaimOutcome, ClaimRequest, PaymentNotice, Settlement};
use crate::metrics::Metrics;
use crate::per_customer::{CHANGES_MAX, Counts};
use crate::redis::ExpiryQueue;
use heartbeat::STALLED_AFTER;
use job::{Job, Place, Progress};
use queue::Queue;
use work::{Claims, Payments, Work};
use worker::Worker;

/// How often a caller who has waited for long looks again whether the lane is stalled.
const STALLED_AGAIN: Duration = Duration::from_millis(250);
/// Workers of each lane, with a connection each.
pub(crate) const WORKERS: usize = 2;

/// Why a lane gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LaneError {
    /// Too many requests are already waiting; nothing was done.
    #[error("too many requests are waiting")]
    Overloaded {
        /// When to try again, in seconds.
        retry_after_s: u32,
    },
    /// Too many claims of the same customer are already waiting; nothing was done.
    #[error("too many claims of one customer are waiting")]
    TooManyOwn,
    /// PostgreSQL cannot be reached; nothing was done.
    #[error("the database is unavailable")]
    Unavailable,
    /// The database lacks what the lane calls; nothing was done.
    #[error("the database is not migrated")]
    NotMigrated,
    /// The connection was lost during the call, and PostgreSQL cannot be asked what it did.
    #[error("the outcome is not known")]
    OutcomeUnknown,
    /// A bug of ours; nothing was done.
    #[error("{0}")]
    Internal(String),
}

impl LaneError {
    /// Its name in the API and the metrics.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Overloaded { .. } | Self::TooManyOwn => "overloaded",
            Self::Unavailable | Self::NotMigrated => "unavailable",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Internal(_) => "internal_error",
        }
    }
}

/// The lanes of one server.
pub(crate) struct Lanes {
    claims: Vec<Lane<Claims>>,
    payments: Vec<Lane<Payments>>,
    customers: Counts,
    metrics: Arc<Metrics>,
    workers: TaskTracker,
}

impl Lanes {
    /// Starts the lanes, whose workers connect at once: whether the login and the limits suffice shows at the start, not in a rush.
    pub(crate) fn start(endpoint: &Endpoint, settings: LaneSettings, queue: &ExpiryQueue, metrics: &Arc<Metrics>) -> Self {
        let claims = Arc::new(Claims::new(queue.clone(), Arc::clone(metrics)));
        let payments = Arc::new(Payments::new(Arc::clone(metrics)));
        let workers = TaskTracker::new();
        Self {
            claims: (0..settings.lanes).map(|_| Lane::start(endpoint, settings, &claims, &workers)).collect(),
            payments: (0..settings.lanes).map(|_| Lane::start(endpoint, settings, &payments, &workers)).collect(),
            customers: Counts::new(),
            metrics: Arc::clone(metrics),
            workers,
        }
    }

    /// Claims seats; answers once the claim is committed or refused.
    ///
    /// # Errors
    /// See [`LaneError`]; only `OutcomeUnknown` leaves open whether the order exists.
    pub(crate) async fn claim(&self, request: ClaimRequest) -> Result<ClaimOutcome, LaneError> {
        let begun = Instant::now();
        let outcome = match self.customers.one_more(&request.customer_id, CHANGES_MAX) {
            Some(_counted) => lane_of(&self.claims, request.event_id).submit(request).await,
            None => Err(LaneError::TooManyOwn),
        };
        self.metrics.claim_answered(outcome.as_ref().map_or_else(LaneError::as_str, ClaimOutcome::as_str), begun.elapsed());
        outcome
    }

    /// Settles a payment notice; answers once its outcome is committed.
    ///
    /// # Errors
    /// See [`LaneError`]; the gateway sends the notice again after any of them, and it is settled once.
    pub(crate) async fn settle(&self, notice: PaymentNotice) -> Result<Settlement, LaneError> {
        let begun = Instant::now();
        let outcome = lane_of(&self.payments, notice.event_id).submit(notice).await;
        self.metrics.payment_answered(outcome.as_ref().map_or_else(LaneError::as_str, |settlement| settlement.as_str()), begun.elapsed());
        outcome
    }

    /// How many claims and how many payments are in the lanes, waiting or in a call.
    pub(crate) fn depths(&self) -> (usize, usize) {
        (self.claims.iter().map(Lane::depth).sum(), self.payments.iter().map(Lane::depth).sum())
    }

    /// How many lanes have no connection, of how many: what comes for their events waits for one, or is sent away.
    pub(crate) fn unconnected(&self) -> (usize, usize) {
        let connected = self.claims.iter().map(|lane| lane.queue.is_connected());
        let connected = connected.chain(self.payments.iter().map(|lane| lane.queue.is_connected()));
        (connected.clone().filter(|connected| !connected).count(), connected.count())
    }

    /// Accepts no more requests, and returns once all waiting requests are answered.
    pub(crate) async fn drain(&self) {
        self.close();
        self.workers.close();
        self.workers.wait().await;
    }

    fn close(&self) {
        self.claims.iter().for_each(|lane| lane.queue.close());
        self.payments.iter().for_each(|lane| lane.queue.close());
    }
}

/// The workers end with the lanes, once all waiting requests are answered.
impl Drop for Lanes {
    fn drop(&mut self) {
        self.close();
    }
}

/// The lane of an event, always the same one; events with consecutive ids are spread over all lanes.
fn lane_of<L>(lanes: &[L], event_id: i64) -> &L {
    &lanes[usize::try_from(event_id.unsigned_abs()).unwrap_or(0) % lanes.len()]
}

struct Lane<W: Work> {
    queue: Arc<Queue<W>>,
    depth: Arc<AtomicUsize>,
    waiting_max: usize,
}

impl<W: Work> Lane<W> {
    fn start(endpoint: &Endpoint, settings: LaneSettings, work: &Arc<W>, workers: &TaskTracker) -> Self {
        let queue = Arc::new(Queue::new());
        for _ in 0..WORKERS {
            workers.spawn(Worker::new(endpoint.clone(), Arc::clone(work), Arc::clone(&queue), usize::from(settings.batch_max)).run());
        }
        Self { queue, depth: Arc::default(), waiting_max: settings.waiting_max as usize }
    }

    async fn submit(&self, request: W::Request) -> Result<W::Answer, LaneError> {
        // The depth also counts what is in a call.
        let place = Place::take(&self.depth, self.waiting_max).ok_or(LaneError::Overloaded { retry_after_s: 1 })?;
        let (reply, mut answer) = oneshot::channel();
        let progress = Progress::default();
        self.queue.push(Job::new(request, reply, progress.clone(), place)).map_err(|_| LaneError::Unavailable)?;
        let caller = Caller { queue: &self.queue, progress };
        let mut wait_max = W::WAIT_MAX;
        loop {
            match tokio::time::timeout(wait_max, &mut answer).await {
                // A dropped reply belonged to a worker that panicked: nobody knows how far it got.
                Ok(answer) => return answer.map_err(|_| LaneError::OutcomeUnknown)?,
                Err(_) if self.queue.heartbeat.is_silent_for(STALLED_AFTER) => {
                    return Err(if caller.gives_up() { LaneError::Unavailable } else { LaneError::OutcomeUnknown });
                }
                // The lane is busy, not stalled.
                Err(_) => wait_max = STALLED_AGAIN,
            }
        }
    }

    fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }
}

/// Who waits for the answer to a request, and may go away at any moment.
struct Caller<'a, W: Work> {
    queue: &'a Queue<W>,
    progress: Progress,
}

impl<W: Work> Caller<'_, W> {
    /// Whether the request is certain not to be carried out; then others get its place. One that needs no caller stays in the lane.
    fn gives_up(&self) -> bool {
        let given_up = W::NEEDS_CALLER && self.progress.abandon();
        if given_up {
            self.queue.one_was_abandoned();
        }
        given_up
    }
}

impl<W: Work> Drop for Caller<'_, W> {
    fn drop(&mut self) {
        self.gives_up();
    }
}

#[cfg(test)]
mod tests;
