//! Turns at the pool of connections: nobody has more than a few calls in it at once, however many requests they send.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::problem::Problem;
use crate::problem::code::Code;

/// Calls of one customer in the pool at once.
const EACH_MAX: usize = 4;
/// Customers share this many queues by a hash that nobody outside can foretell: memory stays the same however many there are, and who
/// shares a queue merely waits a little longer.
const QUEUES: usize = 4_096;
/// Whoever waits longer is told to try again.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// The queues of all customers.
pub(crate) struct Turns {
    queues: Box<[Semaphore]>,
    hasher: RandomState,
    wait_max: Duration,
}

impl Turns {
    /// Nobody waits yet.
    pub(crate) fn new() -> Self {
        Self { queues: (0..QUEUES).map(|_| Semaphore::new(EACH_MAX)).collect(), hasher: RandomState::new(), wait_max: WAIT_MAX }
    }

    /// Waits for the customer's turn, which lasts until it is dropped.
    ///
    /// # Errors
    /// `overloaded` if too many of the customer's own requests are before this one.
    pub(crate) async fn take(&self, customer_id: &str) -> Result<SemaphorePermit<'_>, Problem> {
        let queue = usize::try_from(self.hasher.hash_one(customer_id) % QUEUES as u64).unwrap_or_default();
        match tokio::time::timeout(self.wait_max, self.queues[queue].acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Problem::passing(Code::Overloaded, 1).with_detail("too many of your own requests are waiting")),
        }
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(turns.take("alice").await.expect_err("no turn left").code(), Code::Overloaded);
        taken.pop();
        assert!(turns.take("alice").await.is_ok());
    }
}
