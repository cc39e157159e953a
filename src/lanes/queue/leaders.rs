//! Whose requests led the last calls of a lane.

use std::collections::VecDeque;

/// Whoever is not among the leaders of so many calls goes before those who are. So of somebody who claims for any number of events, at most
/// one call goes before the others who wait; and as these become leaders, too, at least every seventeenth call is the turn of the request
/// that has waited longest.
pub(super) const LEADERS_MAX: usize = 16;

/// The customers whose requests led the last calls, the latest at the end.
pub(super) struct Leaders(VecDeque<String>);

impl Leaders {
    pub(super) fn new() -> Self {
        Self(VecDeque::with_capacity(LEADERS_MAX + 1))
    }

    /// Whether the customer led one of these calls; a request without a customer never did.
    pub(super) fn include(&self, customer: Option<&str>) -> bool {
        customer.is_some_and(|customer| self.0.iter().any(|leader| leader == customer))
    }

    /// A request of this customer leads the next call.
    pub(super) fn add(&mut self, customer: Option<&str>) {
        let Some(customer) = customer else { return };
        self.0.push_back(customer.to_owned());
        if self.0.len() > LEADERS_MAX {
            self.0.pop_front();
        }
    }
}
