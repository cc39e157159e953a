//! The report as a page: verdicts first, then plots, then what the figures are made of.

use super::{
    figure::Figure,
    record::Point,
    report::{Report, row},
};
use crate::charts::{Axis, BarChart, Cell, Column, LineChart, Page, Table};

/// What a claim, and a claim with its payment, cost with more and more of their work done.
const STAIRS: [(&str, &str, &str); 5] = [
    ("no-op", "no_op_cpu_us", "no_op_pair_cpu_us"),
    ("answered at once", "asked_claim_cpu_us", "asked_order_cpu_us"),
    ("written", "written_claim_cpu_us", "written_order_cpu_us"),
    ("and held", "held_claim_cpu_us", "held_order_cpu_us"),
    ("all of it", "claim_cpu_us", "order_cpu_us"),
];
/// The kinds of rush as the plots call them.
const RUSHES: [(&str, &str); 3] =
    [("rush_s", "claim and pay"), ("rush_with_reads_s", "with both reads"), ("rush_choosing_s", "with reads and choosing")];

impl Report {
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
        let stairs = self.stairs();
        if self.sold_over_time.is_empty() && self.curves.is_empty() && stairs.is_none() {
            return Ok(());
        }
        page.heading("Plots");
        if !self.sold_over_time.is_empty() {
            let mut sold = LineChart::new("Seats sold in a rush", Axis::new("since the release", "s"), Axis::new("seats", ""));
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
        let claims = || Axis::new("claims a second", "");
        self.curve(
            page,
            "claims_per_s_by_batch_size",
            "Throughput against batch size",
            Axis::new("claims in a batch", "").log(),
            claims(),
            "One connection, one commit a batch, PostgreSQL alone.",
        )?;
        let seats = || Axis::new("seats in the house", "").log();
        self.curve(
            page,
            "claims_per_s_by_house_size",
            "Claims against house size",
            seats(),
            claims(),
            "As many sections and as many claims in each house.",
        )?;
        let milliseconds = Axis::new("p99 of an uncached summary", "ms");
        self.curve(
            page,
            "summary_p99_ms_by_house_size",
            "Cost of a summary against house size",
            seats(),
            milliseconds,
            "Past all caches.",
        )?;
        stairs.map_or(Ok(()), |stairs| page.chart(&stairs))
    }

    /// What a request costs, step by step; only of a run that has measured all of it.
    fn stairs(&self) -> Option<BarChart> {
        let cost = |id: &str| self.figures.iter().find(|figure| figure.id == id).map(|figure| figure.median);
        let costs = |ids: [&str; 5]| ids.into_iter().map(cost).collect::<Option<Vec<f64>>>();
        let (claims, orders) = (costs(STAIRS.map(|stair| stair.1))?, costs(STAIRS.map(|stair| stair.2))?);
        let names = STAIRS.map(|stair| stair.0.to_owned()).to_vec();
        let bars = BarChart::new("What a request costs", names, Axis::new("what is done", ""), Axis::new("CPU time of everything", "µs"));
        Some(bars.bars("a claim", claims).bars("claim and payment", orders).note("256 connections, generator included."))
    }

    fn curve(&self, page: &mut Page, name: &str, title: &str, x: Axis, y: Axis, note: &str) -> anyhow::Result<()> {
        let Some(points) = self.curves.get(name) else { return Ok(()) };
        let points = points.iter().map(|Point { x, y }| (*x as f64, *y)).collect();
        page.chart(&LineChart::new(title, x, y).line("median", points).note(note))
    }
}

fn table(figures: &[&Figure]) -> Table {
    let mut columns = vec![Column::text("figure"), Column::number("median"), Column::number("min–max")];
    let has_goals = figures.iter().any(|figure| figure.goal.is_some());
    if has_goals {
        columns.extend([Column::number("must"), Column::number("aim"), Column::text("verdict")]);
    } else {
        columns.push(Column::text("id"));
    }
    let mut table = Table::new(columns);
    for figure in figures {
        let [what, median, range, must, aim, verdict] = row(figure);
        let mut cells: Vec<Cell> = [what, median, range].into_iter().map(Cell::from).collect();
        if has_goals {
            let verdict = if figure.holds == Some(false) { Cell::bad(&verdict) } else { Cell::good(&verdict) };
            cells.extend([Cell::from(must), Cell::from(aim), verdict]);
        } else {
            cells.push(Cell::from(figure.id));
        }
        table.row(cells);
    }
    table
}

#[cfg(test)]
pub(super) mod tests {
    use crate::bench::{machine::Machine, record::Record, report::Report};

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
    pub fn report() -> Report {
        let mut record = Record::default();
        for (id, value) in [("rush_s", 1.25), ("claims_per_update", 1.1), ("claims_per_s", 12_345.0)] {
            record.note(id, value);
        }
        record.point("claims_per_s_by_batch_size", 1, 800.0);
        record.point("claims_per_s_by_batch_size", 256, 20_000.0);
        record.sold_over_time.insert("rush_s", vec![(0, 0), (1250, 10_000)]);
        Report::new(record, machine(), 1, std::time::Duration::from_secs(7))
    }

    #[test]
    fn what_a_request_costs_is_drawn_once_all_of_it_was_measured() {
        let drawn = |stairs: &[(&str, &'static str, &'static str)]| {
            let mut record = Record::default();
            for (name, claim, order) in stairs {
                record.note(claim, name.len() as f64);
                record.note(order, 2.0 * name.len() as f64);
            }
            let html = Report::new(record, machine(), 1, std::time::Duration::from_secs(7)).html().expect("a page");
            html.contains("What a request costs")
        };
        assert!(drawn(&super::STAIRS) && !drawn(&super::STAIRS[1..]));
    }

    #[test]
    fn the_page_stands_alone_and_says_what_falls_short() {
        let html = report().html().expect("a page");
        for text in
            ["1 of 2 figures hold", "falls short", "12,345 /s", "a &lt;fast&gt; core", "Throughput against batch size", "claims_per_s"]
        {
            assert!(html.contains(text), "no {text}");
        }
        assert!(html.contains("No promise was broken") && html.matches("<svg").count() == 2);
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
