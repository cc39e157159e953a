//! The order: who claimed which seats, until when, and how it ended.

use time::OffsetDateTime;
use uuid::Uuid;

use super::SeatRef;

/// The status of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// Holds its seats until the deadline.
    PendingPayment,
    /// Owns its seats.
    Paid,
    /// The deadline passed without payment; its seats are on sale again.
    Expired,
    /// The customer cancelled it.
    Cancelled,
    /// A payment arrived that could not buy the seats; it is owed back.
    RefundDue,
    /// The money was paid back.
    Refunded,
}

impl OrderStatus {
    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PendingPayment => "pending_payment",
            Self::Paid => "paid",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::RefundDue => "refund_due",
            Self::Refunded => "refunded",
        }
    }

    /// The status with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::PendingPayment, Self::Paid, Self::Expired, Self::Cancelled, Self::RefundDue, Self::Refunded]
            .into_iter()
            .find(|status| status.as_str() == name)
    }
}

/// One order, as the database returns it.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The event whose seats it claims.
    pub event_id: i64,
    /// UUIDv7.
    pub order_id: Uuid,
    /// The buyer.
    pub customer_id: String,
    /// Its status.
    pub status: OrderStatus,
    /// Its seats, in the order in which they were requested.
    pub seats: Vec<SeatRef>,
    /// Sum of the seats' prices in minor units of the event's currency.
    pub amount_minor: i64,
    /// When the claim succeeded, by the database's clock.
    pub created_at: OffsetDateTime,
    /// The deadline for the payment.
    pub expires_at: OffsetDateTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_found_by_its_name() {
        use OrderStatus::{Cancelled, Expired, Paid, PendingPayment, RefundDue, Refunded};
        for status in [PendingPayment, Paid, Expired, Cancelled, RefundDue, Refunded] {
            assert_eq!(OrderStatus::from_name(status.as_str()), Some(status));
        }
        assert_eq!(OrderStatus::from_name("Paid"), None);
    }
}
