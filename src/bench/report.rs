//! The report of a run: JSON for programs, a table for people.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path, time::Duration};

use anyhow::Context;
use serde::Serialize;

use super::{
    figure::{Figure, readable},
    machine::Machine,
    record::{Point, Record, StepLatency},
};
use crate::rush::Timeline;

/// What a run found out.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The figures: first those with a goal, then what they are made of.
    pub figures: Vec<Figure>,
    /// Where they were taken.
    pub machine: Machine,
    /// How often each was taken.
    pub rounds: usize,
    /// How long all of it took.
    pub seconds: f64,
    /// Broken promises, in words; must be empty.
    pub broken: Vec<String>,
    /// What depends on a size, by that size.
    pub curves: BTreeMap<&'static str, Vec<Point>>,
    /// Seats sold after so many milliseconds, in the last rush of each kind.
    pub sold_over_time: BTreeMap<&'static str, Timeline>,
    /// How long each step of each rush took, in milliseconds.
    pub latency_ms: BTreeMap<&'static str, BTreeMap<&'static str, StepLatency>>,
}

impl Report {
    pub(super) fn new(record: Record, machine: Machine, rounds: usize, took: Duration) -> Self {
        Self {
            figures: record.figures(),
            machine,
            rounds,
            seconds: took.as_secs_f64(),
            curves: record.curves(),
            latency_ms: record.median_latencies(),
            broken: shortened(record.broken),
            sold_over_time: record.sold_over_time,
        }
    }

    /// Writes `report.json` and `table.md` into the folder, which is made if missing.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        for (name, text) in [("report.json", serde_json::to_string_pretty(self)? + "\n"), ("table.md", self.markdown())] {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// The figures as a table for terminals: those with a goal, then what they are made of.
    pub fn table(&self) -> String {
        let rows: Vec<[String; 6]> = self.figures.iter().map(row).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(HEADINGS[column].len());
        let widths: [usize; 6] = std::array::from_fn(width);
        let mut table = String::new();
        let mut line = |cells: [&str; 6]| {
            let [what, median, range, must, aim, verdict] = cells;
            let [a, b, c, d, e, _] = widths;
            let line = format!("{what:<a$}  {median:>b$}  {range:>c$}  {must:>d$}  {aim:>e$}  {verdict}");
            table.push_str(line.trim_end());
            table.push('\n');
        };
        line(HEADINGS);
        let mut has_goal = true;
        for (figure, cells) in self.figures.iter().zip(&rows) {
            if has_goal && figure.goal.is_none() {
                line([""; 6]);
            }
            has_goal = figure.goal.is_some();
            line(std::array::from_fn(|column| cells[column].as_str()));
        }
        table
    }

    /// The figures as a table for Markdown, and where they were taken.
    pub fn markdown(&self) -> String {
        let mut text = format!("| {} |\n| --- | ---: | ---: | ---: | ---: | --- |\n", HEADINGS.join(" | "));
        for figure in &self.figures {
            writeln!(text, "| {} |", row(figure).join(" | ")).ok();
        }
        writeln!(text, "\nMedians of {} rounds, taken in {:.0} s.", self.rounds, self.seconds).ok();
        self.machine.lines().iter().for_each(|line| {
            writeln!(text, "{line}.").ok();
        });
        text
    }
}

/// The first of many: where one promise is broken, ten thousand are.
fn shortened(mut broken: Vec<String>) -> Vec<String> {
    let more = broken.len().saturating_sub(BROKEN_MAX);
    if more > 0 {
        broken.truncate(BROKEN_MAX);
        broken.push(format!("… and {more} more"));
    }
    broken
}

/// Broken promises that are written out.
const BROKEN_MAX: usize = 20;
const HEADINGS: [&str; 6] = ["figure", "median", "min–max", "must", "aim", "verdict"];

fn row(figure: &Figure) -> [String; 6] {
    let unit = if figure.unit.is_empty() { String::new() } else { format!(" {}", figure.unit) };
    let goal = |limit: f64| figure.goal.map_or_else(String::new, |goal| format!("{} {}{unit}", goal.sign(), readable(limit)));
    [
        figure.what.to_owned(),
        format!("{}{unit}", readable(figure.median)),
        format!("{}–{}", readable(figure.min), readable(figure.max)),
        figure.must.map_or_else(String::new, goal),
        figure.aim.map_or_else(String::new, goal),
        figure.verdict().to_owned(),
    ]
}
