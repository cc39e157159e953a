//! The payment: one notice from a payment gateway.

use uuid::Uuid;

/// A gateway's notice of a payment. Provider and reference together identify the money.
#[derive(Clone, Debug)]
pub struct PaymentNotice {
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
}

/// What became of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentOutcome {
    /// The order is paid and its seats are sold.
    Paid,
    /// This notice was settled before; nothing changed.
    Duplicate,
    /// The order had lost its seats, but they were still free and are now sold to it.
    LateReclaimed,
    /// The money could not buy the seats and is owed back.
    RefundDue,
    /// The payment failed, which was recorded.
    FailedRecorded,
    /// The reference belongs to another payment; nothing changed.
    PaymentConflict,
    /// There is no such event; nothing was recorded.
    EventNotFound,
}

/// The answer to a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What became of it.
    pub outcome: PaymentOutcome,
    /// Of a duplicate: what became of the payment when it was first settled, in case that answer was lost.
    pub recorded: Option<PaymentOutcome>,
}

impl PaymentOutcome {
    const ALL: [Self; 7] = [
        Self::Paid,
        Self::Duplicate,
        Self::LateReclaimed,
        Self::RefundDue,
        Self::FailedRecorded,
        Self::PaymentConflict,
        Self::EventNotFound,
    ];

    /// Its name in the API and the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Duplicate => "duplicate",
            Self::LateReclaimed => "late_reclaimed",
            Self::RefundDue => "refund_due",
            Self::FailedRecorded => "failed_recorded",
            Self::PaymentConflict => "payment_conflict",
            Self::EventNotFound => "event_not_found",
        }
    }

    /// The outcome with that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}
