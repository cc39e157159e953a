//! What a run has measured so far: samples of figures, latencies, broken promises.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    catalogue::SPECS,
    figure::{Figure, median},
};
use crate::rush::{Latency, Timeline};

/// Everything measured so far.
#[derive(Default)]
pub struct Record {
    samples: BTreeMap<&'static str, Vec<f64>>,
    latencies: BTreeMap<&'static str, BTreeMap<&'static str, Vec<Latency>>>,
    /// Seats sold by each number of milliseconds, in the latest rush of each kind.
    pub sold_over_time: BTreeMap<&'static str, Timeline>,
    /// Broken promises, in words; must be empty.
    pub broken: Vec<String>,
    /// What could not be measured, and why.
    pub failed: Vec<String>,
}

impl Record {
    /// Notes this round's value of a figure.
    pub fn note(&mut self, id: &'static str, value: f64) {
        debug_assert!(SPECS.iter().any(|spec| spec.id == id), "{id} is no figure");
        self.samples.entry(id).or_default().push(value);
    }

    /// Notes this round's latencies of a rush, by step.
    pub fn latencies(&mut self, rush: &'static str, by_step: &BTreeMap<&'static str, Latency>) {
        let steps = self.latencies.entry(rush).or_default();
        by_step.iter().for_each(|(step, latency)| steps.entry(step).or_default().push(latency.clone()));
    }

    /// The last value of a figure.
    pub fn last(&self, id: &str) -> Option<f64> {
        self.samples.get(id)?.last().copied()
    }

    /// All figures that have a sample, in the order of the catalogue.
    pub fn figures(&self) -> Vec<Figure> {
        let of = |id| self.samples.get(id).map_or(&[][..], Vec::as_slice);
        SPECS.iter().filter_map(|spec| Figure::of(spec.id, spec.what, spec.unit, spec.goal, of(spec.id))).collect()
    }

    /// The median of every round's latencies, by rush and step.
    pub fn median_latencies(&self) -> BTreeMap<&'static str, BTreeMap<&'static str, StepLatency>> {
        let of = |rounds: &Vec<Latency>| {
            let middle = |part: fn(&Latency) -> f64| median(&rounds.iter().map(part).collect::<Vec<_>>()).unwrap_or_default();
            StepLatency {
                p50: middle(|latency| latency.p50),
                p90: middle(|latency| latency.p90),
                p99: middle(|latency| latency.p99),
                max: middle(|latency| latency.max),
            }
        };
        let steps = |steps: &BTreeMap<&'static str, Vec<Latency>>| steps.iter().map(|(step, rounds)| (*step, of(rounds))).collect();
        self.latencies.iter().map(|(rush, by_step)| (*rush, steps(by_step))).collect()
    }
}

/// How long one step of a rush took, in milliseconds: medians of all rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StepLatency {
    /// Half of the answers came at least this fast.
    pub p50: f64,
    /// 90 of 100 answers came at least this fast.
    pub p90: f64,
    /// 99 of 100 answers came at least this fast.
    pub p99: f64,
    /// The slowest answer.
    pub max: f64,
}

impl StepLatency {
    /// In rising order.
    pub fn all(self) -> [f64; 4] {
        [self.p50, self.p90, self.p99, self.max]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_become_figures_in_the_order_of_the_catalogue() {
        let mut record = Record::default();
        for value in [3.0, 1.0, 2.0] {
            record.note("one_seat_s", value);
        }
        record.note("rush_s", 1.0);
        let figures = record.figures();
        assert_eq!(figures.iter().map(|figure| (figure.id, figure.median)).collect::<Vec<_>>(), [("rush_s", 1.0), ("one_seat_s", 2.0)]);
        assert_eq!(record.last("one_seat_s"), Some(2.0));
    }
}
