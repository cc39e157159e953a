//! What one connection is doing, as its task, its timer, its stream and its bodies note it, and what it is asked to do.
//!
//! Everything is an atomic of this connection alone: a request takes no lock, and whoever needs room reads the notes of all connections.

mod demand;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http_body_util::combinators;

pub(super) use demand::Demand;

/// A body as the framework hands it over.
pub(super) type BoxBody = combinators::BoxBody<Bytes, io::Error>;

/// In place of a time: the client waits for the server.
const BUSY: u64 = u64::MAX;
/// How long a client may leave the rest of its request or its answer waiting before its connection counts as idle, in microseconds: the
/// parts of one request seldom arrive together.
pub(super) const HESITATION_US: u64 = 500_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// The client owes a head.
    Head,
    /// A request is being answered; its body may still be arriving.
    Answering,
    /// The answer is made, but not yet handed over to the kernel.
    Answered,
}

pub(super) struct Activity {
    epoch: Instant,
    phase: AtomicU8,
    /// Since when the server waits for the client, in microseconds since `epoch`, or [`BUSY`]: for a head, for the rest of a body, or for
    /// the client to read.
    waiting_since: AtomicU64,
    /// Whether some of a head has arrived.
    has_begun: AtomicBool,
    /// Whether the client leaves bytes of an answer unread that the kernel has no space for.
    is_writing: AtomicBool,
    /// The status of the answer by which the parser refused a head, or 0.
    refused_status: AtomicU16,
    /// Whether the client is being told why its head was refused.
    is_telling: AtomicBool,
    /// What nobody wanted to read of the body of the request in progress.
    unread: Mutex<Option<BoxBody>>,
    /// Whether the last answer was given before its request had arrived.
    is_cut_off: AtomicBool,
    /// The demands so far, one bit each.
    asked: AtomicU8,
    task: AtomicWaker,
}

impl Activity {
    /// A connection that has just been accepted; `epoch` is the same for all connections.
    pub(super) fn new(epoch: Instant) -> Self {
        let activity = Self {
            epoch,
            phase: AtomicU8::new(Phase::Head as u8),
            waiting_since: AtomicU64::new(BUSY),
            has_begun: AtomicBool::new(false),
            is_writing: AtomicBool::new(false),
            refused_status: AtomicU16::new(0),
            is_telling: AtomicBool::new(false),
            unread: Mutex::new(None),
            is_cut_off: AtomicBool::new(false),
            asked: AtomicU8::new(0),
            task: AtomicWaker::new(),
        };
        activity.waits();
        activity
    }

    fn is_in(&self, phase: Phase) -> bool {
        self.phase.load(Relaxed) == phase as u8
    }

    /// From now on the client owes a head; everything that was read belonged to earlier requests.
    pub(super) fn waits(&self) {
        self.has_begun.store(false, Relaxed);
        self.phase.store(Phase::Head as u8, Relaxed);
        // What the client has left unread, it has left for longer.
        if !self.is_writing.load(Relaxed) {
            self.waiting_since.store(now_us(self.epoch), Relaxed);
        }
    }

    /// Something was read.
    pub(super) fn reads(&self) {
        self.has_begun.store(true, Relaxed);
    }

    /// Whether a head has begun to arrive.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Relaxed)
    }

    /// A whole head has arrived: its request is being answered.
    pub(super) fn serves(&self) {
        self.phase.store(Phase::Answering as u8, Relaxed);
        self.resumes();
    }

    /// The request cannot go on without more of its body, for which it has waited `since` then, or for the first time now. Returns since
    /// when: what trickles in does not make its client a busy one.
    pub(super) fn awaits_body(&self, since: Option<u64>) -> u64 {
        let since = since.unwrap_or_else(|| now_us(self.epoch));
        self.waiting_since.store(since, Relaxed);
        since
    }

    /// The request goes on.
    pub(super) fn resumes(&self) {
        self.waiting_since.store(BUSY, Relaxed);
    }

    /// The answer is ready to be sent.
    pub(super) fn answered(&self) {
        self.phase.store(Phase::Answered as u8, Relaxed);
        if self.is_writing.load(Relaxed) {
            self.waiting_since.store(now_us(self.epoch), Relaxed);
        }
    }

    /// Whether what is written belongs to answers, rather than being a refusal by the parser.
    pub(super) fn is_answering(&self) -> bool {
        !self.is_in(Phase::Head) || self.is_writing.load(Relaxed)
    }

    /// Whether a write has to wait for the client to read. While a request is being answered, only what came before it can wait.
    pub(super) fn writes(&self, is_waiting: bool) {
        if self.is_writing.load(Relaxed) == is_waiting {
            return;
        }
        self.is_writing.store(is_waiting, Relaxed);
        if !self.is_in(Phase::Answering) {
            let waits = is_waiting || self.is_in(Phase::Head);
            self.waiting_since.store(if waits { now_us(self.epoch) } else { BUSY }, Relaxed);
        }
    }

    /// For how long the client has taken nothing of an answer that the kernel has no more space for, in microseconds; `None`: it is not
    /// waited for.
    pub(super) fn unread_for_us(&self, now: Instant) -> Option<u64> {
        let since = self.waiting_since.load(Relaxed);
        let now_us = u64::try_from(now.saturating_duration_since(self.epoch).as_micros()).unwrap_or(BUSY);
        (self.is_writing.load(Relaxed) && since != BUSY).then(|| now_us.saturating_sub(since))
    }

    /// Whether the connection could be closed now without losing anything but what its client keeps waiting.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting_since.load(Relaxed) != BUSY
    }

    /// Since when the connection has been idle, if it is `now_us` microseconds after `epoch`; `None`: it is not.
    pub(super) fn idle_since(&self, now_us: u64) -> Option<u64> {
        let since = self.waiting_since.load(Relaxed);
        let is_between_requests = self.is_in(Phase::Head) && !self.is_writing.load(Relaxed);
        (since != BUSY && (is_between_requests || since.saturating_add(HESITATION_US) <= now_us)).then_some(since)
    }

    /// Keeps what is left of the body of the request in progress.
    pub(super) fn leaves_unread(&self, body: BoxBody) {
        *self.unread.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }

    /// What is left of the body of the request in progress.
    pub(super) fn take_unread(&self) -> Option<BoxBody> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The answer is the last one, and the client may still be sending.
    pub(super) fn cuts_off(&self) {
        self.is_cut_off.store(true, Relaxed);
    }

    pub(super) fn is_cut_off(&self) -> bool {
        self.is_cut_off.load(Relaxed)
    }

    /// The parser refused a head, and would have answered with this status and nothing else.
    pub(super) fn refuses(&self, status: u16) {
        self.refused_status.store(status, Relaxed);
    }

    /// The status with which the parser refused a head, if it did.
    pub(super) fn refused_status(&self) -> Option<u16> {
        Some(self.refused_status.load(Relaxed)).filter(|status| *status != 0)
    }

    /// From now on the client is told why its head was refused.
    pub(super) fn tells(&self) {
        self.is_telling.store(true, Relaxed);
    }

    pub(super) fn is_telling(&self) -> bool {
        self.is_telling.load(Relaxed)
    }
}

/// The time since `epoch`, in microseconds.
pub(super) fn now_us(epoch: Instant) -> u64 {
    u64::try_from(epoch.elapsed().as_micros()).unwrap_or(BUSY).min(BUSY - 1)
}
