//! A limit on how much of something may be held at the same time, by all clients and by each of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::client_address::ClientAddress;

/// So much may be held in all, and so much by one client.
pub(crate) struct Budget {
    max: usize,
    client_max: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    by_all: usize,
    by_client: HashMap<ClientAddress, usize>,
}

/// A part of a budget, given back when it is dropped.
pub(crate) struct Share {
    of: Arc<Budget>,
    holder: ClientAddress,
    size: usize,
}

/// Why a share cannot grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// All clients together hold too much.
    ByAll,
    /// This client holds too much.
    ByClient,
}

impl Budget {
    pub(crate) fn new(max: usize, client_max: usize) -> Arc<Self> {
        Arc::new(Self { max, client_max, held: Mutex::default() })
    }

    /// How much is held.
    pub(crate) fn held(&self) -> usize {
        self.locked().by_all
    }

    /// Nothing of it yet.
    pub(crate) fn share(self: &Arc<Self>, holder: ClientAddress) -> Share {
        Share { of: Arc::clone(self), holder, size: 0 }
    }

    fn locked(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Holds so much more.
    ///
    /// # Errors
    /// When that is not left; then nothing more is held.
    pub(crate) fn grow(&mut self, more: usize) -> Result<(), Exceeded> {
        let mut held = self.of.locked();
        let by_client = held.by_client.get(&self.holder).copied().unwrap_or_default().saturating_add(more);
        let by_all = held.by_all.saturating_add(more);
        if by_client > self.of.client_max {
            return Err(Exceeded::ByClient);
        }
        if by_all > self.of.max {
            return Err(Exceeded::ByAll);
        }
        held.by_client.insert(self.holder, by_client);
        held.by_all = by_all;
        self.size += more;
        Ok(())
    }

    /// Appends a piece to what was gathered, and counts all the memory reserved for it. The capacity doubles, up to `bytes_max`, so that
    /// the bytes are seldom moved.
    ///
    /// # Errors
    /// When so much is not left; then nothing is appended.
    pub(crate) fn gather(&mut self, gathered: &mut Vec<u8>, piece: &[u8], bytes_max: usize) -> Result<(), Exceeded> {
        let (needed, had) = (gathered.len() + piece.len(), gathered.capacity());
        if needed > had {
            let capacity = needed.max(bytes_max.min(2 * had));
            // If so much is not left, what is needed may be.
            let capacity = if self.grow(capacity - had).is_ok() { capacity } else { self.grow(needed - had).map(|()| needed)? };
            gathered.reserve_exact(capacity - gathered.len());
        }
        gathered.extend_from_slice(piece);
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // Most bodies come in one piece, and hold nothing.
        if self.size == 0 {
            return;
        }
        let mut held = self.of.locked();
        held.by_all -= self.size;
        if let Some(by_client) = held.by_client.get_mut(&self.holder) {
            *by_client -= self.size;
            if *by_client == 0 {
                held.by_client.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn client(last: u8) -> ClientAddress {
        ClientAddress::V4([192, 0, 2, last].into())
    }

    #[test]
    fn nobody_holds_more_than_there_is_and_what_is_given_back_can_be_held_again() {
        let budget = Budget::new(10, 10);
        let (mut one, mut other) = (budget.share(client(1)), budget.share(client(1)));
        assert_eq!([one.grow(4), other.grow(5), one.grow(1)], [Ok(()); 3]);
        let mut third = budget.share(client(2));
        assert_eq!([third.grow(1), third.grow(10)], [Err(Exceeded::ByAll); 2]);
        assert_eq!(third.grow(usize::MAX), Err(Exceeded::ByClient));
        assert_eq!(budget.held(), 10);
        drop(one);
        assert_eq!((other.grow(5), other.grow(1)), (Ok(()), Err(Exceeded::ByClient)));
        drop((other, third));
        assert_eq!(budget.held(), 0);
        assert!(budget.locked().by_client.is_empty());
    }

    #[test]
    fn what_is_gathered_counts_as_the_memory_it_takes() {
        let budget = Budget::new(200, 200);
        let (mut share, mut gathered) = (budget.share(client(1)), Vec::new());
        for (piece, capacity) in [(60, 60), (1, 120), (59, 120), (1, 180), (59, 180), (1, 181)] {
            assert_eq!(share.gather(&mut gathered, &vec![b' '; piece], 180), Ok(()));
            assert_eq!((gathered.capacity(), budget.held()), (capacity, capacity), "{piece} more");
        }
        assert_eq!(share.gather(&mut gathered, &[b' '; 20], 1000), Err(Exceeded::ByClient));
        assert_eq!((gathered.len(), gathered.capacity(), budget.held()), (181, 181, 181));
    }

    #[test]
    fn one_client_leaves_the_others_their_part() {
        let budget = Budget::new(10, 6);
        let (mut greedy, mut again, mut other) = (budget.share(client(1)), budget.share(client(1)), budget.share(client(2)));
        assert_eq!((greedy.grow(5), again.grow(2), again.grow(1)), (Ok(()), Err(Exceeded::ByClient), Ok(())));
        assert_eq!((other.grow(4), other.grow(1)), (Ok(()), Err(Exceeded::ByAll)));
    }
}
