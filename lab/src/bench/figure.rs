//! A figure: what it measures, what it must reach, and the samples of all rounds.

use serde::Serialize;

/// What a figure is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// Less is better.
    AtMost {
        /// What it must not exceed.
        must: f64,
        /// What it should not exceed.
        aim: f64,
    },
    /// More is better.
    AtLeast {
        /// What it must reach.
        must: f64,
        /// What it should reach.
        aim: f64,
    },
}

impl Goal {
    /// What must be kept.
    pub fn must(self) -> f64 {
        let (Self::AtMost { must, .. } | Self::AtLeast { must, .. }) = self;
        must
    }

    /// What is aimed at.
    pub fn aim(self) -> f64 {
        let (Self::AtMost { aim, .. } | Self::AtLeast { aim, .. }) = self;
        aim
    }

    /// Whether `value` keeps what must be kept.
    pub fn holds(self, value: f64) -> bool {
        self.reaches(value, self.must())
    }

    /// Whether `value` is as good as what is aimed at.
    pub fn is_reached(self, value: f64) -> bool {
        self.reaches(value, self.aim())
    }

    /// `≤` or `≥`.
    pub fn sign(self) -> char {
        match self {
            Self::AtMost { .. } => '≤',
            Self::AtLeast { .. } => '≥',
        }
    }

    fn reaches(self, value: f64, limit: f64) -> bool {
        match self {
            Self::AtMost { .. } => value <= limit,
            Self::AtLeast { .. } => value >= limit,
        }
    }
}

/// One figure of a run: the median of its rounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// Names it for `--only`.
    pub id: &'static str,
    /// What it measures.
    pub what: &'static str,
    /// Its unit; empty for a ratio.
    pub unit: &'static str,
    /// The middle of all rounds.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
    /// What it must reach; null for a figure without a goal, or the base of a ratio.
    pub must: Option<f64>,
    /// What it should reach.
    pub aim: Option<f64>,
    /// Whether the median keeps what must be kept.
    pub holds: Option<bool>,
    /// Every round's value, in their order.
    pub rounds: Vec<f64>,
    /// What it is compared with.
    #[serde(skip)]
    pub goal: Option<Goal>,
}

impl Figure {
    /// The figure of these samples; `None` if there are none.
    pub fn of(id: &'static str, what: &'static str, unit: &'static str, goal: Option<Goal>, rounds: &[f64]) -> Option<Self> {
        let median = median(rounds)?;
        Some(Self {
            id,
            what,
            unit,
            median,
            min: rounds.iter().copied().fold(f64::INFINITY, f64::min),
            max: rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            must: goal.map(Goal::must),
            aim: goal.map(Goal::aim),
            holds: goal.map(|goal| goal.holds(median)),
            rounds: rounds.to_vec(),
            goal,
        })
    }

    /// The verdict in words; empty without a goal.
    pub fn verdict(&self) -> &'static str {
        match self.goal {
            None => "",
            Some(goal) if goal.is_reached(self.median) => "holds (aim)",
            Some(goal) if goal.holds(self.median) => "holds",
            Some(_) => "falls short",
        }
    }
}

/// The middle value, or the mean of the two in the middle.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        count if count % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// A number for people: about three significant digits, thousands separated.
pub fn readable(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Goal = Goal::AtMost { must: 3.0, aim: 1.5 };
    const MANY: Goal = Goal::AtLeast { must: 0.5, aim: 0.65 };

    fn figure(goal: Goal, rounds: &[f64]) -> Figure {
        Figure::of("x", "something", "s", Some(goal), rounds).expect("samples")
    }

    #[test]
    fn goals_hold_in_their_own_direction() {
        assert!(FAST.holds(3.0) && FAST.holds(0.1) && !FAST.holds(3.001));
        assert!(MANY.holds(0.5) && MANY.holds(2.0) && !MANY.holds(0.499));
        assert!(FAST.is_reached(1.5) && !FAST.is_reached(1.6));
        assert!(MANY.is_reached(0.65) && !MANY.is_reached(0.64));
    }

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_figure_is_judged_by_its_median() {
        let slow = figure(FAST, &[1.0, 9.0, 3.5]);
        assert_eq!((slow.median, slow.min, slow.max, slow.holds), (3.5, 1.0, 9.0, Some(false)));
        assert_eq!(slow.verdict(), "falls short");
        assert_eq!(figure(FAST, &[9.0, 2.0, 2.5]).verdict(), "holds");
        assert_eq!(figure(MANY, &[0.7]).verdict(), "holds (aim)");
        let base = Figure::of("y", "a base", "/s", None, &[7.0]).expect("a sample");
        assert_eq!((base.must, base.aim, base.holds, base.verdict()), (None, None, None, ""));
        assert_eq!(Figure::of("z", "nothing", "", None, &[]), None);
    }

    #[test]
    fn numbers_are_readable() {
        let cases = [(1_234_567.4, "1,234,567"), (123.4, "123"), (12.34, "12.3"), (1.236, "1.24"), (0.0512, "0.051"), (-1500.0, "-1,500")];
        for (value, text) in cases {
            assert_eq!(readable(value), text);
        }
    }
}
