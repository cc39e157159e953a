//! What became of every order.

use serde::Serialize;

use rowlock::domain::OrderStatus;

/// How many orders are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fates {
    /// All of them.
    pub orders: usize,
    /// Own their seats.
    pub paid: usize,
    /// Were not paid in time; their seats went back on sale.
    pub expired: usize,
    /// Were given up by their customer.
    pub cancelled: usize,
    /// Were paid too late, when their seats were another's: the money is owed back.
    pub refund_due: usize,
    /// The same, and the money went back.
    pub refunded: usize,
    /// Hold their seats until their deadline.
    pub pending: usize,
}

impl Fates {
    /// Counts `orders` more in the state of that name.
    ///
    /// # Errors
    /// When there is no such state.
    pub fn add(&mut self, status: &str, orders: usize) -> anyhow::Result<()> {
        let status = OrderStatus::from_name(status).ok_or_else(|| anyhow::anyhow!("orders have no status {status:?}"))?;
        *match status {
            OrderStatus::PendingPayment => &mut self.pending,
            OrderStatus::Paid => &mut self.paid,
            OrderStatus::Expired => &mut self.expired,
            OrderStatus::Cancelled => &mut self.cancelled,
            OrderStatus::RefundDue => &mut self.refund_due,
            OrderStatus::Refunded => &mut self.refunded,
        } += orders;
        self.orders += orders;
        Ok(())
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
        let mut fates = Fates::default();
        for (index, status) in ["pending_payment", "paid", "expired", "cancelled", "refund_due", "refunded"].iter().enumerate() {
            fates.add(status, 10_usize.pow(index as u32)).expect("a state");
        }
        assert_eq!(fates.orders, 111_111);
        assert_eq!(fates.words().iter().map(|(_, orders)| orders).sum::<usize>(), fates.orders);
        assert_eq!((fates.pending, fates.paid, fates.refunded), (1, 10, 100_000));
        assert!(fates.add("sold", 1).is_err());
    }
}
