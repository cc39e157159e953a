//! The model: Rowlock's promises, implemented on vectors, one step after the other.

mod claims;
mod payments;

use std::collections::BTreeSet;

use uuid::Uuid;

use super::steps::{Outcome, Step};
use crate::stored::{Ask, Placed, Seat};
use payments::Payment;

/// Rows of each section, as first and last seat.
pub const ROWS: [&[(i32, i32)]; 3] = [&[(1, 5), (6, 12)], &[(1, 12)], &[(1, 6)]];
/// Price of a seat in each section; the last one is free.
pub const PRICES: [i64; 3] = [1000, 300, 0];
/// Seats that a customer may have, held and bought together.
pub const LIMIT: usize = 7;
/// Orders that a customer may let end unpaid; the cooldown outlasts the test.
pub const UNPAID_MAX: usize = 3;
/// Payment window in milliseconds: no order comes due by itself while a test runs.
pub const WINDOW_MS: i32 = 3_600_000;

/// One event and its history.
pub struct ModelEvent {
    is_open: bool,
    /// Whether the sale has ended by `off_sale_at`.
    is_over: bool,
    /// One letter per seat, as the database returns them.
    seats: Vec<Vec<char>>,
    orders: Vec<Order>,
    payments: Vec<Payment>,
    /// Counts the steps.
    now: usize,
}

struct Order {
    ask: Ask,
    placed: Placed,
    is_due: bool,
    /// The step in which its status last changed.
    ended: usize,
}

impl ModelEvent {
    /// Open, with every seat available.
    pub fn new() -> Self {
        let seats = ROWS.iter().map(|rows| vec!['a'; rows.last().expect("rows").1 as usize]).collect();
        Self { is_open: true, is_over: false, seats, orders: Vec::new(), payments: Vec::new(), now: 0 }
    }

    /// Carries out the step and returns what the database must answer.
    pub fn perform(&mut self, step: &Step) -> Outcome {
        self.now += 1;
        match step {
            Step::Claim(asks) => {
                let before = self.orders.len();
                Outcome::Claimed(asks.iter().map(|ask| self.claim(ask, before)).collect())
            }
            Step::Settle(notices) => Outcome::Settled(notices.iter().map(|notice| self.settle(notice).to_owned()).collect()),
            Step::Cancel { order_id, customer_id } => Outcome::Cancelled(self.cancel(*order_id, customer_id)),
            Step::Release { order_id, customer_id, kept } => Outcome::Released(self.release(*order_id, customer_id, kept)),
            Step::Expire { order_id, make_due } => Outcome::Expired(self.expire(*order_id, *make_due).to_owned()),
            Step::Block { section_no, seat_nos } => Outcome::Changed(self.turn(*section_no, seat_nos, 'a', 'b')),
            Step::Unblock { section_no, seat_nos } => Outcome::Changed(self.turn(*section_no, seat_nos, 'b', 'a')),
            Step::SetOpen(open) => {
                self.is_open = *open;
                Outcome::Done
            }
            Step::SetOver(over) => {
                self.is_over = *over;
                Outcome::Done
            }
        }
    }

    /// The seats of a section, one letter each.
    pub fn statuses(&self, section_no: i32) -> String {
        self.seats[section_no as usize - 1].iter().collect()
    }

    /// Every order and its status, by id.
    pub fn order_statuses(&self) -> Vec<(Uuid, String)> {
        let mut statuses: Vec<_> = self.orders.iter().map(|order| (order.placed.order_id, order.placed.status.clone())).collect();
        statuses.sort();
        statuses
    }

    fn cancel(&mut self, order_id: Uuid, customer_id: &str) -> Result<String, String> {
        let index = self.position(order_id).filter(|index| self.orders[*index].ask.customer_id == customer_id);
        let index = index.ok_or("order_not_found")?;
        match self.orders[index].placed.status.as_str() {
            "pending_payment" => self.end(index, "cancelled", 'a'),
            "cancelled" => {}
            _ => return Err("order_not_pending".to_owned()),
        }
        Ok("cancelled".to_owned())
    }

