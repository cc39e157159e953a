//! One buyer: reads, chooses, claims, pays, and remembers what it was promised and when.

mod ask;
mod claim;
mod read;

use std::time::{Duration, Instant};

use hyper::header::HeaderValue;
use rand::{SeedableRng, rngs::SmallRng};
use uuid::Uuid;

use super::{
    bodies::{OrderBody, OrderSeat},
    choice::{choose_seats, choose_section},
    intent::{Drawn, Intent, Spot},
    sale::Sale,
    tally::{Step, Tally},
};
use crate::client::Connection;

/// The longest a buyer waits before it looks again when the last seats are held by others.
const LOOK_INTERVAL_MAX: Duration = Duration::from_secs(1);

/// How the rush ended for a buyer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It owns its seats.
    Paid,
    /// It left its order unpaid, as it meant to.
    Abandoned,
    /// It was told at once that another buyer has the seats, and wanted no others.
    Refused,
    /// Too few seats were left, and none was held that might have come back.
    SoldOut,
    /// Its patience ran out.
    TimedOut,
    /// The rush was stopped.
    Interrupted,
    /// The server answered what no buyer expects.
    Failed(String),
}

/// One order as its buyer knows it.
#[derive(Clone, Debug)]
pub struct Purchase {
    pub order_id: Uuid,
    /// The seats the claim named.
    pub seats: Vec<OrderSeat>,
    /// When the claim was answered.
    pub claimed_at: Instant,
    /// When the payment was answered: the seats are the buyer's.
    pub paid_at: Option<Instant>,
    /// The payment came too late: another buyer has the seats, and a refund is due.
    pub refund_due: bool,
}

/// A buyer with its own connection.
pub struct Buyer {
    /// What it wants.
    pub intent: Intent,
    /// Its requests and their answers.
    pub tally: Tally,
    /// Its orders, in the order it claimed them.
    pub purchases: Vec<Purchase>,
    /// When it was due to arrive.
    pub arrived_at: Option<Instant>,
    /// How much later than that it started, because its machine was busy.
    pub started_late: Duration,
    /// When its first answer came.
    pub answered_at: Option<Instant>,
    /// When it left, or was stopped.
    pub gone_at: Option<Instant>,
    /// The step whose answer it waits for.
    pub waiting_for: Option<Step>,
    /// How it ended; `None` before the start.
    pub ending: Option<Ending>,
    connection: Connection,
    authorization: HeaderValue,
    /// For choosing seats. Pauses have their own generator, so that the same answers lead to the same seats.
    choices: SmallRng,
    pauses: SmallRng,
    claims: u32,
    /// When its next request was due, if that was earlier than the moment it could be sent.
    meant_at: Option<Instant>,
}

/// The result of a claim, or of the search for seats to claim.
enum Attempt {
    /// An order holds the seats, of the section at that position.
    Claimed(usize, OrderBody),
    /// The order cost nothing: it was paid as it was claimed.
    Paid,
    /// Other buyers have some of the seats: these, if the server named them.
    Taken(Vec<i32>),
    /// The section at that position has too few seats.
    TooFew(usize),
    /// Nothing to claim at this moment.
    Nothing,
    /// No section has enough seats, and none is held that may come back.
    SoldOut,
}

impl Buyer {
    /// A buyer with a connection and the header that says who it is.
    pub fn new((intent, mut choices): Drawn, connection: Connection, authorization: HeaderValue) -> Self {
        Self {
            intent,
            tally: Tally::default(),
            purchases: Vec::new(),
            arrived_at: None,
            started_late: Duration::ZERO,
            answered_at: None,
            gone_at: None,
            waiting_for: None,
            ending: None,
            connection,
            authorization,
            pauses: SmallRng::from_rng(&mut choices),
            choices,
            claims: 0,
            meant_at: None,
        }
    }

