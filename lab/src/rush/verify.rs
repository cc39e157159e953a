//! Whether the promises were kept: compares what the buyers were told with what the database says.

mod database;
mod server;

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use uuid::Uuid;

pub(super) use self::{database::ask_database, server::ask_server};
use super::{
    bodies::OrderSeat,
    buyer::{Buyer, Purchase},
    order_counts::OrderCounts,
    setup::Setup,
    tally::Step,
};

/// How many violations and mismatches are written out; the rest is only counted.
const EXAMPLES_MAX: usize = 5;

/// A ticket: its seat and its order.
pub type Ticket = (OrderSeat, Uuid);

/// The result of the verification.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Seats sold to two buyers.
    pub oversold: usize,
    /// Rows of `admin.invariant_violations`; `None` without a database URL.
    pub violations: Option<usize>,
    /// What became of the orders.
    pub orders: OrderCounts,
    /// The sections after the rush.
    pub sections: Vec<SectionLeft>,
    /// Broken promises, in words.
    pub broken: Vec<String>,
}

/// One section after the rush.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SectionLeft {
    /// Its code.
    pub section: String,
    /// How many seats it has.
    pub capacity: usize,
    /// How many are on sale.
    pub available: usize,
    /// How many are held by pending orders.
    pub held: usize,
    /// How many are sold.
    pub sold: usize,
}

/// What the buyers were told, and what they asked without an answer.
#[derive(Default)]
pub(super) struct Told<'a> {
    purchases: Vec<&'a Purchase>,
    /// Orders whose payment was sent and not answered: they may be paid or not.
    unanswered_payments: HashSet<Uuid>,
    /// Claims that were sent and not answered: each may have made an order or not.
    unanswered_claims: usize,
    /// Nobody else buys at this concert.
    only_ours: bool,
}

impl<'a> Told<'a> {
    fn of(setup: &Setup, buyers: &'a [Buyer]) -> Self {
        let waiting = |step| buyers.iter().filter(move |buyer| buyer.waiting_for == Some(step));
        let unpaid = waiting(Step::Pay).filter_map(|buyer| buyer.purchases.last()).map(|purchase| purchase.order_id);
        Self {
            purchases: buyers.iter().flat_map(|buyer| &buyer.purchases).collect(),
            unanswered_payments: unpaid.collect(),
            unanswered_claims: waiting(Step::Claim).count(),
            only_ours: setup.only_ours,
        }
    }

    /// The orders to check if others also buy at this concert; `None`: all orders of the event are ours.
    fn ours(&self) -> Option<Vec<Uuid>> {
        (!self.only_ours).then(|| self.purchases.iter().map(|purchase| purchase.order_id).collect())
    }
}

impl Findings {
    /// The most available seats any section has left.
    pub fn left_together(&self) -> usize {
        self.sections.iter().map(|section| section.available).max().unwrap_or(0)
    }

    fn add(&mut self, examples: Vec<String>) {
        let count = examples.len();
        self.broken.extend(examples.into_iter().take(EXAMPLES_MAX));
        if count > EXAMPLES_MAX {
            self.broken.push(format!("… and {} more like these", count - EXAMPLES_MAX));
        }
    }

    /// Compares the number of orders with the claims that were answered: none may be missing, and none may be there unasked.
    fn count_orders(&mut self, told: &Told) {
        let (orders, claimed) = (self.orders.orders, told.purchases.len());
        if orders < claimed {
            self.broken.push(format!("{claimed} claims were answered with an order, but there are only {orders} orders"));
        }
        if orders > claimed + told.unanswered_claims {
            self.broken.push(format!("there are {orders} orders, but buyers were told of only {claimed}"));
        }
    }

