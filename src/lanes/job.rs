//! A request in a lane: the request itself, who waits for the answer, and its place.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::LaneError;
use super::work::Work;

/// One request in a lane, with the way back to its caller.
pub(super) struct Job<W: Work> {
    pub(super) request: W::Request,
    reply: oneshot::Sender<Result<W::Answer, LaneError>>,
    since: Instant,
    _place: Place,
}

impl<W: Work> Job<W> {
    pub(super) fn new(request: W::Request, reply: oneshot::Sender<Result<W::Answer, LaneError>>, place: Place) -> Self {
        Self { request, reply, since: Instant::now(), _place: place }
    }

    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether somebody waits for the answer, or the request must be carried out anyway.
    pub(super) fn is_wanted(&self) -> bool {
        !(W::NEEDS_CALLER && self.reply.is_closed())
    }

    pub(super) fn event_id(&self) -> i64 {
        W::event_id(&self.request)
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