    /// Arrives at its time after `started_at` and buys until it has what it wants, nothing is left, or its patience runs out.
    pub async fn shop(&mut self, sale: &Sale, started_at: Instant, patience: Duration) {
        let arrival = started_at + self.intent.arrival;
        if !self.intent.arrival.is_zero() {
            tokio::time::sleep_until(arrival.into()).await;
        }
        (self.arrived_at, self.meant_at) = (Some(arrival), Some(arrival));
        self.started_late = arrival.elapsed();
        let shopping = tokio::time::timeout_at((arrival + patience).into(), self.buy(sale)).await;
        self.ending = Some(match shopping {
            Ok(Ok(ending)) => ending,
            Ok(Err(error)) => Ending::Failed(format!("{error:#}")),
            Err(_) => Ending::TimedOut,
        });
    }

    async fn buy(&mut self, sale: &Sale) -> anyhow::Result<Ending> {
        // Sections this buyer has seen to have too few seats: the summary may be half a second older than that.
        let mut exhausted = Vec::new();
        let mut looks = 0;
        let mut attempt = match self.intent.spot {
            Some(spot) => self.go_to(sale, spot).await?,
            None => self.search(sale, &exhausted).await?,
        };
        loop {
            match attempt {
                Attempt::Claimed(_, order) if self.intent.abandon => {
                    sale.counters.abandoned(order.seats.len());
                    return Ok(Ending::Abandoned);
                }
                Attempt::Paid => return Ok(Ending::Paid),
                Attempt::Claimed(section, order) if self.pay(sale, section, &order).await? => return Ok(Ending::Paid),
                Attempt::Taken(_) | Attempt::TooFew(_) if self.intent.one_try => return Ok(Ending::Refused),
                Attempt::SoldOut => return Ok(Ending::SoldOut),
                Attempt::TooFew(section) => exhausted.push(section),
                Attempt::Nothing => {
                    exhausted.clear();
                    self.pause(Duration::from_millis(50 << looks.min(6)).min(LOOK_INTERVAL_MAX)).await;
                    looks += 1;
                }
                Attempt::Claimed(..) | Attempt::Taken(_) => {}
            }
            attempt = self.search(sale, &exhausted).await?;
        }
    }

    /// Tries the seats it has in mind. A buyer who reads first claims them only if the seat map shows them as available.
    async fn go_to(&mut self, sale: &Sale, spot: Spot) -> anyhow::Result<Attempt> {
        if self.intent.best_available {
            return self.claim(sale, spot.section, None).await;
        }
        let seat_nos: Vec<i32> = (spot.seat_no..).take(self.intent.quantity).collect();
        if self.intent.reads {
            self.read_summary(sale).await?;
            let map = self.read_seats(sale, spot.section).await?;
            if !seat_nos.iter().all(|seat_no| map.is_available(*seat_no)) {
                return Ok(Attempt::Taken(seat_nos));
            }
        }
        self.claim(sale, spot.section, Some(&seat_nos)).await
    }

    /// Looks for a section with enough seats and claims some there, choosing again while others are faster.
    async fn search(&mut self, sale: &Sale, exhausted: &[usize]) -> anyhow::Result<Attempt> {
        let summary = self.read_summary(sale).await?;
        let Some(section) = choose_section(&summary.sections, self.intent.quantity, exhausted, &mut self.choices) else {
            return Ok(if self.is_sold_out(sale).await? { Attempt::SoldOut } else { Attempt::Nothing });
        };
        if self.intent.best_available {
            return self.claim(sale, section, None).await;
        }
        let mut refused = Vec::new();
        loop {
            let map = self.read_seats(sale, section).await?;
            let chosen = choose_seats(&map, self.intent.quantity, &refused, &mut self.choices);
            let Some(seat_nos) = chosen else { return Ok(Attempt::TooFew(section)) };
            match self.claim(sale, section, Some(&seat_nos)).await? {
                Attempt::Taken(taken) if !self.intent.one_try => refused.extend(taken),
                attempt => return Ok(attempt),
            }
        }
    }
}
