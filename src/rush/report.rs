//! What the rush found out, for people and for programs.

use std::{fmt, time::Instant};

use indicatif::HumanCount;
use serde::Serialize;

use super::{
    Plan,
    buyer::{Buyer, Ending},
    sale::Sale,
    tally::{Step, Totals},
    verify::Findings,
};

/// Failures that are written out; the rest is counted.
const EXAMPLES_MAX: usize = 5;

/// The outcome of a rush.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The concert.
    pub event_id: i64,
    /// Seeds the choices of the buyers.
    pub seed: u64,
    /// Buyers released.
    pub buyers: usize,
    /// Seats on sale at the release.
    pub seats: usize,
    /// Seats whose payment was answered.
    pub sold: usize,
    /// Seats in the hands of two buyers; must be 0.
    pub oversold: usize,
    /// Rows of `admin.invariant_violations`; must be 0. Null: there was no database URL to ask it.
    pub violations: Option<usize>,
    /// From the release to the last payment's answer.
    pub sell_out_seconds: f64,
    /// From the release until the last buyer had gone.
    pub rush_seconds: f64,
    /// How the buyers' evenings ended.
    pub buyers_ended: Endings,
    /// Payments that came after the deadline, when the seats were another's.
    pub refunds_due: usize,
    /// Requests, statuses, problems, connection errors and latencies.
    #[serde(flatten)]
    pub totals: Totals,
    /// Answers a second, from the release until the last buyer had gone.
    pub requests_per_second: f64,
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
    /// Found too few seats left.
    pub sold_out: usize,
    /// Got no seats in time though some were left, or no answer.
    pub timed_out: usize,
    /// Met an answer no buyer expects.
    pub failed: usize,
}

impl Report {
    /// Adds up what the buyers and the verification found.
    pub fn new(
        plan: &Plan,
        sale: &Sale,
        seats: usize,
        buyers: &[Buyer],
        released_at: Instant,
        gone_at: Instant,
        findings: Findings,
    ) -> Self {
        let totals = Totals::of(buyers.iter().map(|buyer| &buyer.tally));
        let last_paid_at = buyers.iter().filter_map(|buyer| buyer.paid_at).max().unwrap_or(released_at);
        let rush_seconds = (gone_at - released_at).as_secs_f64();
        let purchases = || buyers.iter().flat_map(|buyer| &buyer.purchases);
        let mut broken = findings.broken;
        broken.extend(unserved(buyers, findings.left_together));
        Self {
            event_id: sale.concert.event_id,
            seed: plan.seed,
            buyers: buyers.len(),
            seats,
            sold: purchases().filter(|purchase| purchase.paid).map(|purchase| purchase.seats.len()).sum(),
            oversold: findings.oversold,
            violations: findings.violations,
            sell_out_seconds: (last_paid_at - released_at).as_secs_f64(),
            rush_seconds,
            buyers_ended: Endings::of(buyers),
            refunds_due: purchases().filter(|purchase| purchase.refund_due).count(),
            requests_per_second: totals.requests as f64 / rush_seconds.max(0.001),
            totals,
            broken,
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
                Some(Ending::SoldOut) => &mut endings.sold_out,
                Some(Ending::Failed(_)) => &mut endings.failed,
                Some(Ending::TimedOut) | None => &mut endings.timed_out,
            } += 1;
        }
        endings
    }
}

/// Promises that were broken to buyers who left with empty hands.
fn unserved(buyers: &[Buyer], left_together: usize) -> Vec<String> {
    let mut broken = Vec::new();
    for step in Step::ALL {
        let count = buyers.iter().filter(|buyer| buyer.waiting_for == Some(step)).count();
        if count > 0 {
            broken.push(format!("{count} buyers got no answer in time ({})", step.name()));
        }
    }
    let searching = buyers.iter().filter(|buyer| buyer.ending == Some(Ending::TimedOut) && buyer.waiting_for.is_none()).count();
    if searching > 0 {
        broken.push(format!("{searching} buyers were still looking for seats when the time was up"));
    }
    let failures: Vec<&String> =
        buyers.iter().filter_map(|buyer| if let Some(Ending::Failed(why)) = &buyer.ending { Some(why) } else { None }).collect();
    broken.extend(failures.iter().take(EXAMPLES_MAX).map(|why| format!("a buyer failed: {why}")));
    if failures.len() > EXAMPLES_MAX {
        broken.push(format!("… and {} more buyers failed", failures.len() - EXAMPLES_MAX));
    }
    let refused = buyers.iter().filter(|buyer| buyer.ending == Some(Ending::SoldOut) && buyer.intent.quantity <= left_together).count();
    if refused > 0 {
        broken.push(format!("{refused} buyers were told \"sold out\", yet {left_together} seats of one section are left"));
    }
    broken
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |number: usize| HumanCount(number as u64);
        let Endings { paid, abandoned, sold_out, timed_out, failed } = self.buyers_ended;
        writeln!(
            f,
            "  seats sold      {} of {}, to {} buyers of {}",
            count(self.sold),
            count(self.seats),
            count(paid),
            count(self.buyers)
        )?;
        if abandoned + sold_out + timed_out + failed > 0 {
            let (abandoned, sold_out) = (count(abandoned), count(sold_out));
            writeln!(f, "  other buyers    {abandoned} abandoned, {sold_out} found it sold out, {timed_out} timed out, {failed} failed")?;
        }
        writeln!(f, "  time to sell    {:.2} s, from the release to the last payment's answer", self.sell_out_seconds)?;
        let rate = count(self.requests_per_second as usize);
        writeln!(f, "  requests        {}, {rate} a second", HumanCount(self.totals.requests))?;
        let statuses = self.totals.statuses.iter().map(|(status, number)| format!("{status} × {}", HumanCount(*number)));
        writeln!(f, "  statuses        {}", statuses.collect::<Vec<_>>().join(", "))?;
        if !self.totals.problems.is_empty() {
            let problems = self.totals.problems.iter().map(|(code, number)| format!("{code} × {}", HumanCount(*number)));
            writeln!(f, "  refusals        {}", problems.collect::<Vec<_>>().join(", "))?;
        }
        writeln!(f, "  latency in ms   {:>10} {:>10} {:>10} {:>10}", "count", "p50", "p99", "max")?;
        for step in Step::ALL {
            if let Some(latency) = self.totals.latency_ms.get(step.name()) {
                let (name, times) = (step.name().replace('_', " "), HumanCount(latency.count).to_string());
                writeln!(f, "    {name:<13} {times:>10} {:>10.1} {:>10.1} {:>10.1}", latency.p50, latency.p99, latency.max)?;
            }
        }
        writeln!(f, "  oversold        {}", self.oversold)?;
        match self.violations {
            Some(violations) => writeln!(f, "  violations      {violations}")?,
            None => writeln!(f, "  violations      not asked: give --database-url to ask the database for its invariants")?,
        }
        write!(f, "  errors          {} connection errors", self.totals.connection_errors)?;
        for broken in &self.broken {
            write!(f, "\n  BROKEN          {broken}")?;
        }
        Ok(())
    }
}
