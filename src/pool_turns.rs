//! Turns at the pool of connections: nobody has more than a few calls in it at once, however many requests they send.
//!
//! A customer's requests wait in two lines: one to read, one to give back seats. Whoever is first in either is next but one at most.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use crate::per_customer::{CHANGES_MAX, Counts, PerCustomer};

/// Calls of one customer in the pool at once.
const EACH_MAX: usize = 4;
/// Reads of one customer that wait for their turn: each keeps a connection busy.
const READS_WAITING_MAX: usize = 64;
/// Whoever waits longer is told to try again.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// What a customer's request does with its turn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Errand {
    /// It reads orders.
    Read,
    /// It gives back seats: of all the orders that a customer can claim at once, they can give back all at once.
    GiveBack,
}

/// The turns of all customers.
pub(crate) struct Turns {
    turns: PerCustomer<Arc<Semaphore>>,
    reads: Line,
    returns: Line,
    wait_max: Duration,
}

/// A line of each customer. Only the first in it waits for a turn, so that the two lines have turns alternately, however long they are.
struct Line {
    waiting: Counts,
    waiting_max: usize,
    first: PerCustomer<Mutex<()>>,
}

impl Line {
    fn of_at_most(waiting_max: usize) -> Self {
        Self { waiting: Counts::new(), waiting_max, first: PerCustomer::new(|| Mutex::new(())) }
    }
}

/// Somebody's turn, which lasts until the last copy is dropped.
#[derive(Clone)]
pub(crate) struct Turn {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl From<OwnedSemaphorePermit> for Turn {
    fn from(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: Arc::new(permit) }
    }
}

/// Too many of the customer's own requests came before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooManyWaiting;

impl Turns {
    /// Nobody waits yet.
    pub(crate) fn new() -> Self {
        Self {
            turns: PerCustomer::new(|| Arc::new(Semaphore::new(EACH_MAX))),
            reads: Line::of_at_most(READS_WAITING_MAX),
            returns: Line::of_at_most(CHANGES_MAX),
            wait_max: WAIT_MAX,
        }
    }

    /// Waits for the customer's turn.
    ///
    /// # Errors
    /// If too many of the customer's own requests are before this one.
    pub(crate) async fn take(&self, customer_id: &str, errand: Errand) -> Result<Turn, TooManyWaiting> {
        let line = match errand {
            Errand::Read => &self.reads,
            Errand::GiveBack => &self.returns,
        };
        let _waiting = line.waiting.one_more(customer_id, line.waiting_max).ok_or(TooManyWaiting)?;
        let turn = async {
            let _first = line.first.of(customer_id).lock().await;
            Arc::clone(self.turns.of(customer_id)).acquire_owned().await
        };
        match tokio::time::timeout(self.wait_max, turn).await {
            Ok(Ok(permit)) => Ok(permit.into()),
            Ok(Err(_)) | Err(_) => Err(TooManyWaiting),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Instant;

    use futures_util::FutureExt;

    use super::*;

    /// All the turns of Alice.
    async fn all_taken(turns: &Turns) -> Vec<Turn> {
        let mut taken = Vec::new();
        for _ in 0..EACH_MAX {
            taken.push(turns.take("alice", Errand::Read).await.expect("a turn"));
        }
        taken
    }

    #[tokio::test]
    async fn a_customer_has_a_few_turns_at_once_and_keeps_nobody_else_waiting() {
        let turns = Turns { wait_max: Duration::from_millis(20), ..Turns::new() };
        let mut taken = all_taken(&turns).await;
        // One in 4,096 others shares the turns.
        let others = ["bob", "carol", "dave"].map(|other| turns.take(other, Errand::Read));
        assert!(futures_util::future::join_all(others).await.iter().filter(|turn| turn.is_ok()).count() >= 2);
        for errand in [Errand::Read, Errand::GiveBack] {
            assert_eq!(turns.take("alice", errand).await.err(), Some(TooManyWaiting));
        }
        let copy = taken.pop().expect("a turn").clone();
        assert_eq!(turns.take("alice", Errand::Read).await.err(), Some(TooManyWaiting), "a turn lasts until the last copy is dropped");
        drop(copy);
        assert!(turns.take("alice", Errand::Read).await.is_ok());
    }

    #[tokio::test]
    async fn only_so_many_requests_of_a_customer_wait_and_for_so_long() {
        let turns = Turns::new();
        let _taken = all_taken(&turns).await;
        let begun = Instant::now();
        let mut lines = [(Errand::Read, READS_WAITING_MAX), (Errand::GiveBack, CHANGES_MAX)]
            .map(|(errand, max)| (errand, (0..max).map(|_| Box::pin(turns.take("alice", errand))).collect::<Vec<_>>()));
        for (_, waiting) in &mut lines {
            for request in waiting {
                assert!(futures_util::poll!(request).is_pending());
            }
        }
        let mut last = Vec::new();
        for (errand, mut waiting) in lines {
            assert_eq!(turns.take("alice", errand).now_or_never().expect("at once").err(), Some(TooManyWaiting));
            waiting.pop();
            last.push(Box::pin(turns.take("alice", errand)));
            assert!(futures_util::poll!(last.last_mut().expect("a request")).is_pending(), "whoever goes away leaves room");
        }
        assert!(futures_util::future::join_all(last).await.iter().all(|turn| turn.as_ref().err() == Some(&TooManyWaiting)));
        assert!(begun.elapsed() < Duration::from_millis(4_500));
    }

    #[tokio::test]
    async fn whoever_gives_back_much_can_read_and_whoever_reads_much_can_give_back() {
        for (many, other) in [(Errand::GiveBack, Errand::Read), (Errand::Read, Errand::GiveBack)] {
            let turns = Turns::new();
            let mut taken = VecDeque::from(all_taken(&turns).await);
            let mut waiting: VecDeque<_> = (0..READS_WAITING_MAX).map(|_| Box::pin(turns.take("alice", many))).collect();
            for request in &mut waiting {
                assert!(futures_util::poll!(request).is_pending());
            }
            let mut late = Box::pin(turns.take("alice", other));
            for before in 0.. {
                if futures_util::poll!(&mut late).is_ready() {
                    assert_eq!(before, 2, "a {other:?} waits for one {many:?} that came before");
                    break;
                }
                taken.pop_front();
                if let std::task::Poll::Ready(turn) = futures_util::poll!(&mut waiting[0]) {
                    taken.push_back(turn.expect("a turn"));
                    waiting.pop_front();
                    for request in &mut waiting {
                        assert!(futures_util::poll!(request).is_pending());
                    }
                }
            }
        }
    }
}
