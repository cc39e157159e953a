//! Something for each customer, in memory that stays the same however many customers there are.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Claims of one customer that wait or are in a call at once, and changes of their orders that wait: as many as a full batch.
pub(crate) const CHANGES_MAX: usize = 256;
/// Customers share this many places by a hash that nobody outside can foretell.
const PLACES: usize = 4_096;

/// What customers have, by a hash of their id: few share theirs with somebody else.
pub(crate) struct PerCustomer<T> {
    places: Box<[T]>,
    hasher: RandomState,
}

impl<T> PerCustomer<T> {
    pub(crate) fn new(each: impl Fn() -> T) -> Self {
        Self { places: (0..PLACES).map(|_| each()).collect(), hasher: RandomState::new() }
    }

    /// What this customer has.
    pub(crate) fn of(&self, customer_id: &str) -> &T {
        let place = usize::try_from(self.hasher.hash_one(customer_id) % PLACES as u64).unwrap_or_default();
        &self.places[place]
    }
}

/// How much each customer has of something at once.
pub(crate) struct Counts(PerCustomer<AtomicUsize>);

/// One of them, until it is dropped.
pub(crate) struct Counted<'a>(&'a AtomicUsize);

impl Counts {
    pub(crate) fn new() -> Self {
        Self(PerCustomer::new(|| AtomicUsize::new(0)))
    }

    /// Counts one more of this customer; `None` if there are `max` already.
    pub(crate) fn one_more(&self, customer_id: &str, max: usize) -> Option<Counted<'_>> {
        let count = self.0.of(customer_id);
        let before = count.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(count);
        (before < max).then_some(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_customer_has_their_own_and_gives_it_back() {
        let counts = Counts::new();
        let one = counts.one_more("alice", 2).expect("one");
        let _two = counts.one_more("alice", 2).expect("two");
        assert!(counts.one_more("alice", 2).is_none());
        // One in 4,096 others shares the count.
        let others = ["bob", "carol", "dave"].map(|other| counts.one_more(other, 1).is_some());
        assert!(others.iter().filter(|has_own| **has_own).count() >= 2);
        drop(one);
        assert!(counts.one_more("alice", 2).is_some());
    }
}
