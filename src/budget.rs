//! A limit on how much of something may be held at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// So much may be held in all.
pub(crate) struct Budget {
    max: usize,
    held: AtomicUsize,
}

/// A part of a budget, given back when it is dropped.
pub(crate) struct Share {
    of: Arc<Budget>,
    size: usize,
}

impl Budget {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, held: AtomicUsize::new(0) })
    }

    /// How much is held.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Relaxed)
    }

    /// Nothing of it yet.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { of: Arc::clone(self), size: 0 }
    }
}

impl Share {
    /// Holds so much more; false, and nothing more is held, if that is not left.
    pub(crate) fn grow(&mut self, more: usize) -> bool {
        let held = self.of.held.fetch_add(more, Relaxed).saturating_add(more);
        if held > self.of.max {
            self.of.held.fetch_sub(more, Relaxed);
            return false;
        }
        self.size += more;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.held.fetch_sub(self.size, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_more_than_there_is_and_what_is_given_back_can_be_held_again() {
        let budget = Budget::new(10);
        let (mut one, mut other) = (budget.share(), budget.share());
        assert!(one.grow(4) && other.grow(5) && one.grow(1));
        assert!(!other.grow(1) && !one.grow(100));
        assert_eq!(budget.held(), 10);
        drop(one);
        assert!(other.grow(5) && !other.grow(1));
        drop(other);
        assert_eq!(budget.held(), 0);
    }
}
