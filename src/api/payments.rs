//! Payments: the gateway's signed notices.

use poem_openapi::param::Header;
use poem_openapi::{Enum, Object, OpenApi};
use serde::Serialize;

use crate::api::Tag;
use crate::app::SharedApp;
use crate::domain::{PaymentNotice, PaymentOutcome, RecordedOutcome, Settlement};
use crate::http::body::input;
use crate::http::credentials::SignedJson;
use crate::http::deferred::Deferred;
use crate::http::refusals::{BODY, Refusal, refusals};
use crate::http::replies::{OkJson, answer};
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::types::{CurrencyCode, EventId, OrderId, Provider, ProviderReference, example};

/// The operation of the payment gateway.
pub(crate) struct PaymentsApi {
    pub app: SharedApp,
}

refusals! {
    NotifyPayment = BODY, &[
        Code::InvalidSignature, Code::EventNotFound, Code::PaymentConflict, Code::Overloaded, Code::OutcomeUnknown,
    ];
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Payments")]
impl PaymentsApi {
    /// Notify of a payment
    ///
    /// Reports what became of a payment. Every payment gets a recorded outcome, even for an unknown order, a wrong amount or a wrong
    /// currency: such a payment is `refund_due`. The same notice may be sent any number of times; it is settled once. A payment that
    /// succeeded and is then reported as `failed` was reversed: by a charge-back, for example.
    #[oai(path = "/payments", method = "post", operation_id = "notifyPayment")]
    async fn notify_payment(
        &self,
        notice: SignedJson<PaymentIn>,
        /// Id of the message, 1 to 200 characters; the same when the message is sent again.
        #[oai(name = "webhook-id")]
        webhook_id: Header<String>,
        /// When the message was sent, in seconds since 1970; within 5 minutes of the server's clock.
        #[oai(name = "webhook-timestamp")]
        _webhook_timestamp: Header<String>,
        /// `v1,` and the signature, as described under the security scheme `GatewaySignature`.
        #[oai(name = "webhook-signature")]
        _webhook_signature: Header<String>,
    ) -> Result<Deferred<OkJson<PaymentResult>>, Refusal<NotifyPayment>> {
        let notice = notice.0.in_message(webhook_id.0);
        Ok(Deferred::new(settled(SharedApp::clone(&self.app), notice)))
    }
}

async fn settled(app: SharedApp, notice: PaymentNotice) -> Result<OkJson<PaymentResult>, Problem> {
    let order_id = notice.order_id;
    let settlement = app.lanes.settle(notice).await.map_err(|error| {
        let problem = Problem::from(error);
        if problem.code() == Code::OutcomeUnknown { problem.with_order(order_id) } else { problem }
    })?;
    match settlement {
        Settlement::Settled { outcome, recorded } => Ok(OkJson(PaymentResult { outcome, recorded_outcome: recorded })),
        Settlement::PaymentConflict => Err(Problem::plain(Code::PaymentConflict)),
        Settlement::EventNotFound => Err(Problem::plain(Code::EventNotFound)),
    }
}

/// The gateway's notice of a payment. `provider` and `provider_reference` together identify the money.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "PaymentNotice", deny_unknown_fields, example)]
pub(crate) struct PaymentIn {
    /// The event it pays for.
    pub event_id: EventId,
    /// The order it pays for.
    pub order_id: OrderId,
    /// The gateway's name.
    pub provider: Provider,
    /// The gateway's id of the payment.
    pub provider_reference: ProviderReference,
    /// What was paid, in minor units of the currency.
    #[oai(validator(minimum(value = "0"), maximum(value = "9007199254740991")))]
    pub amount_minor: i64,
    /// ISO 4217 code of the payment's currency. Any three capital letters are accepted: a payment in another currency than the event's is
    /// `refund_due`, never refused.
    pub currency: CurrencyCode,
    /// Whether the payment succeeded.
    pub status: PaymentStatus,
}
input!(PaymentIn);

/// Whether a payment succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaymentStatus {
    /// The payment succeeded.
    Succeeded,
    /// The payment failed: no money moved, or it was taken back after the payment had succeeded.
    Failed,
}

/// What became of a payment notice.
#[derive(Debug, Object, Serialize)]
#[oai(example, skip_serializing_if_is_none)]
pub(crate) struct PaymentResult {
    /// `paid`: the order is paid and its seats are sold. `duplicate`: this notice was settled before. `late_reclaimed`: the order had lost
    /// its seats, but they were still on sale and are now sold to it. `refund_due`: the money could not buy the seats and is owed back.
    /// `failed_recorded`: the payment failed, which was recorded. `reversal_recorded`: the payment had succeeded and was reversed, which
    /// was recorded; the order does not change.
    pub outcome: PaymentOutcome,
    /// Only with `duplicate`: the outcome when the notice was first settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded_outcome: Option<RecordedOutcome>,
}

answer!(PaymentResult = "The notice is settled.");

impl PaymentIn {
    fn in_message(self, message_id: String) -> PaymentNotice {
        PaymentNotice {
            event_id: self.event_id.0,
            order_id: self.order_id.0,
            provider: self.provider.0,
            provider_reference: self.provider_reference.0,
            amount_minor: self.amount_minor,
            currency: self.currency.0,
            succeeded: self.status == PaymentStatus::Succeeded,
            message_id,
        }
    }
}

example!(PaymentIn {
    event_id: EventId(7),
    order_id: OrderId::example(),
    provider: "acmepay".into(),
    provider_reference: "pay_8c1f20".into(),
    amount_minor: 560_000,
    currency: CurrencyCode("TWD".into()),
    status: PaymentStatus::Succeeded,
});

example!(PaymentResult { outcome: PaymentOutcome::Paid, recorded_outcome: None });
