//! One buyer: reads, chooses, claims, pays, and remembers what it was promised.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use hyper::{StatusCode, header::HeaderValue};
use rand::{RngExt, rngs::SmallRng};
use uuid::Uuid;

use super::{
    choice::{choose_seats, choose_section},
    client::{Answer, Call, Connection},
    sale::Sale,
    tally::{Step, Tally},
    views::{OrderSeat, OrderView, PaymentView, ProblemView, SeatMap, plain},
};

/// The longest a buyer waits between two looks at a house whose last seats are held by others.
const LOOK_INTERVAL_MAX: Duration = Duration::from_secs(1);
/// How long a buyer waits before it opens a lost connection again, half as much or twice.
const RECONNECT_INTERVAL: Duration = Duration::from_millis(50);

/// What a buyer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// How many seats, in one order.
    pub quantity: usize,
    /// Lets the server pick the seats.
    pub best_available: bool,
    /// Claims, and never pays.
    pub abandon: bool,
}

/// How a buyer's evening ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It owns its seats.
    Paid,
    /// It left its order unpaid, as it meant to.
    Abandoned,
    /// Too few seats were left, and none was held that might have come back.
    SoldOut,
    /// The time was up.
    TimedOut,
    /// The server answered what no buyer expects.
    Failed(String),
}

/// One order as its buyer knows it.
#[derive(Clone, Debug)]
pub struct Purchase {
    /// The order.
    pub order_id: Uuid,
    /// The seats the claim named.
    pub seats: Vec<OrderSeat>,
    /// The payment was answered: the seats are the buyer's.
    pub paid: bool,
    /// The payment came too late: the seats are another's, and the money is owed back.
    pub refund_due: bool,
}

/// A buyer with its own connection.
pub struct Buyer {
    /// What it wants.
    pub intent: Intent,
    /// What it asked and was answered.
    pub tally: Tally,
    /// Its orders, in the order it claimed them.
    pub purchases: Vec<Purchase>,
    /// When its last payment was answered.
    pub paid_at: Option<Instant>,
    /// The step whose answer it waits for.
    pub waiting_for: Option<Step>,
    /// How it ended; `None` before the release.
    pub ending: Option<Ending>,
    connection: Connection,
    authorization: HeaderValue,
    rng: SmallRng,
    claims: u32,
}

impl Buyer {
    /// A buyer with a connection and the header that says who it is.
    pub fn new(intent: Intent, connection: Connection, authorization: HeaderValue, rng: SmallRng) -> Self {
        Self {
            intent,
            tally: Tally::default(),
            purchases: Vec::new(),
            paid_at: None,
            waiting_for: None,
            ending: None,
            connection,
            authorization,
            rng,
            claims: 0,
        }
    }

    /// Buys, until it has what it wants, nothing is left, or `deadline` has come.
    pub async fn shop(&mut self, sale: &Sale, deadline: Instant) {
        let shopping = tokio::time::timeout_at(deadline.into(), self.buy(sale)).await;
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
        loop {
            let answer = self.ask_ok(Step::ReadSections, &sale.summary_call).await?;
            let summary = sale.summary.read(&answer, |body| Ok(serde_json::from_slice(body)?))?;
            let Some(section) = choose_section(&summary.sections, self.intent.quantity, &exhausted, &mut self.rng) else {
                if self.is_sold_out(sale).await? {
                    return Ok(Ending::SoldOut);
                }
                exhausted.clear();
                self.pause(Duration::from_millis(50 << looks.min(6)).min(LOOK_INTERVAL_MAX)).await;
                looks += 1;
                continue;
            };
            let Some(order) = self.claim(sale, section).await? else {
                exhausted.push(section);
                continue;
            };
            if self.intent.abandon {
                return Ok(Ending::Abandoned);
            }
            if self.pay(sale, &order).await? {
                return Ok(Ending::Paid);
            }
        }
    }

    /// Claims seats of one section, choosing again while others are faster; `None`: it has too few seats left.
    async fn claim(&mut self, sale: &Sale, section: usize) -> anyhow::Result<Option<OrderView>> {
        let mut refused = Vec::new();
        loop {
            self.claims += 1;
            let key = self.claims.to_string();
            let (call, wanted) = if self.intent.best_available {
                (sale.claim_best(section, self.intent.quantity, &self.authorization, &key)?, None)
            } else {
                let answer = self.ask_ok(Step::ReadSeats, &sale.sections[section].seats_call).await?;
                let map = sale.sections[section].seats.read(&answer, SeatMap::of_section)?;
                let Some(seat_nos) = choose_seats(&map, self.intent.quantity, &refused, &mut self.rng) else { return Ok(None) };
                (sale.claim_seats(section, &seat_nos, &self.authorization, &key)?, Some(seat_nos))
            };
            let answer = self.ask(Step::Claim, &call).await;
            if answer.status == StatusCode::CONFLICT {
                let problem = self.problem(&answer);
                match problem.code.as_str() {
                    "seat_taken" => refused.extend(problem.taken.iter().map(|seat| seat.seat)),
                    "sold_out" => return Ok(None),
                    code => bail!("claim: 409 {code}"),
                }
                continue;
            }
            if let Some(order) = self.claimed(sale, section, wanted.as_deref(), &answer)? {
                return Ok(Some(order));
            }
        }
    }

