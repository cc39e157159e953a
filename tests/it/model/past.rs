//! What has happened so far, for random steps that refer to it.

use uuid::Uuid;

use super::steps::{Action, Money, Outcome, Step, Wish};
use crate::stored::{Ask, Notice, Placed};

/// What has happened so far, for steps that refer to it.
#[derive(Default)]
pub struct Past {
    asks: Vec<Ask>,
    orders: Vec<(Placed, String)>,
    notices: Vec<Notice>,
}

impl Past {
    /// Makes an action concrete.
    pub fn step(&mut self, action: &Action) -> Step {
        match action.clone() {
            Action::Claim(wishes) => {
                let asks: Vec<Ask> = wishes.into_iter().map(Wish::ask).collect();
                self.asks.extend_from_slice(&asks);
                Step::Claim(asks)
            }
            Action::Repeat(ask) => Step::Claim(pick(&self.asks, ask).into_iter().collect()),
            Action::Pay(monies) => Step::Settle(monies.into_iter().map(|money| self.notice(money)).collect()),
            Action::Cancel { order, is_own } => {
                let (order, owner) = self.order(order);
                let customer_id = if is_own { owner } else { "a stranger".to_owned() };
                Step::Cancel { order_id: order.order_id, customer_id }
            }
            Action::Release { order, is_own, keep, is_stray } => {
                let (order, owner) = self.order(order);
                let is_kept = |place: &usize| keep & (1 << (place % 8)) != 0;
                let kept = order.seats.iter().enumerate().filter(|(place, _)| is_kept(place)).map(|(_, seat)| *seat);
                let kept = kept.chain(is_stray.then_some((1, 99))).collect();
                let customer_id = if is_own { owner } else { "a stranger".to_owned() };
                Step::Release { order_id: order.order_id, customer_id, kept }
            }
            Action::Expire { order, make_due } => Step::Expire { order_id: self.order(order).0.order_id, make_due },
            Action::Block { section_no, seat_nos } => Step::Block { section_no, seat_nos },
            Action::Unblock { section_no, seat_nos } => Step::Unblock { section_no, seat_nos },
            Action::SetOpen(open) => Step::SetOpen(open),
            Action::SetOver(over) => Step::SetOver(over),
        }
    }

    /// Remembers the orders that a step created, and their new amounts.
    pub fn learn(&mut self, step: &Step, outcome: &Outcome) {
        if let (Step::Release { order_id, kept, .. }, Outcome::Released(Ok((_, amount_minor)))) = (step, outcome)
            && let Some((order, _)) = self.orders.iter_mut().find(|(order, _)| order.order_id == *order_id)
        {
            order.amount_minor = *amount_minor;
            order.seats.retain(|seat| kept.contains(seat));
        }
        if let (Step::Claim(asks), Outcome::Claimed(answers)) = (step, outcome) {
            let made = asks.iter().zip(answers).filter(|(_, answer)| answer.outcome == "claimed");
            self.orders.extend(made.map(|(ask, answer)| (answer.order(), ask.customer_id.clone())));
        }
    }

    /// An order created so far, or an unknown one if there is none yet.
    fn order(&self, number: usize) -> (Placed, String) {
        let unknown = || Placed { order_id: Uuid::now_v7(), status: String::new(), seats: vec![], amount_minor: 1, window_ms: 0 };
        pick(&self.orders, number).unwrap_or_else(|| (unknown(), "nobody".to_owned()))
    }

    fn notice(&mut self, money: Money) -> Notice {
        let good = |order| Notice::of(&self.order(order).0);
        let earlier = |number| pick(&self.notices, number).unwrap_or_else(|| good(number));
        let notice = match money {
            Money::Right { order } => good(order),
            Money::TooLittle { order } => Notice { amount_minor: (good(order).amount_minor - 1).max(0), ..good(order) },
            Money::WrongCurrency { order } => Notice { currency: "EUR".to_owned(), ..good(order) },
            Money::Failed { order } => Notice { succeeded: false, ..good(order) },
            Money::Same { notice } => earlier(notice),
            Money::Succeeded { notice } => earlier(notice).then(true),
            Money::Reversed { notice } => earlier(notice).then(false),
            Money::Other { notice, order } => Notice { reference: earlier(notice).reference, ..good(order) },
        };
        self.notices.push(notice.clone());
        notice
    }
}

fn pick<T: Clone>(past: &[T], number: usize) -> Option<T> {
    (!past.is_empty()).then(|| past[number % past.len()].clone())
}

impl Wish {
    fn ask(self) -> Ask {
        let key = self.key.map(|key| format!("key-{key}"));
        Ask { order_id: Uuid::now_v7(), customer_id: format!("customer-{}", self.customer), key, wanted: self.wanted }
    }
}
