//! What the model answers a claim.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{LIMIT, ModelEvent, Order, ROWS, UNPAID_MAX, WINDOW_MS, price};
use crate::stored::{Ask, Claimed, Placed, Seat, Wanted};

impl ModelEvent {
    pub(super) fn claim(&mut self, ask: &Ask, before_batch: usize) -> Claimed {
        match self.seats_for(ask, before_batch) {
            Ok(seats) => {
                let amount_minor = price(&seats);
                // What costs nothing is paid at once.
                let (status, letter) = if amount_minor == 0 { ("paid", 's') } else { ("pending_payment", 'h') };
                let (order_id, status) = (ask.order_id, status.to_owned());
                self.mark(&seats, letter);
                let placed = Placed { order_id, status, seats, amount_minor, window_ms: WINDOW_MS.into() };
                self.orders.push(Order { ask: ask.clone(), placed: placed.clone(), is_due: false, ended: self.now });
                Claimed { outcome: "claimed".to_owned(), order: Some(placed), taken: vec![] }
            }
            Err(refused) => *refused,
        }
    }

    /// The seats that a claim gets, or its answer if it gets none. Keys from before the batch are checked before the request itself, those
    /// from within the batch after it.
    fn seats_for(&self, ask: &Ask, before_batch: usize) -> Result<Vec<Seat>, Box<Claimed>> {
        let (known, brought) = self.orders.split_at(before_batch);
        replay(ask, known)?;
        if !self.is_open || self.is_over {
            return refuse("not_on_sale");
        }
        let quantity = match &ask.wanted {
            Wanted::Seats(seats) => seats.len(),
            Wanted::Best { quantity, .. } => usize::try_from(*quantity).unwrap_or(0),
        };
        if !(1..=100).contains(&quantity) {
            return refuse("too_many_seats");
        }
        self.find_faults(&ask.wanted)?;
        if must_wait(&ask.customer_id, known) {
            return refuse("cooldown");
        }
        replay(ask, brought)?;
        if self.live_seats(&ask.customer_id) + quantity > LIMIT {
            return refuse("customer_limit");
        }
        match &ask.wanted {
            Wanted::Seats(seats) => {
                let taken: Vec<_> = seats.iter().copied().filter(|seat| self.status(*seat) != Some('a')).collect();
                if taken.is_empty() { Ok(seats.clone()) } else { blame("seat_taken", taken) }
            }
            Wanted::Best { section_no, .. } => self.best(*section_no, quantity).map_or_else(|| refuse("sold_out"), Ok),
        }
    }

    fn find_faults(&self, wanted: &Wanted) -> Result<(), Box<Claimed>> {
        let exists = |section_no: i32| (1..=3).contains(&section_no);
        match wanted {
            Wanted::Best { section_no, .. } if !exists(*section_no) => refuse("section_not_found"),
            Wanted::Best { .. } => Ok(()),
            Wanted::Seats(seats) => {
                let unknown: Vec<_> = seats.iter().copied().filter(|seat| self.status(*seat).is_none()).collect();
                if seats.iter().collect::<BTreeSet<_>>().len() < seats.len() {
                    refuse("duplicate_seat")
                } else if !seats.iter().all(|seat| exists(seat.0)) {
                    refuse("section_not_found")
                } else if unknown.is_empty() {
                    Ok(())
                } else {
                    blame("seat_not_found", unknown)
                }
            }
        }
    }

    /// The front-most adjacent seats in a row; otherwise those in the fewest rows, then the closest together, then the front-most.
    fn best(&self, section_no: i32, quantity: usize) -> Option<Vec<Seat>> {
        let free: Vec<(usize, i32)> = (ROWS[section_no as usize - 1].iter().enumerate())
            .flat_map(|(row, (first, last))| (*first..=*last).map(move |seat_no| (row, seat_no)))
            .filter(|(_, seat_no)| self.status((section_no, *seat_no)) == Some('a'))
            .collect();
        let groups = || free.windows(quantity).map(|group| (group, group[quantity - 1].0 - group[0].0, group[quantity - 1].1 - group[0].1));
        let together = groups().find(|(_, rows, spread)| *rows == 0 && *spread as usize == quantity - 1);
        let chosen = together.or_else(|| groups().min_by_key(|(_, rows, spread)| (*rows, *spread)));
        chosen.map(|(group, _, _)| group.iter().map(|(_, seat_no)| (section_no, *seat_no)).collect())
    }
}

/// Whether the customer has let too many orders end unpaid since the last paid one: of each kind, the newest are looked at. Late money that
/// is owed back does not change when an order ended.
fn must_wait(customer_id: &str, orders: &[Order]) -> bool {
    let theirs = |status: &'static str| {
        let mut theirs: Vec<_> =
            orders.iter().filter(|order| order.ask.customer_id == customer_id && order.placed.status == status).collect();
        theirs.sort_by_key(|order| Reverse(order.placed.order_id));
        theirs
    };
    let last_paid = theirs("paid").iter().filter(|order| order.placed.amount_minor > 0).map(|order| order.ended).max().unwrap_or_default();
    let unpaid = |status| theirs(status).into_iter().take(UNPAID_MAX).filter(|order| order.ended > last_paid).count();
    ["expired", "cancelled", "refund_due", "refunded"].map(unpaid).iter().sum::<usize>() >= UNPAID_MAX
}

/// Answers a claim that was sent before, by its key or by its order id.
fn replay(ask: &Ask, orders: &[Order]) -> Result<(), Box<Claimed>> {
    let is_known = |order: &&Order| {
        let same_key = ask.key.is_some() && ask.key == order.ask.key && ask.customer_id == order.ask.customer_id;
        same_key || ask.order_id == order.placed.order_id
    };
    let Some(order) = orders.iter().find(is_known) else { return Ok(()) };
    if ask.order_id != order.placed.order_id && ask.fingerprint() != order.ask.fingerprint() {
        return refuse("idempotency_key_reused");
    }
    Err(Box::new(Claimed { outcome: "replayed".to_owned(), order: Some(order.placed.clone()), taken: vec![] }))
}

fn refuse<T>(outcome: &str) -> Result<T, Box<Claimed>> {
    blame(outcome, vec![])
}

fn blame<T>(outcome: &str, taken: Vec<Seat>) -> Result<T, Box<Claimed>> {
    Err(Box::new(Claimed { outcome: outcome.to_owned(), order: None, taken }))
}
