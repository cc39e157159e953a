//! The two kinds of work a lane does: claims and payments.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::heartbeat::STALLED_AFTER;
use crate::db::batches::{Answers, LaneClient};
use crate::domain::{ClaimOutcome, ClaimRequest, OrderStatus, PaymentNotice, PaymentOutcome, Settlement, Wanted};
use crate::log_limit::LogLimit;
use crate::metrics::Metrics;
use crate::redis::{Deadline, ExpiryQueue};

/// What a lane gathers, calls and answers.
pub(super) trait Work: Send + Sync + 'static {
    type Request: Send + Sync + 'static;
    type Answer: Send + 'static;

    /// Whether a request is dropped if its caller goes away before the call: a claim is, since nobody would pay for it.
    const NEEDS_CALLER: bool;
    /// How long a caller waits before they are told that the lane is stalled, if it is.
    const WAIT_MAX: Duration;

    fn event_id(request: &Self::Request) -> i64;

    /// Whose request it is, if customers take turns in the lane.
    fn customer(request: &Self::Request) -> Option<&str>;

    /// Requests of different kinds do not share a call.
    fn kind(request: &Self::Request) -> u8;

    /// Makes one call, which commits. `None`: ask again shortly.
    fn call(client: &LaneClient, event_id: i64, requests: &[&Self::Request]) -> impl Future<Output = Answers<Self::Answer>> + Send;

    /// What a lost call is known to have done. `None`: nothing, so the request can be sent again.
    fn recall(client: &LaneClient, event_id: i64, requests: &[&Self::Request]) -> impl Future<Output = Answers<Self::Answer>> + Send;

    /// Called with the answers of a call after its commit; must not wait.
    fn committed<'a>(&self, answered: impl Iterator<Item = (&'a Self::Request, &'a Self::Answer)>);

    /// Called with the size of each batch.
    fn batched(&self, size: usize);

    /// Called when a worker has panicked.
    fn panicked(&self);
}

pub(super) struct Claims {
    queue: ExpiryQueue,
    metrics: Arc<Metrics>,
}

impl Claims {
    pub(super) fn new(queue: ExpiryQueue, metrics: Arc<Metrics>) -> Self {
        Self { queue, metrics }
    }
}

impl Work for Claims {
    type Request = ClaimRequest;
    type Answer = ClaimOutcome;

    const NEEDS_CALLER: bool = true;
    const WAIT_MAX: Duration = STALLED_AFTER;

    fn event_id(request: &ClaimRequest) -> i64 {
        request.event_id
    }

    fn customer(request: &ClaimRequest) -> Option<&str> {
        Some(&request.customer_id)
    }

    fn kind(request: &ClaimRequest) -> u8 {
        u8::from(matches!(request.wanted, Wanted::BestAvailable { .. }))
    }

    async fn call(client: &LaneClient, event_id: i64, requests: &[&ClaimRequest]) -> Answers<ClaimOutcome> {
        match requests[0].wanted {
            Wanted::Seats(_) => client.claim_seats(event_id, requests).await,
            Wanted::BestAvailable { .. } => client.claim_best_available(event_id, requests).await,
        }
    }

    fn recall(client: &LaneClient, event_id: i64, requests: &[&ClaimRequest]) -> impl Future<Output = Answers<ClaimOutcome>> + Send {
        client.claimed_orders(event_id, requests)
    }

    /// Orders that were claimed together have the same deadline and become one entry in the expiry queue. If that entry names the wrong
    /// order (in a recalled batch whose first request was abandoned), the sweep finds the orders.
    fn committed<'a>(&self, answered: impl Iterator<Item = (&'a ClaimRequest, &'a ClaimOutcome)>) {
        for (due_ms, deadline) in deadlines(answered.map(|(_, answer)| answer)) {
            self.queue.push(deadline, due_ms);
        }
    }

    fn batched(&self, size: usize) {
        self.metrics.claims_batched(size);
    }

    fn panicked(&self) {
        self.metrics.panicked();
    }
}

pub(super) struct Payments {
    metrics: Arc<Metrics>,
    refused: LogLimit,
    reversed: LogLimit,
}

impl Payments {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, refused: LogLimit::default(), reversed: LogLimit::default() }
    }
}

impl Work for Payments {
    type Request = PaymentNotice;
    type Answer = Settlement;

