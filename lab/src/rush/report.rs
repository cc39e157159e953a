//! The result of a rush, for people and for programs.

mod page;
mod words;

use std::{collections::HashSet, time::Instant};

use serde::Serialize;

use super::{
    buyer::{Buyer, Ending},
    order_counts::OrderCounts,
    phases::Answered,
    settings::{Machine, Settings},
    tally::{Latency, Step, Totals},
    timeline::{Timeline, timeline},
    verify::{Findings, SectionLeft},
};

/// Failures that are written out; the rest is counted.
const EXAMPLES_MAX: usize = 5;

/// The outcome of a rush.
#[derive(Clone, Debug, Serialize)]
pub struct RushReport {
    /// The concert.
    pub event_id: i64,
    /// The seed of the buyers' choices.
    pub seed: u64,
    /// Stopped before all buyers had left: the figures cover what had happened until then.
    pub interrupted: bool,
    /// Buyers who started.
    pub buyers: usize,
    /// Seats on sale at the start.
    pub seats: usize,
    /// Seats whose payment was answered.
    pub sold: usize,
    /// Seats sold to two buyers; must be 0.
    pub oversold: usize,
    /// Rows of `admin.invariant_violations`; must be 0. Null: there was no database URL to ask it.
    pub violations: Option<usize>,
    /// From the start to the last payment's answer.
    pub sell_out_seconds: f64,
    /// From the start until the last buyer had left.
    pub rush_seconds: f64,
    /// How many buyers ended in which way.
    pub buyers_ended: Endings,
    /// Payments that came after the deadline, when another buyer had the seats.
    pub refunds_due: usize,
    /// Requests, statuses, problems, connection errors and latencies.
    #[serde(flatten)]
    pub totals: Totals,
    /// Answers per second, from the start until the last buyer had left.
    pub requests_per_second: f64,
    /// How long buyers waited, from the moment they were due to arrive.
    pub from_arrival_ms: FromArrival,
    /// Seats claimed by that many milliseconds after the start; a seat claimed again after an expiry counts again.
    pub claimed_over_time: Timeline,
    /// Seats paid by that many milliseconds after the start.
    pub sold_over_time: Timeline,
    /// Seats claimed anew after an earlier order had lost them.
    pub claimed_again: usize,
    /// What became of every order.
    pub orders: OrderCounts,
    /// The sections after the rush.
    pub sections: Vec<SectionLeft>,
    /// Crowd and concert.
    pub settings: Settings,
    /// Where the crowd ran.
    pub machine: Machine,
    /// Broken promises, in words; must be empty.
    pub broken: Vec<String>,
}

/// How many buyers ended in which way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Endings {
    /// Own their seats.
    pub paid: usize,
    /// Left an order unpaid, as they meant to.
    pub abandoned: usize,
    /// Were told that another buyer has the seats, and wanted no others.
    pub refused: usize,
    /// Found too few seats left.
    pub sold_out: usize,
    /// Got no seats in time though some were left, or no answer.
    pub timed_out: usize,
    /// Were stopped before they had ended.
    pub interrupted: usize,
    /// Met an answer no buyer expects.
    pub failed: usize,
}

/// How long buyers waited, in milliseconds from the moment they were due to arrive, even if their machine was busy then.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FromArrival {
    /// Until their first request was sent: the delay of their own machine, which is part of all the others.
    pub started: Option<Latency>,
    /// Until their first answer. A buyer who left without one counts with the time it waited, which is too short; one who was stopped
    /// does not count.
    pub answered: Option<Latency>,
    /// Until their first successful claim.
    pub claimed: Option<Latency>,
    /// Until they owned their seats.
    pub paid: Option<Latency>,
}

impl FromArrival {
    /// Those that were measured, each with a word for what was waited for.
    pub fn words(&self) -> Vec<(&'static str, &Latency)> {
        let all = [("started", &self.started), ("answered", &self.answered), ("claimed", &self.claimed), ("paid", &self.paid)];
        all.into_iter().filter_map(|(name, latency)| Some((name, latency.as_ref()?))).collect()
    }

    fn of(buyers: &[Buyer]) -> Self {
        let until = |moment: fn(&Buyer) -> Option<Instant>| {
            Latency::of_durations(buyers.iter().filter_map(|buyer| Some(moment(buyer)?.saturating_duration_since(buyer.arrived_at?))))
        };
        Self {
            started: Latency::of_durations(buyers.iter().filter(|buyer| buyer.arrived_at.is_some()).map(|buyer| buyer.started_late)),
            answered: until(|buyer| buyer.answered_at.or(buyer.gone_at.filter(|_| buyer.ending != Some(Ending::Interrupted)))),
            claimed: until(|buyer| buyer.purchases.first().map(|purchase| purchase.claimed_at)),
            paid: until(|buyer| buyer.purchases.iter().find_map(|purchase| purchase.paid_at)),
        }
    }
}

