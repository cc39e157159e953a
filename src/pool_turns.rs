//! Turns at the pool of connections: nobody has more than a few calls in it at once, however many requests they send.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::per_customer::{Counts, PerCustomer};

/// Calls of one customer in the pool at once.
const EACH_MAX: usize = 4;
/// Requests of one customer that wait for their turn: each keeps a connection busy.
const WAITING_MAX: usize = 64;
/// Whoever waits longer is told to try again.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// The queues of all customers.
pub(crate) struct Turns {
    queues: PerCustomer<Arc<Semaphore>>,
    waiting: Counts,
    wait_max: Duration,
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
        Self { queues: PerCustomer::new(|| Arc::new(Semaphore::new(EACH_MAX))), waiting: Counts::new(), wait_max: WAIT_MAX }
    }

    /// Waits for the customer's turn.
    ///
    /// # Errors
    /// If too many of the customer's own requests are before this one.
    pub(crate) async fn take(&self, customer_id: &str) -> Result<Turn, TooManyWaiting> {
        let _waiting = self.waiting.one_more(customer_id, WAITING_MAX).ok_or(TooManyWaiting)?;
        let queue = Arc::clone(self.queues.of(customer_id));
        match tokio::time::timeout(self.wait_max, queue.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit.into()),
            Ok(Err(_)) | Err(_) => Err(TooManyWaiting),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_customer_has_a_few_turns_at_once_and_keeps_nobody_else_waiting() {
        let turns = Turns { wait_max: Duration::from_millis(20), ..Turns::new() };
        let mut taken = Vec::new();
        for _ in 0..EACH_MAX {
            taken.push(turns.take("alice").await.expect("a turn"));
        }
        // One in 4,096 others shares the queue.
        let others = ["bob", "carol", "dave"].map(|other| turns.take(other));
        assert!(futures_util::future::join_all(others).await.iter().filter(|turn| turn.is_ok()).count() >= 2);
        assert_eq!(turns.take("alice").await.err(), Some(TooManyWaiting));
        let copy = taken.pop().expect("a turn").clone();
        assert_eq!(turns.take("alice").await.err(), Some(TooManyWaiting), "a turn lasts until the last copy is dropped");
        drop(copy);
        assert!(turns.take("alice").await.is_ok());
    }

    #[tokio::test]
    async fn only_so_many_requests_of_a_customer_wait_and_for_so_long() {
        let turns = Turns::new();
        let mut taken = Vec::new();
        for _ in 0..EACH_MAX {
            taken.push(turns.take("alice").await.expect("a turn"));
        }
        let begun = Instant::now();
        let mut waiting: Vec<_> = (0..WAITING_MAX).map(|_| Box::pin(turns.take("alice"))).collect();
        for request in &mut waiting {
            assert!(futures_util::poll!(request).is_pending());
        }
        assert_eq!(turns.take("alice").now_or_never().expect("at once").err(), Some(TooManyWaiting));
        waiting.pop();
        let mut next = Box::pin(turns.take("alice"));
        assert!(futures_util::poll!(&mut next).is_pending(), "whoever goes away leaves room");
        assert_eq!(next.await.err(), Some(TooManyWaiting));
        assert!(begun.elapsed() < Duration::from_millis(4_500));
    }
}
