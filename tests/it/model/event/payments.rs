//! What the model answers a payment notice.

use super::{LIMIT, ModelEvent, Order};
use crate::stored::Notice;

/// A payment, as the last notice that counted reported it.
pub(super) struct Payment {
    notice: Notice,
    outcome: &'static str,
    is_reversed: bool,
    /// The messages that reported its failure before it succeeded.
    failures: Vec<String>,
}

impl ModelEvent {
    pub(super) fn settle(&mut self, notice: &Notice) -> &'static str {
        let Some(index) = self.payments.iter().position(|payment| payment.notice.reference == notice.reference) else {
            let outcome = if notice.succeeded { self.spend(notice) } else { "failed_recorded" };
            let failures = if notice.succeeded { vec![] } else { vec![notice.message_id.clone()] };
            self.payments.push(Payment { notice: notice.clone(), outcome, is_reversed: false, failures });
            return outcome;
        };
        let payment = &mut self.payments[index];
        if payment.notice.order_id != notice.order_id {
            return "payment_conflict";
        }
        if !notice.succeeded && payment.failures.contains(&notice.message_id) {
            return "duplicate";
        }
        // A failure may be followed by new money under the same reference, of any amount.
        if notice.succeeded && !payment.notice.succeeded {
            let outcome = self.spend(notice);
            (self.payments[index].notice, self.payments[index].outcome) = (notice.clone(), outcome);
            return outcome;
        }
        if (payment.notice.amount_minor, &payment.notice.currency) != (notice.amount_minor, &notice.currency) {
            return "payment_conflict";
        }
        match (payment.notice.succeeded, notice.succeeded) {
            (true, false) if !payment.is_reversed => {
                payment.is_reversed = true;
                return "reversal_recorded";
            }
            (false, false) => payment.failures.push(notice.message_id.clone()),
            _ => {}
        }
        "duplicate"
    }

    fn spend(&mut self, notice: &Notice) -> &'static str {
        let Some(index) = self.position(notice.order_id) else { return "refund_due" };
        let Order { ask, placed, .. } = &self.orders[index];
        let is_right = placed.amount_minor == notice.amount_minor && notice.currency == "TWD";
        let seats = placed.seats.clone();
        match placed.status.as_str() {
            "pending_payment" if is_right => {
                self.end(index, "paid", 's');
                "paid"
            }
            "paid" if placed.amount_minor == 0 && notice.amount_minor == 0 => "paid",
            "expired" | "cancelled" => {
                let may_claim = self.is_open && !self.is_over && self.live_seats(&ask.customer_id) + seats.len() <= LIMIT;
                if is_right && may_claim && seats.iter().all(|seat| self.status(*seat) == Some('a')) {
                    self.end(index, "paid", 's');
                    return "late_reclaimed";
                }
                self.orders[index].placed.status = "refund_due".to_owned();
                "refund_due"
            }
            _ => "refund_due",
        }
    }
}
