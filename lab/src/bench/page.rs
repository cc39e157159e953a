//! The report as a page: verdicts first, then plots, then what the figures are made of.

use super::{
    figure::Figure,
    report::{BenchReport, row},
};
use crate::charts::{Axis, BarChart, Cell, Column, LineChart, Page, Table};

/// The kinds of rush as the plots call them.
const RUSHES: [(&str, &str); 3] =
    [("rush_s", "claim and pay"), ("rush_with_reads_s", "with both reads"), ("rush_choosing_s", "with reads and choosing")];

impl BenchReport {
    /// One self-contained HTML file.
    ///
    /// # Errors
    /// When a plot cannot be drawn.
    pub fn html(&self) -> anyhow::Result<String> {
        let machine = self.machine.lines();
        let mut page =
            Page::new("Benchmark", &format!("Medians of {} rounds, taken in {:.0} s, load generator included", self.rounds, self.seconds));
        self.verdict(&mut page);
        page.heading("Figures with a goal");
        let (goals, bases): (Vec<&Figure>, Vec<&Figure>) = self.figures.iter().partition(|figure| figure.goal.is_some());
        page.table(&table(&goals));
        self.plots(&mut page)?;
        if !bases.is_empty() {
            page.heading("What they are made of");
            page.table(&table(&bases));
        }
        page.heading("Where they were taken");
        page.list(&machine);
        Ok(page.render())
    }

    fn verdict(&self, page: &mut Page) {
        let goals: Vec<&Figure> = self.figures.iter().filter(|figure| figure.goal.is_some()).collect();
        let short = goals.iter().filter(|figure| figure.holds == Some(false)).count();
        let kept = if self.broken.is_empty() { "No promise was broken." } else { "Promises were broken:" };
        page.verdict(self.broken.is_empty(), kept);
        if !self.broken.is_empty() {
            page.list(&self.broken);
        }
        if !self.failed.is_empty() {
            page.verdict(false, "Not everything could be measured:");
            page.list(&self.failed);
        }
        if !goals.is_empty() {
            page.verdict(short == 0, &format!("{} of {} figures hold.", goals.len() - short, goals.len()));
        }
    }

    /// Those plots that this run has measured anything for.
    fn plots(&self, page: &mut Page) -> anyhow::Result<()> {
        if self.sold_over_time.is_empty() && self.latency_ms.is_empty() {
            return Ok(());
        }
        page.heading("Plots");
        if !self.sold_over_time.is_empty() {
            let mut sold = LineChart::new("Seats sold in a rush", Axis::new("since the start", "s"), Axis::new("seats", ""));
            for (rush, name) in RUSHES {
                if let Some(timeline) = self.sold_over_time.get(rush) {
                    sold = sold.line(name, timeline.iter().map(|(ms, seats)| (*ms as f64 / 1000.0, *seats as f64)).collect());
                }
            }
            page.chart(&sold.note("The last round of each kind."))?;
        }
        for (rush, name) in RUSHES {
            if let Some(steps) = self.latency_ms.get(rush) {
                let names = steps.keys().map(|step| step.replace('_', " ")).collect();
                let title = format!("Latency of each step: {name}");
                let mut bars = BarChart::new(&title, names, Axis::new("step", ""), Axis::new("from the request to its answer", "ms"));
                for (index, percentile) in ["p50", "p90", "p99", "max"].into_iter().enumerate() {
                    bars = bars.bars(percentile, steps.values().map(|latency| latency.all()[index]).collect());
                }
                page.chart(&bars)?;
            }
        }
        Ok(())
    }
}

fn table(figures: &[&Figure]) -> Table {
    let mut columns = vec![Column::text("id"), Column::text("figure"), Column::number("median"), Column::number("min–max")];
    let has_goals = figures.iter().any(|figure| figure.goal.is_some());
    if has_goals {
        columns.extend([Column::number("must"), Column::number("aim"), Column::text("verdict")]);
    }
    let mut table = Table::new(columns);
    for figure in figures {
        let [what, median, range, must, aim, verdict] = row(figure);
        let mut cells: Vec<Cell> = [figure.id.to_owned(), what, median, range].into_iter().map(Cell::from).collect();
        if has_goals {
            let verdict = if figure.holds == Some(false) { Cell::bad(&verdict) } else { Cell::good(&verdict) };
            cells.extend([Cell::from(must), Cell::from(aim), verdict]);
        }
        table.row(cells);
    }
    table
}

#[cfg(test)]
pub(super) mod tests {
    use crate::bench::{machine::Machine, record::Record, report::BenchReport};

    fn machine() -> Machine {
        Machine {
            cores: 2,
            cpu: "a <fast> core".to_owned(),
            memory_mb: 8_000,
            os: "an OS".to_owned(),
            postgres: "15.20".to_owned(),
            fsync: "on".to_owned(),
            synchronous_commit: "on".to_owned(),
            fdatasync_per_s: 8_000.0,
            load_before: 0.25,
        }
    }

    /// A report with something of everything.
    pub fn report() -> BenchReport {
        let mut record = Record::default();
        for (id, value) in [("rush_s", 1.25), ("claims_per_update", 1.1), ("claims_per_s", 12_345.0)] {
            record.note(id, value);
        }
        record.sold_over_time.insert("rush_s", vec![(0, 0), (1250, 10_000)]);
        BenchReport::new(record, machine(), 1, std::time::Duration::from_secs(7))
    }

    #[test]
    fn the_page_stands_alone_and_says_what_falls_short() {
        let html = report().html().expect("a page");
        for text in [
            "1 of 2 figures hold",
            "falls short",
            "12,345 /s",
            "a &lt;fast&gt; core",
            "Seats sold in a rush",
            "claims_per_update",
            "claims_per_s",
        ] {
            assert!(html.contains(text), "no {text}");
        }
        assert!(html.contains("No promise was broken") && html.matches("<figure").count() == 1);
        for foreign in ["<script", "src=", "href=", "url(", "@import"] {
            assert!(!html.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_broken_promise_stands_first() {
        let mut report = report();
        report.broken.push("a seat was sold twice".to_owned());
        report.failed.push("one seat, round 2: no route".to_owned());
        let html = report.html().expect("a page");
        assert!(html.contains("a seat was sold twice") && !html.contains("No promise was broken"));
        assert!(html.contains("Not everything could be measured") && html.contains("one seat, round 2: no route"));
    }
}
