//! Whose requests led the last calls of a lane.

use std::collections::VecDeque;

/// A customer who led one of this many last calls lets customers who did not go first. So of all the claims of one customer for many
/// events, at most one call goes before the others who wait; and since those become leaders, too, the request that has waited longest leads
/// at least every seventeenth call.
pub(super) const LEADERS_MAX: usize = 16;

/// The customers whose requests led the last calls, by their hashes, the latest at the end.
pub(super) struct Leaders(VecDeque<u64>);

impl Leaders {
    pub(super) fn new() -> Self {
        Self(VecDeque::with_capacity(LEADERS_MAX + 1))
    }

    /// Whether the customer led one of these calls; a request without a customer never did.
    pub(super) fn include(&self, customer: Option<u64>) -> bool {
        customer.is_some_and(|customer| self.0.contains(&customer))
    }

    /// A request of this customer leads the next call.
    pub(super) fn add(&mut self, customer: Option<u64>) {
        let Some(customer) = customer else { return };
        self.0.push_back(customer);
        if self.0.len() > LEADERS_MAX {
            self.0.pop_front();
        }
    }
}