    /// Gives back the seats that are not kept. The order's amount becomes the price of those that are.
    fn release(&mut self, order_id: Uuid, customer_id: &str, kept: &[Seat]) -> Result<(String, i64), String> {
        let index = self.position(order_id).filter(|index| self.orders[*index].ask.customer_id == customer_id);
        let index = index.ok_or("order_not_found")?;
        let placed = &self.orders[index].placed;
        if !["pending_payment", "paid"].contains(&placed.status.as_str()) {
            return Err("order_not_pending".to_owned());
        }
        let is_subset = kept.iter().all(|seat| placed.seats.contains(seat));
        if kept.is_empty() || !is_subset || kept.iter().collect::<BTreeSet<_>>().len() < kept.len() {
            return Err("invalid_request".to_owned());
        }
        let (kept, given): (Vec<Seat>, Vec<Seat>) = placed.seats.iter().partition(|seat| kept.contains(seat));
        if given.is_empty() {
            return Ok((placed.status.clone(), placed.amount_minor));
        }
        if placed.status == "paid" {
            return Err("order_not_pending".to_owned());
        }
        self.mark(&given, 'a');
        let placed = &mut self.orders[index].placed;
        placed.amount_minor = price(&kept);
        placed.seats = kept;
        if placed.amount_minor == 0 {
            self.end(index, "paid", 's');
        }
        let placed = &self.orders[index].placed;
        Ok((placed.status.clone(), placed.amount_minor))
    }

    fn expire(&mut self, order_id: Uuid, make_due: bool) -> &'static str {
        let Some(index) = self.position(order_id) else { return "order_not_found" };
        self.orders[index].is_due |= make_due;
        match (self.orders[index].placed.status.as_str(), self.orders[index].is_due) {
            ("pending_payment", true) => {
                self.end(index, "expired", 'a');
                "expired"
            }
            ("pending_payment", false) => "not_due",
            _ => "not_pending",
        }
    }

    /// Changes seats from one status to another, all or none, and counts those that changed.
    fn turn(&mut self, section_no: i32, seat_nos: &[i32], from: char, to: char) -> Result<i32, String> {
        let seats: BTreeSet<Seat> = seat_nos.iter().map(|seat_no| (section_no, *seat_no)).collect();
        let has = |statuses: &[Option<char>]| seats.iter().any(|seat| statuses.contains(&self.status(*seat)));
        if has(&[None]) {
            return Err("RL003".to_owned());
        }
        if has(&[Some('h'), Some('s')]) {
            return Err("RL008".to_owned());
        }
        let turned: Vec<_> = seats.into_iter().filter(|seat| self.status(*seat) == Some(from)).collect();
        self.mark(&turned, to);
        Ok(i32::try_from(turned.len()).expect("few seats"))
    }

    fn end(&mut self, index: usize, order_status: &str, seat_status: char) {
        self.orders[index].placed.status = order_status.to_owned();
        self.orders[index].ended = self.now;
        let seats = self.orders[index].placed.seats.clone();
        self.mark(&seats, seat_status);
    }

    fn mark(&mut self, seats: &[Seat], status: char) {
        seats.iter().for_each(|seat| self.seats[seat.0 as usize - 1][seat.1 as usize - 1] = status);
    }

    fn status(&self, seat: Seat) -> Option<char> {
        let seats = self.seats.get(usize::try_from(seat.0 - 1).ok()?)?;
        seats.get(usize::try_from(seat.1 - 1).ok()?).copied()
    }

    fn position(&self, order_id: Uuid) -> Option<usize> {
        self.orders.iter().position(|order| order.placed.order_id == order_id)
    }

    fn live_seats(&self, customer_id: &str) -> usize {
        let live =
            |order: &&Order| order.ask.customer_id == customer_id && ["pending_payment", "paid"].contains(&order.placed.status.as_str());
        self.orders.iter().filter(live).map(|order| order.placed.seats.len()).sum()
    }
}

/// The total price of seats.
fn price(seats: &[Seat]) -> i64 {
    seats.iter().map(|seat| PRICES[seat.0 as usize - 1]).sum()
}