    /// A notice counts even if the gateway has gone.
    const NEEDS_CALLER: bool = false;
    /// Longer than PostgreSQL may take for a call: a gateway has more time than a buyer, and asks again whatever it is not told.
    const WAIT_MAX: Duration = Duration::from_secs(8);

    fn event_id(notice: &PaymentNotice) -> i64 {
        notice.event_id
    }

    /// All notices are the gateway's.
    fn customer(_: &PaymentNotice) -> Option<&str> {
        None
    }

    fn kind(_: &PaymentNotice) -> u8 {
        0
    }

    fn call(client: &LaneClient, event_id: i64, notices: &[&PaymentNotice]) -> impl Future<Output = Answers<Settlement>> + Send {
        client.settle_payments(event_id, notices)
    }

    /// A payment's identity makes repeating the call safe: what was settled answers `duplicate`.
    async fn recall(_: &LaneClient, _: i64, notices: &[&PaymentNotice]) -> Answers<Settlement> {
        Ok(vec![None; notices.len()])
    }

    /// Logs what a person must look into: money that no row records, conflicts, and reversals. A gateway repeats what is refused, and must
    /// not fill the log.
    fn committed<'a>(&self, answered: impl Iterator<Item = (&'a PaymentNotice, &'a Settlement)>) {
        for (notice, answer) in answered {
            match answer {
                Settlement::EventNotFound if !notice.succeeded => {}
                Settlement::PaymentConflict | Settlement::EventNotFound if self.refused.admits(more_refused) => {
                    tracing::error!(?notice, outcome = answer.as_str(), "a payment notice was refused");
                }
                Settlement::Settled { outcome: PaymentOutcome::ReversalRecorded, .. } if self.reversed.admits(more_reversed) => {
                    tracing::warn!(?notice, "a payment was reversed: decide what becomes of its order (admin.reversals)");
                }
                _ => {}
            }
        }
    }

    fn batched(&self, size: usize) {
        self.metrics.payments_batched(size);
    }

    fn panicked(&self) {
        self.metrics.panicked();
    }
}

fn more_refused(left_out: u64) {
    tracing::error!(left_out, "more payment notices were refused than were logged");
}

fn more_reversed(left_out: u64) {
    tracing::warn!(left_out, "more payments were reversed than were logged");
}

/// The deadlines of the orders that were claimed, by their time in Unix milliseconds. An order that costs nothing has none.
fn deadlines<'a>(answers: impl Iterator<Item = &'a ClaimOutcome>) -> BTreeMap<i64, Deadline> {
    let mut deadlines: BTreeMap<i64, Deadline> = BTreeMap::new();
    for answer in answers {
        if let ClaimOutcome::Claimed(order) = answer
            && order.status == OrderStatus::PendingPayment
        {
            let new = Deadline { event_id: order.event_id, first_order_id: order.order_id, orders: 0 };
            let deadline = deadlines.entry(unix_ms(order.expires_at)).or_insert(new);
            deadline.first_order_id = deadline.first_order_id.min(order.order_id);
            deadline.orders += 1;
        }
    }
    deadlines
}

fn unix_ms(at: time::OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::Order;

    #[test]
    fn orders_claimed_together_have_one_deadline_named_by_the_first_of_them() {
        let order = |id, due_ms| Order {
            event_id: 7,
            order_id: Uuid::from_u128(id),
            customer_id: "c".into(),
            status: OrderStatus::PendingPayment,
            seats: Vec::new(),
            amount_minor: 0,
            created_at: OffsetDateTime::UNIX_EPOCH,
            expires_at: OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(due_ms),
        };
        let answers = [
            ClaimOutcome::Claimed(order(9, 1_500)),
            ClaimOutcome::SoldOut,
            ClaimOutcome::Claimed(order(3, 1_500)),
            ClaimOutcome::Claimed(order(5, 1_501)),
            ClaimOutcome::Replayed(order(1, 1_500)),
            ClaimOutcome::Claimed(Order { status: OrderStatus::Paid, ..order(2, 1_500) }),
            ClaimOutcome::Claimed(order(4, 1_500)),
        ];
        let deadline = |id, orders| Deadline { event_id: 7, first_order_id: Uuid::from_u128(id), orders };
        assert_eq!(deadlines(answers.iter()), BTreeMap::from([(1_500, deadline(3, 3)), (1_501, deadline(5, 1))]));
    }
}
