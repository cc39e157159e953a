//! The report as a page: verdicts first, then the figures with a goal, then what they are made of. The rush has plots of its own.

use super::{
    figure::Figure,
    report::{BenchReport, row},
};
use crate::charts::{Cell, Column, Page, Table};

impl BenchReport {
    /// One self-contained HTML file.
    pub fn html(&self) -> String {
        let machine = self.machine.lines();
        let mut page =
            Page::new("Benchmark", &format!("Medians of {} rounds, taken in {:.0} s, load generator included", self.rounds, self.seconds));
        self.verdict(&mut page);
        page.heading("Figures with a goal");
        let (goals, bases): (Vec<&Figure>, Vec<&Figure>) = self.figures.iter().partition(|figure| figure.goal.is_some());
        page.table(&table(&goals));
        if !bases.is_empty() {
            page.heading("What they are made of");
            page.table(&table(&bases));
        }
        page.heading("Where they were taken");
        page.list(&machine);
        page.render()
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
        BenchReport::new(record, machine(), 1, std::time::Duration::from_secs(7))
    }

    #[test]
    fn the_page_stands_alone_and_says_what_falls_short() {
        let html = report().html();
        for text in ["1 of 2 figures hold", "falls short", "12,345 /s", "a &lt;fast&gt; core", "claims_per_update", "claims_per_s"] {
            assert!(html.contains(text), "no {text}");
        }
        assert!(html.contains("No promise was broken"));
        for foreign in ["<script", "src=", "href=", "url(", "@import"] {
            assert!(!html.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_broken_promise_stands_first() {
        let mut report = report();
        report.broken.push("a seat was sold twice".to_owned());
        report.failed.push("one seat, round 2: no route".to_owned());
        let html = report.html();
        assert!(html.contains("a seat was sold twice") && !html.contains("No promise was broken"));
        assert!(html.contains("Not everything could be measured") && html.contains("one seat, round 2: no route"));
    }
}
