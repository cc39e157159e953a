//! What a run has measured so far: samples of figures, broken promises.

use std::collections::BTreeMap;

use super::{catalogue::SPECS, figure::Figure};

/// Everything measured so far.
#[derive(Default)]
pub struct Record {
    samples: BTreeMap<&'static str, Vec<f64>>,
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

    /// The last value of a figure.
    pub fn last(&self, id: &str) -> Option<f64> {
        self.samples.get(id)?.last().copied()
    }

    /// All figures that have a sample, in the order of the catalogue.
    pub fn figures(&self) -> Vec<Figure> {
        let of = |id| self.samples.get(id).map_or(&[][..], Vec::as_slice);
        SPECS.iter().filter_map(|spec| Figure::of(spec.id, spec.what, spec.unit, spec.goal, of(spec.id))).collect()
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
