//! An axis: what it shows, in which unit, and where its ticks are.

use std::ops::Range;

use indicatif::HumanFloatCount;
use plotters::coord::{
    ranged1d::{BoldPoints, DefaultFormatting, KeyPointHint, Ranged},
    types::RangedCoordf64,
};

/// The part of an axis that is drawn, with its ticks.
#[derive(Clone, Debug)]
pub(super) struct Span {
    range: Range<f64>,
    ticks: Vec<f64>,
}

impl Span {
    pub(super) fn new(range: Range<f64>, ticks: Vec<f64>) -> Self {
        Self { range, ticks }
    }

    pub(super) fn ticks(&self) -> &[f64] {
        &self.ticks
    }

    /// The same part without labels.
    pub(super) fn without_ticks(&self) -> Self {
        Self::new(self.range.clone(), Vec::new())
    }

    /// The distance between the two nearest ticks, as a share of the axis.
    pub(super) fn least_distance(&self) -> f64 {
        let least = self.ticks.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(f64::INFINITY, f64::min);
        (least / (self.range.end - self.range.start)).min(1.0)
    }
}

impl Ranged for Span {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(self.range.clone()).map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// How values become distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    /// From 0 (or the least, if that is negative), evenly.
    Linear,
    /// Each power of ten as far as the one before; for values above 0.
    Log,
}

/// What an axis shows.
#[derive(Clone, Debug)]
pub struct Axis {
    label: String,
    unit: String,
    scale: Scale,
}

/// Ticks wished for on an axis.
const TICKS: usize = 7;

impl Axis {
    /// An even axis from 0; the unit may be empty.
    pub fn new(label: &str, unit: &str) -> Self {
        Self { label: label.to_owned(), unit: unit.to_owned(), scale: Scale::Linear }
    }

    /// Logarithmic instead: values at or below 0 are left out.
    pub fn log(self) -> Self {
        Self { scale: Scale::Log, ..self }
    }

    /// Label and unit.
    pub(super) fn title(&self) -> String {
        if self.unit.is_empty() { self.label.clone() } else { format!("{} ({})", self.label, self.unit) }
    }

    /// Where on the axis the value is; `None` if it is not on it.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        match self.scale {
            Scale::Linear => Some(value),
            Scale::Log => (value > 0.0).then(|| value.log10()),
        }
        .filter(|place| place.is_finite())
    }

    /// What is written at a place.
    pub(super) fn tick(&self, place: f64) -> String {
        let value = match self.scale {
            Scale::Linear => place,
            Scale::Log => 10_f64.powf(place),
        };
        short(value)
    }

    /// The axis for these values, drawn up to a bit more than the greatest of them (`headroom`, a share of it).
    pub(super) fn over(&self, values: impl Iterator<Item = f64>, headroom: f64) -> Span {
        let places = values.filter_map(|value| self.place(value));
        let (least, most) = places.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), place| (least.min(place), most.max(place)));
        if least > most {
            return Span::new(0.0..1.0, Vec::new());
        }
        let (range, ticks) = match self.scale {
            Scale::Linear => {
                let (from, to) =
                    (least.min(0.0), if most > least.min(0.0) { most + (most - least.min(0.0)) * headroom } else { most + 1.0 });
                (from..to, RangedCoordf64::from(from..to).key_points(BoldPoints(TICKS)))
            }
            Scale::Log => {
                // A bar of the least value has a height, too.
                let from = (least - headroom).floor();
                let to = (most + (most - from) * headroom).max(from + 0.5);
                (from..to, log_ticks(from..to))
            }
        };
        Span { range, ticks }
    }
}

/// 1, 2, 5, 10, 20, … or only the powers of ten if those are too many.
fn log_ticks(range: Range<f64>) -> Vec<f64> {
    let decades = (range.start.floor() as i32)..=(range.end.ceil() as i32);
    let steps: &[f64] = if range.end - range.start > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let places = decades.flat_map(|decade| steps.iter().map(move |step| step.log10() + f64::from(decade)));
    places.filter(|place| (range.start..=range.end).contains(place)).collect()
}

/// A number for an axis or a label, with as many digits as needed.
pub(super) fn short(value: f64) -> String {
    let (value, suffix) = if value.abs() >= 1e6 { (value / 1e6, "M") } else { (value, "") };
    let digits = if value == 0.0 { 0 } else { (2 - value.abs().log10().floor() as i32).clamp(0, 4) };
    let unit = 10_f64.powi(digits);
    format!("{}{suffix}", HumanFloatCount((value * unit).round() / unit))
}

/// A number for a narrow bar: three digits at most, and what they count.
pub(super) fn brief(value: f64) -> String {
    let (value, suffix) = if (1e3..1e6).contains(&value.abs()) { (value / 1e3, "k") } else { (value, "") };
    if suffix.is_empty() {
        return short(value);
    }
    let digits = if value.abs() < 100.0 { 1 } else { 0 };
    format!("{value:.digits$}{suffix}").replace(".0k", "k")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let written = [0.0, 0.1, 0.123_45, 5.0, 12.34, 1234.6, 10_000.0, 1_500_000.0].map(short);
        assert_eq!(written, ["0", "0.1", "0.123", "5", "12.3", "1,235", "10,000", "1.5M"]);
    }

    #[test]
    fn numbers_on_bars_are_shorter() {
        assert_eq!(
            [0.0, 0.123_45, 12.34, 999.0, 1415.0, 38_450.0, 10_000.0, 650_400.0, 2_500_000.0].map(brief),
            ["0", "0.123", "12.3", "999", "1.4k", "38.5k", "10k", "650k", "2.5M"]
        );
    }

    #[test]
    fn a_logarithmic_axis_has_ticks_at_round_numbers_and_no_place_for_nothing() {
        let axis = Axis::new("latency", "ms").log();
        let range = axis.over([0.0, 3.0, 70.0].into_iter(), 0.0);
        let ticks: Vec<String> = range.key_points(BoldPoints(20)).into_iter().map(|place| axis.tick(place)).collect();
        assert_eq!(ticks, ["1", "2", "5", "10", "20", "50"]);
        assert_eq!(axis.place(0.0), None);
        assert_eq!(axis.title(), "latency (ms)");
    }

    #[test]
    fn an_even_axis_begins_at_nothing_and_bears_any_values() {
        for values in [&[][..], &[5.0], &[0.0], &[-3.0, 4.0], &[f64::NAN, 2.0]] {
            let range = Axis::new("seats", "").over(values.iter().copied(), 0.1).range();
            assert!(range.start <= 0.0 && range.end > range.start, "{values:?}: {range:?}");
            assert!(values.iter().all(|value| value.is_nan() || range.contains(value)), "{values:?}: {range:?}");
        }
    }
}
