//! The report of a run: JSON for programs, a table for people.

use std::{fmt::Write, fs, path::Path, time::Duration};

use anyhow::Context;
use serde::Serialize;

use super::{
    figure::{Figure, readable},
    machine::Machine,
    record::Record,
};

/// What a run found out.
#[derive(Clone, Debug, Serialize)]
pub struct BenchReport {
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
    /// What could not be measured, and why: its figures are of fewer rounds, or missing.
    pub failed: Vec<String>,
}

impl BenchReport {
    pub(super) fn new(record: Record, machine: Machine, rounds: usize, took: Duration) -> Self {
        Self {
            figures: record.figures(),
            machine,
            rounds,
            seconds: took.as_secs_f64(),
            broken: shortened(record.broken),
            failed: record.failed,
        }
    }

    /// Writes `report.json`, `report.html` and `table.md` into the folder, which is made if missing.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let json = serde_json::to_string_pretty(self)? + "\n";
        for (name, text) in [("report.json", json), ("report.html", self.html()), ("table.md", self.markdown())] {
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
        let mut text = format!("| id | {} |\n| --- | --- | ---: | ---: | ---: | ---: | --- |\n", HEADINGS.join(" | "));
        for figure in &self.figures {
            writeln!(text, "| `{}` | {} |", figure.id, row(figure).join(" | ")).ok();
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

/// What a table says of a figure.
pub(super) fn row(figure: &Figure) -> [String; 6] {
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

#[cfg(test)]
mod tests {
    use super::{super::page::tests::report, *};

    #[test]
    fn the_table_has_a_line_a_figure_and_sets_the_bases_apart() {
        let table = report().table();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 5, "{table}");
        assert!(lines[1].contains("1.25 s") && lines[1].ends_with("holds (aim)"), "{table}");
        assert!(lines[2].contains("≥ 1.30") && lines[2].ends_with("falls short"), "{table}");
        assert!(lines[3].is_empty() && lines[4].ends_with("12,345–12,345"), "{table}");
    }

    #[test]
    fn the_markdown_table_is_one() {
        let markdown = report().markdown();
        let columns: Vec<usize> = markdown.lines().take(5).map(|line| line.matches('|').count()).collect();
        assert_eq!(columns, [8; 5], "{markdown}");
        assert!(markdown.contains("\n| `claims_per_update` | claims/s ÷ pgbench"), "{markdown}");
        assert!(markdown.contains("fsync on, synchronous_commit on"));
    }

    #[test]
    fn of_many_broken_promises_the_first_are_written_out() {
        let many = shortened((0..10_000).map(|number| number.to_string()).collect());
        assert_eq!((many.len(), many[0].as_str(), many[BROKEN_MAX].as_str()), (BROKEN_MAX + 1, "0", "… and 9980 more"));
        assert_eq!(shortened(vec!["one".to_owned()]), ["one"]);
    }
}
