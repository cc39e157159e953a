//! How a buyer claims and pays, and how it records what it was promised.

use std::time::Instant;

use anyhow::{bail, ensure};
use hyper::StatusCode;
use rowlock::domain::OrderStatus;

use super::{Attempt, Buyer, Purchase};
use crate::{
    client::Answer,
    rush::{
        bodies::{OrderBody, PaymentBody},
        sale::Sale,
        tally::Step,
    },
};

impl Buyer {
    /// Claims these seats of the section at that position, or any seats together there.
    pub(super) async fn claim(&mut self, sale: &Sale, section: usize, wanted: Option<&[i32]>) -> anyhow::Result<Attempt> {
        self.claims += 1;
        let key = self.claims.to_string();
        let call = match wanted {
            Some(seat_nos) => sale.claim_seats(section, seat_nos, &self.authorization, &key)?,
            None => sale.claim_best(section, self.intent.quantity, &self.authorization, &key)?,
        };
        let answer = self.ask(sale, Step::Claim, &call).await;
        if answer.status == StatusCode::CONFLICT {
            let problem = self.problem(&answer);
            sale.counters.refused();
            return match problem.code.as_str() {
                "seat_taken" => Ok(Attempt::Taken(problem.taken.iter().map(|seat| seat.seat).collect())),
                "sold_out" => Ok(Attempt::TooFew(section)),
                code => bail!("claim: 409 {code}"),
            };
        }
        self.claimed(sale, section, wanted, &answer)
    }

    /// Records what a successful claim promises.
    fn claimed(&mut self, sale: &Sale, section: usize, wanted: Option<&[i32]>, answer: &Answer) -> anyhow::Result<Attempt> {
        self.expect_ok(Step::Claim, answer)?;
        let order: OrderBody = serde_json::from_slice(&answer.body)?;
        let code = &sale.concert.sections[section].section;
        let quantity_kept = order.seats.len() == self.intent.quantity && order.seats.iter().all(|seat| seat.section == *code);
        let seats_kept = wanted.is_none_or(|wanted| order.seats.iter().map(|seat| seat.seat).eq(wanted.iter().copied()));
        ensure!(quantity_kept && seats_kept, "order {} holds different seats than were claimed", order.order_id);
        let claimed_at = Instant::now();
        let is_free = order.status == OrderStatus::Paid;
        self.purchases.push(Purchase {
            order_id: order.order_id,
            seats: order.seats.clone(),
            claimed_at,
            paid_at: is_free.then_some(claimed_at),
            refund_due: false,
        });
        sale.counters.claimed(section, &order.seats);
        Ok(match order.status {
            OrderStatus::PendingPayment => Attempt::Claimed(section, order),
            OrderStatus::Paid => {
                sale.counters.sold(section, order.seats.len());
                Attempt::Paid
            }
            // Claimed by a request whose answer was lost, so long ago that the order has ended.
            OrderStatus::Expired | OrderStatus::Cancelled | OrderStatus::RefundDue | OrderStatus::Refunded => Attempt::Taken(Vec::new()),
        })
    }

    /// Sends the gateway's notice of the payment; false if it came too late for the seats.
    pub(super) async fn pay(&mut self, sale: &Sale, section: usize, order: &OrderBody) -> anyhow::Result<bool> {
        let call = sale.pay(order)?;
        let answer = self.ask_ok(sale, Step::Pay, &call).await?;
        let payment: PaymentBody = serde_json::from_slice(&answer.body)?;
        let paid = match payment.outcome.as_str() {
            "paid" | "late_reclaimed" => true,
            "refund_due" => false,
            // The answer to the first notice was lost: the order shows its outcome.
            "duplicate" => self.read_order(sale, order.order_id).await?.status == OrderStatus::Paid,
            outcome => bail!("payment of order {}: {outcome}", order.order_id),
        };
        if let Some(purchase) = self.purchases.last_mut() {
            (purchase.paid_at, purchase.refund_due) = (paid.then(Instant::now), !paid);
        }
        if paid {
            sale.counters.sold(section, order.seats.len());
        } else {
            sale.counters.lost(order.seats.len());
        }
        Ok(paid)
    }
}
