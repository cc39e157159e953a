//! What a connection is asked to do, and how its task learns of it.

use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};

use super::Activity;

/// What a connection is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(in crate::http::connections) enum Demand {
    /// To end after the request in progress, whose head may still be arriving: the server stops.
    Finish = 1,
    /// To end if it waits for its client: another one needs the room.
    MakeRoom = 2,
    /// To end at once.
    End = 4,
}

impl Activity {
    /// Asks the connection's task for something.
    pub(in crate::http::connections) fn ask(&self, demand: Demand) {
        self.asked.fetch_or(demand as u8, SeqCst);
        self.task.wake();
    }

    /// Whom to wake when something is asked: the task, which then looks at [`Self::asked`].
    pub(in crate::http::connections) fn listen(&self, task: &Waker) {
        self.task.register(task);
    }

    /// The most urgent demand, if any.
    pub(in crate::http::connections) fn asked(&self) -> Option<Demand> {
        match self.asked.load(SeqCst) {
            0 => None,
            1 => Some(Demand::Finish),
            2 | 3 => Some(Demand::MakeRoom),
            _ => Some(Demand::End),
        }
    }

    /// Room is wanted from somebody else.
    pub(in crate::http::connections) fn stays(&self) {
        self.asked.fetch_and(!(Demand::MakeRoom as u8), SeqCst);
    }

    /// Ready once the connection must end for another one, or at once.
    pub(in crate::http::connections) fn poll_room_asked(&self, context: &Context<'_>) -> Poll<()> {
        self.listen(context.waker());
        if self.asked() >= Some(Demand::MakeRoom) { Poll::Ready(()) } else { Poll::Pending }
    }
}
