//! The payment: one notice from a payment gateway.

use uuid::Uuid;

use super::named::named;

/// A gateway's notice of a payment. Provider and reference together identify the money.
#[derive(Clone, Debug)]
pub(crate) struct PaymentNotice {
    /// The event it pays for.
    pub event_id: i64,
    /// The order it pays for.
    pub order_id: Uuid,
    /// The gateway's name.
    pub provider: String,
    /// The gateway's id of the payment.
    pub provider_reference: String,
    /// What was paid, in minor units.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Whether the payment succeeded.
    pub succeeded: bool,
    /// The gateway's id of the message, the same when the message is sent again.
    pub message_id: String,
}

named! {
    /// What became of a payment notice.
    pub(crate) enum PaymentOutcome {
        /// The order is paid and its seats are sold.
        Paid = "paid",
        /// This notice was settled before; nothing changed.
        Duplicate = "duplicate",
        /// The order had lost its seats, but they were still on sale and are now sold to it.
        LateReclaimed = "late_reclaimed",
        /// The money could not buy the seats and is owed back.
        RefundDue = "refund_due",
        /// The payment failed, which was recorded.
        FailedRecorded = "failed_recorded",
        /// The payment had succeeded and was reversed, which was recorded.
        ReversalRecorded = "reversal_recorded",
    }
}

named! {
    /// The recorded outcome of a notice.
    #[oai(rename = "RecordedPaymentOutcome")]
    pub(crate) enum RecordedOutcome {
        /// The order was paid and its seats were sold.
        Paid = "paid",
        /// The order got its seats back and was paid.
        LateReclaimed = "late_reclaimed",
        /// The money is owed back.
        RefundDue = "refund_due",
        /// The payment failed.
        FailedRecorded = "failed_recorded",
        /// The payment was reversed.
        ReversalRecorded = "reversal_recorded",
    }
}

/// The answer to a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// The payment is recorded.
    Settled {
        /// What became of the notice.
        outcome: PaymentOutcome,
        /// Of a duplicate: its outcome when it was first settled, in case that answer was lost.
        recorded: Option<RecordedOutcome>,
    },
    /// The reference belongs to another payment; nothing changed.
    PaymentConflict,
    /// There is no such event; nothing was recorded.
    EventNotFound,
}

impl Settlement {
    /// Its name in the database and the metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Settled { outcome, .. } => outcome.as_str(),
            Self::PaymentConflict => "payment_conflict",
            Self::EventNotFound => "event_not_found",
        }
    }
}