    /// Compares the paid purchases with the tickets.
    fn compare(&mut self, told: &Told, tickets: &[Ticket]) {
        let purchases = &told.purchases;
        let mut owners: HashMap<&OrderSeat, Uuid> = HashMap::new();
        let mut oversold = HashSet::new();
        for purchase in purchases.iter().filter(|purchase| purchase.paid_at.is_some()) {
            for seat in &purchase.seats {
                if owners.insert(seat, purchase.order_id).is_some_and(|other| other != purchase.order_id) {
                    oversold.insert(seat);
                }
            }
        }
        let mut issued: HashMap<&OrderSeat, Uuid> = HashMap::new();
        for (seat, order_id) in tickets {
            if issued.insert(seat, *order_id).is_some_and(|other| other != *order_id) {
                oversold.insert(seat);
            }
        }
        self.oversold = oversold.len();
        self.add(oversold.iter().map(|seat| format!("seat {} {} was sold twice", seat.section, seat.seat)).collect());
        let missing = owners.iter().filter(|(seat, order_id)| issued.get(*seat) != Some(*order_id));
        self.add(
            missing
                .map(|(seat, id)| format!("order {id} was reported as paid but has no ticket for {} {}", seat.section, seat.seat))
                .collect(),
        );
        let ours: HashSet<Uuid> = purchases.iter().map(|purchase| purchase.order_id).collect();
        let untold = issued.iter().filter(|(_, id)| !told.unanswered_payments.contains(*id));
        let untold = untold.filter(|(seat, id)| owners.get(*seat) != Some(*id) && (told.only_ours || ours.contains(*id)));
        self.add(
            untold
                .map(|(seat, id)| format!("order {id} has a ticket for {} {} that no buyer was told of", seat.section, seat.seat))
                .collect(),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn seat(number: i32) -> OrderSeat {
        OrderSeat { section: "A".to_owned(), seat: number }
    }

    fn purchase(order: u128, seats: &[i32], paid: bool) -> Purchase {
        let (seats, now) = (seats.iter().copied().map(seat).collect(), Instant::now());
        Purchase { order_id: Uuid::from_u128(order), seats, claimed_at: now, paid_at: paid.then_some(now), refund_due: false }
    }

    fn compared(purchases: &[Purchase], tickets: &[(i32, u128)], only_ours: bool) -> Findings {
        let tickets: Vec<Ticket> = tickets.iter().map(|&(number, order)| (seat(number), Uuid::from_u128(order))).collect();
        let mut findings = Findings::default();
        findings.compare(&Told { purchases: purchases.iter().collect(), only_ours, ..Told::default() }, &tickets);
        findings
    }

    #[test]
    fn kept_promises_find_nothing() {
        let purchases = [purchase(1, &[1, 2], true), purchase(2, &[3], true), purchase(3, &[4], false)];
        let findings = compared(&purchases, &[(1, 1), (2, 1), (3, 2)], true);
        assert_eq!(findings, Findings::default());
    }

    #[test]
    fn a_seat_in_two_hands_is_oversold() {
        let findings = compared(&[purchase(1, &[1], true), purchase(2, &[1], true)], &[(1, 2)], true);
        assert_eq!(findings.oversold, 1);
        assert!(!findings.broken.is_empty());
    }

    #[test]
    fn a_paid_order_without_its_ticket_is_a_broken_promise() {
        let findings = compared(&[purchase(1, &[1, 2], true)], &[(1, 1)], true);
        assert_eq!(findings.oversold, 0);
        assert_eq!(findings.broken.len(), 1);
    }

    #[test]
    fn tickets_nobody_was_told_of_count_only_where_nobody_else_buys() {
        assert_eq!(compared(&[], &[(9, 9)], true).broken.len(), 1);
        assert_eq!(compared(&[], &[(9, 9)], false), Findings::default());
        assert_eq!(compared(&[purchase(9, &[9], false)], &[(9, 9)], false).broken.len(), 1);
    }

    #[test]
    fn a_payment_without_an_answer_may_have_a_ticket_or_not() {
        let purchases = [purchase(9, &[9], false)];
        let told = |unanswered: &[u128]| Told {
            purchases: purchases.iter().collect(),
            unanswered_payments: unanswered.iter().copied().map(Uuid::from_u128).collect(),
            ..Told::default()
        };
        let tickets = [(seat(9), Uuid::from_u128(9))];
        for (unanswered, broken) in [(&[9][..], 0), (&[8], 1)] {
            let mut findings = Findings::default();
            findings.compare(&told(unanswered), &tickets);
            assert_eq!(findings.broken.len(), broken, "{findings:?}");
        }
    }

    #[test]
    fn orders_are_neither_lost_nor_made_unasked() {
        let purchases = [purchase(1, &[1], true), purchase(2, &[2], false)];
        for (orders, broken) in [(1, 1), (2, 0), (3, 0), (4, 1)] {
            let told = Told { purchases: purchases.iter().collect(), unanswered_claims: 1, ..Told::default() };
            let mut findings = Findings { orders: OrderCounts { orders, ..OrderCounts::default() }, ..Findings::default() };
            findings.count_orders(&told);
            assert_eq!(findings.broken.len(), broken, "{orders} orders: {findings:?}");
        }
    }
}
