//! Requests and answers, counted by each buyer for itself: nothing is shared or locked until the end.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use hyper::StatusCode;
use serde::Serialize;

/// What a buyer asks the server for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The sections and how many seats they have left.
    ReadSections,
    /// The seats of one section.
    ReadSeats,
    /// The seats of all sections, when they look sold out.
    ReadAvailability,
    Claim,
    /// The gateway's payment notice.
    Pay,
    /// The buyer's own order.
    ReadOrder,
}

impl Step {
    /// All steps, in the order a buyer takes them.
    pub const ALL: [Self; 6] = [Self::ReadSections, Self::ReadSeats, Self::ReadAvailability, Self::Claim, Self::Pay, Self::ReadOrder];

    /// Its name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadSections => "read_sections",
            Self::ReadSeats => "read_seats",
            Self::ReadAvailability => "read_availability",
            Self::Claim => "claim",
            Self::Pay => "pay",
            Self::ReadOrder => "read_order",
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    step: Step,
    status: u16,
    micros: u32,
}

/// One buyer's count.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    samples: Vec<Sample>,
    problems: Vec<String>,
    /// Connections that broke or could not be opened.
    pub connection_errors: u64,
}

impl Tally {
    /// Notes one answer and how long it took, from the moment the buyer meant to ask to the last byte of the body.
    pub fn answered(&mut self, step: Step, status: StatusCode, took: Duration) {
        self.samples.push(Sample { step, status: status.as_u16(), micros: micros(took) });
    }

    /// Notes the `code` of a problem body.
    pub fn problem(&mut self, code: &str) {
        self.problems.push(code.to_owned());
    }
}

/// How long something took, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    /// How often it was measured.
    pub count: u64,
    /// Half of them took at most this long.
    pub p50: f64,
    /// 9 of 10 took at most this long.
    pub p90: f64,
    /// 99 of 100 took at most this long.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
    /// Pairs of milliseconds and a count: how many took at most that long, but longer than the pair before.
    pub histogram: Vec<(f64, u64)>,
}

/// The sum of all buyers' tallies.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Answers to all requests.
    pub requests: u64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Refusals by the `code` of their problem.
    pub problems: BTreeMap<String, u64>,
    /// Connections that broke or could not be opened.
    pub connection_errors: u64,
    /// By the name of the step, in milliseconds.
    pub latency_ms: BTreeMap<&'static str, Latency>,
}

impl Totals {
    pub fn of<'a>(tallies: impl Iterator<Item = &'a Tally> + Clone) -> Self {
        let mut totals = Self::default();
        for tally in tallies.clone() {
            totals.connection_errors += tally.connection_errors;
            totals.requests += tally.samples.len() as u64;
            for sample in &tally.samples {
                *totals.statuses.entry(sample.status).or_default() += 1;
            }
            for code in &tally.problems {
                *totals.problems.entry(code.clone()).or_default() += 1;
            }
        }
        for step in Step::ALL {
            let micros = tallies.clone().flat_map(|tally| &tally.samples).filter(|sample| sample.step == step).map(|sample| sample.micros);
            if let Some(latency) = Latency::of(micros) {
                totals.latency_ms.insert(step.name(), latency);
            }
        }
        totals
    }
}

impl Latency {
    /// The upper end of the histogram's first entry, in microseconds, and how much wider each entry is than the one before.
    const HISTOGRAM: (u64, f64) = (110, 1.1);

    /// The latency of these microseconds; `None` if there are none.
    pub fn of(micros: impl Iterator<Item = u32>) -> Option<Self> {
        let mut histogram = Histogram::<u64>::new(3).ok()?;
        for value in micros {
            histogram.record(u64::from(value)).ok()?;
        }
        let ms = |micros: u64| micros as f64 / 1000.0;
        let quantile = |quantile| ms(histogram.value_at_quantile(quantile));
        let (first, factor) = Self::HISTOGRAM;
        let entries = histogram
            .iter_log(first, factor)
            .map(|entry| (ms(entry.value_iterated_to().min(histogram.max())), entry.count_since_last_iteration()));
        (!histogram.is_empty()).then(|| Self {
            count: histogram.len(),
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            max: ms(histogram.max()),
            histogram: entries.filter(|(_, count)| *count > 0).collect(),
        })
    }

    /// The latency of these durations; `None` if there are none.
    pub fn of_durations(durations: impl Iterator<Item = Duration>) -> Option<Self> {
        Self::of(durations.map(micros))
    }
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up() {
        let mut first = Tally::default();
        for micros in 1..=100 {
            first.answered(Step::Claim, StatusCode::CREATED, Duration::from_millis(micros));
        }
        let mut second = Tally { connection_errors: 2, ..Tally::default() };
        second.answered(Step::ReadSeats, StatusCode::OK, Duration::from_millis(3));
        second.answered(Step::Claim, StatusCode::CONFLICT, Duration::from_millis(200));
        second.problem("seat_taken");
        let totals = Totals::of([&first, &second].into_iter());
        assert_eq!((totals.requests, totals.connection_errors), (102, 2));
        assert_eq!(totals.statuses, BTreeMap::from([(200, 1), (201, 100), (409, 1)]));
        assert_eq!(totals.problems, BTreeMap::from([("seat_taken".to_owned(), 1)]));
        let claim = &totals.latency_ms["claim"];
        assert_eq!(claim.count, 101);
        assert!((50.9..51.2).contains(&claim.p50), "{claim:?}");
        assert!((90.9..91.2).contains(&claim.p90), "{claim:?}");
        assert!((99.9..100.2).contains(&claim.p99), "{claim:?}");
        assert!((199.9..200.2).contains(&claim.max), "{claim:?}");
        assert!(!totals.latency_ms.contains_key("pay"));
        assert_eq!(claim.histogram.iter().map(|(_, count)| count).sum::<u64>(), 101);
        let up_to_50: u64 = claim.histogram.iter().filter(|(ms, _)| *ms <= 50.0).map(|(_, count)| count).sum();
        assert!((35..=50).contains(&up_to_50) && claim.histogram.is_sorted(), "{claim:?}");
    }
}