impl RushReport {
    /// Verifies the rush, adds up what was found, and closes the buyers' connections.
    ///
    /// # Errors
    /// When neither the database nor the server can be asked.
    pub async fn of(mut rush: Answered) -> anyhow::Result<Self> {
        let findings = rush.verify().await?;
        Ok(Self::new(&rush, findings))
    }

    fn new(rush: &Answered, findings: Findings) -> Self {
        let Answered { setup, buyers, started_at, .. } = rush;
        let started_at = *started_at;
        let totals = Totals::of(buyers.iter().map(|buyer| &buyer.tally));
        let rush_seconds = rush.took().as_secs_f64();
        let purchases = || buyers.iter().flat_map(|buyer| &buyer.purchases);
        let paid = || purchases().filter_map(|purchase| Some((purchase.paid_at?, purchase.seats.len())));
        let last_paid_at = paid().map(|(paid_at, _)| paid_at).max().unwrap_or(started_at);
        let claimed = || purchases().flat_map(|purchase| &purchase.seats);
        let unserved = unserved(buyers, findings.left_together());
        Self {
            event_id: setup.sale.concert.event_id,
            seed: setup.plan.seed,
            interrupted: rush.is_interrupted(),
            buyers: buyers.len(),
            seats: setup.seats,
            sold: paid().map(|(_, seats)| seats).sum(),
            oversold: findings.oversold,
            violations: findings.violations,
            sell_out_seconds: (last_paid_at - started_at).as_secs_f64(),
            rush_seconds,
            buyers_ended: Endings::of(buyers),
            refunds_due: purchases().filter(|purchase| purchase.refund_due).count(),
            requests_per_second: totals.requests as f64 / rush_seconds.max(0.001),
            totals,
            from_arrival_ms: FromArrival::of(buyers),
            claimed_over_time: timeline(started_at, purchases().map(|purchase| (purchase.claimed_at, purchase.seats.len()))),
            sold_over_time: timeline(started_at, paid()),
            claimed_again: claimed().count() - claimed().collect::<HashSet<_>>().len(),
            orders: findings.orders,
            sections: findings.sections,
            settings: rush.settings.clone(),
            machine: Machine::look(),
            broken: [findings.broken, unserved].concat(),
        }
    }

    /// Whether every promise was kept.
    pub fn is_kept(&self) -> bool {
        self.broken.is_empty() && self.oversold == 0 && self.violations.unwrap_or(0) == 0
    }
}

impl Endings {
    fn of(buyers: &[Buyer]) -> Self {
        let mut endings = Self::default();
        for buyer in buyers {
            *match buyer.ending {
                Some(Ending::Paid) => &mut endings.paid,
                Some(Ending::Abandoned) => &mut endings.abandoned,
                Some(Ending::Refused) => &mut endings.refused,
                Some(Ending::Interrupted) => &mut endings.interrupted,
                Some(Ending::SoldOut) => &mut endings.sold_out,
                Some(Ending::Failed(_)) => &mut endings.failed,
                Some(Ending::TimedOut) | None => &mut endings.timed_out,
            } += 1;
        }
        endings
    }
}

/// Promises broken to buyers who left without seats.
fn unserved(buyers: &[Buyer], left_together: usize) -> Vec<String> {
    let mut broken = Vec::new();
    for step in Step::ALL {
        let count = buyers.iter().filter(|buyer| buyer.waiting_for == Some(step) && buyer.ending != Some(Ending::Interrupted)).count();
        if count > 0 {
            broken.push(format!("{count} buyers got no answer in time ({})", step.name()));
        }
    }
    let searching = buyers.iter().filter(|buyer| buyer.ending == Some(Ending::TimedOut) && buyer.waiting_for.is_none()).count();
    if searching > 0 {
        broken.push(format!("{searching} buyers were still looking for seats when their time was up"));
    }
    let failures: Vec<&String> =
        buyers.iter().filter_map(|buyer| if let Some(Ending::Failed(why)) = &buyer.ending { Some(why) } else { None }).collect();
    broken.extend(failures.iter().take(EXAMPLES_MAX).map(|why| format!("a buyer failed: {why}")));
    if failures.len() > EXAMPLES_MAX {
        broken.push(format!("… and {} more buyers failed", failures.len() - EXAMPLES_MAX));
    }
    let refused = buyers.iter().filter(|buyer| buyer.ending == Some(Ending::SoldOut) && buyer.intent.quantity <= left_together).count();
    if refused > 0 {
        broken.push(format!("{refused} buyers were told \"sold out\", yet one section has {left_together} seats left"));
    }
    broken
}
