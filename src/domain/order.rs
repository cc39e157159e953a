//! The order: who claimed which seats, until when, and how it ended.

use time::OffsetDateTime;
use uuid::Uuid;

use super::SeatRef;
use super::named::named;

named! {
    /// Status of an order: `pending_payment` becomes `paid`, `expired` or `cancelled`; a payment that comes later and cannot buy the seats
    /// makes it `refund_due`, then `refunded`.
    pub enum OrderStatus {
        /// Holds its seats until the deadline.
        PendingPayment = "pending_payment",
        /// Owns its seats.
        Paid = "paid",
        /// The deadline passed without payment; its seats are on sale again.
        Expired = "expired",
        /// The customer cancelled it.
        Cancelled = "cancelled",
        /// A payment arrived too late and could not buy the seats; it is owed back.
        RefundDue = "refund_due",
        /// The money was paid back, or the payment was reversed.
        Refunded = "refunded",
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
