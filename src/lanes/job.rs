//! A request in a lane: the request itself, who waits for the answer, its place, and how far it has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::LaneError;
use super::work::Work;

/// One request in a lane, with the way back to its caller.
pub(super) struct Job<W: Work> {
    pub(super) request: W::Request,
    reply: oneshot::Sender<Result<W::Answer, LaneError>>,
    since: Instant,
    progress: Progress,
    _place: Place,
}

impl<W: Work> Job<W> {
    pub(super) fn new(request: W::Request, reply: oneshot::Sender<Result<W::Answer, LaneError>>, progress: Progress, place: Place) -> Self {
        Self { request, reply, since: Instant::now(), progress, _place: place }
    }

    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Takes it for a call; false if it needs a caller and nobody waits for the answer any more.
    pub(super) fn take(&self) -> bool {
        !W::NEEDS_CALLER || (!self.reply.is_closed() && self.progress.take())
    }

    /// It was not carried out and waits again.
    pub(super) fn wait_again(&self) {
        self.progress.0.store(WAITING, Ordering::Release);
    }

    /// Whether its caller has given it up: it will not be carried out.
    pub(super) fn is_abandoned(&self) -> bool {
        self.progress.0.load(Ordering::Acquire) == ABANDONED
    }

    pub(super) fn event_id(&self) -> i64 {
        W::event_id(&self.request)
    }

    /// Who takes turns with others in the lane.
    pub(super) fn customer(&self) -> Option<&str> {
        W::customer(&self.request)
    }

    /// Only requests of one event and kind can be in one call.
    pub(super) fn kind(&self) -> u8 {
        W::kind(&self.request)
    }

    /// The caller may have disconnected, which is fine.
    pub(super) fn reply(self, answer: Result<W::Answer, LaneError>) {
        self.reply.send(answer).ok();
    }
}

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const ABANDONED: u8 = 2;

/// How far a request has come, as its caller and the worker both know it.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<AtomicU8>);

impl Progress {
    fn take(&self) -> bool {
        self.0.compare_exchange(WAITING, TAKEN, Ordering::AcqRel, Ordering::Acquire) != Err(ABANDONED)
    }

    /// Makes sure that the request is never carried out; false if it is in a call already.
    pub(super) fn abandon(&self) -> bool {
        self.0.compare_exchange(WAITING, ABANDONED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// A place in a lane, given back when the request is answered or dropped.
pub(super) struct Place(Arc<AtomicUsize>);

impl Place {
    pub(super) fn take(depth: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        let taken = depth.fetch_add(1, Ordering::Relaxed);
        let place = Self(Arc::clone(depth));
        (taken < max).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
