//! The report in words: what was proven, and the figures for a terminal.

use std::fmt;

use indicatif::HumanCount;

use super::{Endings, RushReport};
use crate::rush::tally::{Latency, Step};

pub(super) fn count(number: usize) -> HumanCount {
    HumanCount(number as u64)
}

/// The counts above 0, each with its words.
fn listed(parts: &[(&str, usize)], sign: &str) -> String {
    let parts: Vec<String> =
        parts.iter().filter(|(_, number)| *number > 0).map(|(what, number)| format!("{} {what}", count(*number))).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(sign) }
}

impl RushReport {
    /// The outcome in one sentence.
    pub fn verdict(&self) -> String {
        let sold = format!("{} of {} seats sold", count(self.sold), count(self.seats));
        match (self.is_kept(), self.interrupted) {
            (true, false) => format!("Every promise was kept: {sold}, none twice."),
            (true, true) => format!("Stopped after {:.1} s; every promise was kept until then: {sold}, none twice.", self.rush_seconds),
            (false, _) => format!("A promise was broken: {}", self.broken.first().map_or("see the figures", String::as_str)),
        }
    }

    /// What was proven, one sentence per fact.
    pub fn proofs(&self) -> Vec<String> {
        let mut proofs = vec![match self.oversold {
            0 => format!("Seats sold: {}; seats sold to two buyers: none.", count(self.sold)),
            oversold => format!("Seats sold: {}; seats sold to two buyers: {}.", count(self.sold), count(oversold)),
        }];
        proofs.push(match self.violations {
            Some(0) => "No invariant is violated: the database was asked for all of them.".to_owned(),
            Some(violations) => format!("The database has {} violations of invariants.", count(violations)),
            None => "The database was not asked for violations of invariants: that needs its URL (--database-url).".to_owned(),
        });
        proofs.push(match self.orders.orders {
            0 => "There are no orders.".to_owned(),
            orders => format!("How every order ended: {} = {}.", count(orders), listed(&self.orders.words(), " + ")),
        });
        proofs.push(format!("How every buyer fared: {} = {}.", count(self.buyers), listed(&self.buyers_ended.words(), " + ")));
        if self.claimed_again > 0 {
            proofs.push(format!("{} seats were claimed again after an earlier order had lost them.", count(self.claimed_again)));
        }
        if self.interrupted {
            proofs.push("The rush was stopped early: orders may be pending, and requests in flight got no answer.".to_owned());
        }
        proofs
    }
}

impl Endings {
    /// Every ending with a word for it.
    pub fn words(&self) -> [(&'static str, usize); 7] {
        [
            ("own their seats", self.paid),
            ("left without paying", self.abandoned),
            ("were refused", self.refused),
            ("found it sold out", self.sold_out),
            ("ran out of time", self.timed_out),
            ("were stopped", self.interrupted),
            ("failed", self.failed),
        ]
    }
}

fn latency(f: &mut fmt::Formatter<'_>, name: &str, latency: &Latency) -> fmt::Result {
    let Latency { p50, p90, p99, max, .. } = latency;
    let times = HumanCount(latency.count).to_string();
    writeln!(f, "    {name:<17} {times:>10} {p50:>10.1} {p90:>10.1} {p99:>10.1} {max:>10.1}")
}

impl fmt::Display for RushReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {}", self.verdict())?;
        writeln!(
            f,
            "  seats sold      {} of {}, to {} of {} buyers",
            count(self.sold),
            count(self.seats),
            count(self.buyers_ended.paid),
            count(self.buyers)
        )?;
        writeln!(f, "  time to sell    {:.2} s, from the start to the answer to the last payment", self.sell_out_seconds)?;
        let rate = count(self.requests_per_second as usize);
        writeln!(f, "  requests        {}, {rate} per second", HumanCount(self.totals.requests))?;
        let statuses = self.totals.statuses.iter().map(|(status, number)| format!("{status} × {}", HumanCount(*number)));
        writeln!(f, "  statuses        {}", statuses.collect::<Vec<_>>().join(", "))?;
        if !self.totals.problems.is_empty() {
            let problems = self.totals.problems.iter().map(|(code, number)| format!("{code} × {}", HumanCount(*number)));
            writeln!(f, "  refusals        {}", problems.collect::<Vec<_>>().join(", "))?;
        }
        writeln!(f, "  latency in ms       {:>10} {:>10} {:>10} {:>10} {:>10}", "count", "p50", "p90", "p99", "max")?;
        for (name, measured) in self.steps() {
            latency(f, &name, measured)?;
        }
        writeln!(f, "  from arrival")?;
        for (name, measured) in self.from_arrival_ms.words() {
            latency(f, name, measured)?;
        }
        writeln!(f, "  oversold        {}", self.oversold)?;
        match self.violations {
            Some(violations) => writeln!(f, "  violations      {violations}")?,
            None => writeln!(f, "  violations      not asked for: give --database-url to ask the database")?,
        }
        writeln!(f, "  errors          {} connection errors", self.totals.connection_errors)?;
        write!(f, "  proven")?;
        for proof in self.proofs() {
            write!(f, "\n    {proof}")?;
        }
        for broken in &self.broken {
            write!(f, "\n  BROKEN          {broken}")?;
        }
        Ok(())
    }
}

impl RushReport {
    /// Every step that was taken, with its latency.
    pub(super) fn steps(&self) -> impl Iterator<Item = (String, &Latency)> {
        Step::ALL.into_iter().filter_map(|step| Some((step.name().replace('_', " "), self.totals.latency_ms.get(step.name())?)))
    }
}