    /// Writes down what a successful claim promises; `None` if the order has ended already (its answer came by a late retry).
    fn claimed(&mut self, sale: &Sale, section: usize, wanted: Option<&[i32]>, answer: &Answer) -> anyhow::Result<Option<OrderView>> {
        self.expect_ok(Step::Claim, answer)?;
        let order: OrderView = serde_json::from_slice(&answer.body)?;
        let code = &sale.concert.sections[section].section;
        let quantity_kept = order.seats.len() == self.intent.quantity && order.seats.iter().all(|seat| seat.section == *code);
        let seats_kept = wanted.is_none_or(|wanted| order.seats.iter().map(|seat| seat.seat).eq(wanted.iter().copied()));
        ensure!(quantity_kept && seats_kept, "order {} names other seats than were claimed", order.order_id);
        self.purchases.push(Purchase { order_id: order.order_id, seats: order.seats.clone(), paid: false, refund_due: false });
        Ok((order.status == "pending_payment").then_some(order))
    }

    /// Has the gateway tell of the payment; false if the money came too late for the seats.
    async fn pay(&mut self, sale: &Sale, order: &OrderView) -> anyhow::Result<bool> {
        let call = sale.pay(order)?;
        let answer = self.ask_ok(Step::Pay, &call).await?;
        let payment: PaymentView = serde_json::from_slice(&answer.body)?;
        let paid = match payment.outcome.as_str() {
            "paid" | "late_reclaimed" => true,
            "refund_due" => false,
            // The answer to the first notice was lost: the order itself tells what came of it.
            "duplicate" => self.read_order(sale, order.order_id).await?.status == "paid",
            outcome => bail!("payment of order {}: {outcome}", order.order_id),
        };
        if let Some(purchase) = self.purchases.last_mut() {
            (purchase.paid, purchase.refund_due) = (paid, !paid);
        }
        if paid {
            self.paid_at = Some(Instant::now());
            sale.count_sold(order.seats.len());
        }
        Ok(paid)
    }

    /// Reads one of its own orders.
    ///
    /// # Errors
    /// When the server answers anything but the order.
    pub async fn read_order(&mut self, sale: &Sale, order_id: Uuid) -> anyhow::Result<OrderView> {
        let answer = self.ask_ok(Step::ReadOrder, &sale.read_order(order_id, &self.authorization)?).await?;
        Ok(serde_json::from_slice(&plain(&answer)?)?)
    }

    /// Whether no section has enough seats and no held seat may come back.
    async fn is_sold_out(&mut self, sale: &Sale) -> anyhow::Result<bool> {
        let answer = self.ask_ok(Step::ReadHouse, &sale.house_call).await?;
        let house = sale.house.read(&answer, SeatMap::of_house)?;
        Ok(house.iter().all(|(_, map)| map.held == 0 && map.available.len() < self.intent.quantity))
    }

    async fn ask_ok(&mut self, step: Step, call: &Call) -> anyhow::Result<Answer> {
        let answer = self.ask(step, call).await;
        self.expect_ok(step, &answer)?;
        Ok(answer)
    }

    /// Asks until there is an answer that is not "try again later". Sending again is harmless: a claim carries its idempotency key, a
    /// payment its reference.
    async fn ask(&mut self, step: Step, call: &Call) -> Answer {
        self.waiting_for = Some(step);
        loop {
            let sent_at = Instant::now();
            match self.connection.send(call).await {
                Ok(answer) => {
                    self.tally.answered(step, answer.status, sent_at.elapsed());
                    if answer.status != StatusCode::SERVICE_UNAVAILABLE {
                        self.waiting_for = None;
                        return answer;
                    }
                    self.problem(&answer);
                    let retry_after = Duration::from_secs(answer.retry_after_s.unwrap_or(1).into());
                    let jitter = self.rng.random_range(0.0..0.5);
                    tokio::time::sleep(retry_after.mul_f64(1.0 + jitter)).await;
                }
                Err(_) => {
                    self.tally.connection_errors += 1;
                    self.pause(RECONNECT_INTERVAL).await;
                }
            }
        }
    }

    fn expect_ok(&mut self, step: Step, answer: &Answer) -> anyhow::Result<()> {
        if answer.status.is_success() {
            return Ok(());
        }
        let problem = self.problem(answer);
        bail!("{}: {} {} {}", step.name(), answer.status.as_u16(), problem.code, problem.detail.unwrap_or_default())
    }

    /// Reads and counts a problem body.
    fn problem(&mut self, answer: &Answer) -> ProblemView {
        let problem: ProblemView = plain(answer).ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
        self.tally.problem(&problem.code);
        problem
    }

    /// Waits for about that long, so that a crowd that came together does not stay together.
    async fn pause(&mut self, about: Duration) {
        tokio::time::sleep(about.mul_f64(self.rng.random_range(0.5..1.5))).await;
    }
}
