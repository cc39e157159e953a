//! What became of every order.

use rowlock::domain::OrderStatus;
use serde::Serialize;

/// How many orders are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OrderCounts {
    /// All of them.
    pub orders: usize,
    /// Own their seats.
    pub paid: usize,
    /// Were not paid in time; their seats went back on sale.
    pub expired: usize,
    /// Were cancelled by their customer.
    pub cancelled: usize,
    /// Were paid too late, when another customer had their seats: a refund is due.
    pub refund_due: usize,
    /// Were paid too late and refunded.
    pub refunded: usize,
    /// Hold their seats until their deadline.
    pub pending: usize,
}

impl OrderCounts {
    /// Counts `orders` more in that state.
    pub fn add(&mut self, status: OrderStatus, orders: usize) {
        *match status {
            OrderStatus::PendingPayment => &mut self.pending,
            OrderStatus::Paid => &mut self.paid,
            OrderStatus::Expired => &mut self.expired,
            OrderStatus::Cancelled => &mut self.cancelled,
            OrderStatus::RefundDue => &mut self.refund_due,
            OrderStatus::Refunded => &mut self.refunded,
        } += orders;
        self.orders += orders;
    }

    /// Every state with a word for it, in the order of an order's life.
    pub fn words(&self) -> [(&'static str, usize); 6] {
        [
            ("paid", self.paid),
            ("expired", self.expired),
            ("cancelled", self.cancelled),
            ("refund due", self.refund_due),
            ("refunded", self.refunded),
            ("still pending", self.pending),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_counted_once_and_they_add_up() {
        let mut counts = OrderCounts::default();
        let statuses = ["pending_payment", "paid", "expired", "cancelled", "refund_due", "refunded"];
        for (index, status) in statuses.map(OrderStatus::from_name).into_iter().enumerate() {
            counts.add(status.expect("a status"), 10_usize.pow(index as u32));
        }
        assert_eq!(counts.orders, 111_111);
        assert_eq!(counts.words().iter().map(|(_, orders)| orders).sum::<usize>(), counts.orders);
        assert_eq!((counts.pending, counts.paid, counts.refunded), (1, 10, 100_000));
    }
}
