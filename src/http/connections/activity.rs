//! What one connection is doing, as its task, its timer and its stream note it, and what it is asked to do.
//!
//! Everything is an atomic of this connection alone: a request takes no lock, and whoever needs room reads the notes of all connections.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures_util::task::AtomicWaker;

/// In place of a time: a request is being answered.
const BUSY: u64 = u64::MAX;

/// What a connection is asked to do; each is more urgent than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Request {
    /// To end after the request in progress, whose head may still be arriving: the server stops.
    Finish = 1,
    /// To end unless a request is being answered, and then after it: another client needs the room.
    MakeRoom = 2,
    /// To end at once.
    End = 3,
}

pub(super) struct Activity {
    epoch: Instant,
    /// Since when the client owes the head of a request, in microseconds since `epoch`, or [`BUSY`].
    waiting_since: AtomicU64,
    /// Whether some of that head has arrived.
    has_begun: AtomicBool,
    /// Whether the client leaves bytes of an answer unread that the kernel has no space for.
    is_writing: AtomicBool,
    /// The status of the answer by which the parser refused a head, or 0.
    refused_status: AtomicU16,
    /// Whether the client is being told why its head was refused.
    is_telling: AtomicBool,
    asked: AtomicU8,
    task: AtomicWaker,
}

impl Activity {
    /// A connection that has just been accepted; `epoch` is the same for all connections.
    pub(super) fn new(epoch: Instant) -> Self {
        let activity = Self {
            epoch,
            waiting_since: AtomicU64::new(BUSY),
            has_begun: AtomicBool::new(false),
            is_writing: AtomicBool::new(false),
            refused_status: AtomicU16::new(0),
            is_telling: AtomicBool::new(false),
            asked: AtomicU8::new(0),
            task: AtomicWaker::new(),
        };
        activity.waits();
        activity
    }

    /// From now on the client owes a head; everything that was read belonged to earlier requests.
    pub(super) fn waits(&self) {
        self.has_begun.store(false, Relaxed);
        let since = u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(BUSY).min(BUSY - 1);
        self.waiting_since.store(since, Relaxed);
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
        self.waiting_since.store(BUSY, Relaxed);
    }

    pub(super) fn is_serving(&self) -> bool {
        self.waiting_since.load(Relaxed) == BUSY
    }

    /// Whether a write has to wait for the client to read.
    pub(super) fn writes(&self, is_waiting: bool) {
        if self.is_writing.load(Relaxed) != is_waiting {
            self.is_writing.store(is_waiting, Relaxed);
        }
    }

    /// Since when the connection could be closed without losing a request or an answer; `None`: not now.
    pub(super) fn idle_since(&self) -> Option<u64> {
        let since = self.waiting_since.load(Relaxed);
        (since != BUSY && !self.is_writing.load(Relaxed)).then_some(since)
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

    /// Asks the connection's task for something.
    pub(super) fn ask(&self, request: Request) {
        self.asked.fetch_max(request as u8, SeqCst);
        self.task.wake();
    }

    /// Whom to wake when something is asked: the task, which then looks at [`Self::asked`].
    pub(super) fn listen(&self, task: &Waker) {
        self.task.register(task);
    }

    /// What the connection was asked to do, if anything.
    pub(super) fn asked(&self) -> Option<Request> {
        match self.asked.load(SeqCst) {
            0 => None,
            1 => Some(Request::Finish),
            2 => Some(Request::MakeRoom),
            _ => Some(Request::End),
        }
    }

    /// Ready once the connection must end for another one, or at once.
    pub(super) fn poll_room_asked(&self, context: &Context<'_>) -> Poll<()> {
        self.listen(context.waker());
        if self.asked() >= Some(Request::MakeRoom) { Poll::Ready(()) } else { Poll::Pending }
    }
}
