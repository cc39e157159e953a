//! The report as a page.

use indicatif::HumanCount;

use super::{RushReport, words::count};
use crate::{
    charts::{Axis, BarChart, Cell, Column, LineChart, Page, Table, Tile},
    rush::{tally::Latency, timeline::Timeline},
};

impl RushReport {
    /// One self-contained HTML file.
    ///
    /// # Errors
    /// When a plot cannot be drawn.
    pub fn html(&self) -> anyhow::Result<String> {
        let title = if self.interrupted { "The rush, stopped early" } else { "The rush" };
        let arrivals = self.settings.rate.map_or_else(|| "all at once".to_owned(), |rate| format!("{rate} of them per second"));
        let subtitle = format!(
            "{} buyers for {} seats in {} sections, {arrivals}; seed {}",
            count(self.buyers),
            count(self.seats),
            count(self.sections.len()),
            self.seed
        );
        let mut page = Page::new(title, &subtitle);
        page.verdict(self.is_kept(), &self.verdict());
        page.tiles(&self.tiles());
        page.heading("What was proven");
        page.list(&self.proofs());
        if !self.broken.is_empty() {
            page.heading("What was broken");
            page.list(&self.broken);
        }
        self.add_charts(&mut page)?;
        page.heading("Latency");
        page.table(&self.latency_table());
        page.heading("Orders");
        page.table(&self.orders_table());
        page.heading("Sections");
        page.table(&self.sections_table());
        page.heading("What was run");
        let crowd =
            [("buyers", count(self.buyers).to_string()), ("seats on sale", count(self.seats).to_string()), ("seed", self.seed.to_string())];
        page.facts(&[crowd.to_vec(), self.settings.facts(), self.machine.facts()].concat());
        Ok(page.render())
    }

    fn tiles(&self) -> [Tile; 5] {
        let violations = self.violations.map_or_else(|| "not asked for".to_owned(), |violations| count(violations).to_string());
        let orders_per_second = self.orders.paid as f64 / self.sell_out_seconds.max(0.001);
        [
            Tile::new("seats sold", count(self.sold).to_string(), format!("of {}", count(self.seats))),
            Tile::new("time to sell", format!("{:.2} s", self.sell_out_seconds), "from the start to the answer to the last payment"),
            Tile::new(
                "paid orders per second",
                count(orders_per_second as usize).to_string(),
                format!("{} requests per second", count(self.requests_per_second as usize)),
            ),
            Tile::new("sold twice", count(self.oversold).to_string(), "must be 0"),
            Tile::new("violations", violations, "of invariants in the database; must be 0"),
        ]
    }

    fn add_charts(&self, page: &mut Page) -> anyhow::Result<()> {
        page.heading("How it went");
        let over_time = LineChart::new("Seats over time", Axis::new("since the start", "s"), Axis::new("seats", ""))
            .area("sold", seconds(&self.sold_over_time))
            .line("claimed", seconds(&self.claimed_over_time));
        page.chart(&over_time.note("A seat that is claimed again after an expiry is counted again."))?;
        page.chart(
            &percentiles("Latency of each step", "step", self.steps())
                .note("From the moment a buyer meant to send the request to the last byte of the answer."),
        )?;
        let mut shares = LineChart::new("Share of answers within a time", Axis::new("within", "ms").log(), Axis::new("answers", "%"));
        for (name, latency) in self.steps() {
            shares = shares.line(&name, cumulative(latency));
        }
        page.chart(&shares)?;
        let arrival = self.from_arrival_ms.words().into_iter().map(|(name, latency)| (name.to_owned(), latency));
        page.chart(
            &percentiles("Waiting time from a buyer's arrival", "until", arrival)
                .note("The first is the delay of the buyers' own machine, which all the others include."),
        )?;
        let statuses = self.totals.statuses.keys().map(ToString::to_string).collect();
        let answers = self.totals.statuses.values().map(|number| *number as f64).collect();
        page.chart(
            &BarChart::new("Answers by status", statuses, Axis::new("HTTP status", ""), Axis::new("answers", "")).bars("answers", answers),
        )?;
        let of = |value: fn(&crate::rush::SectionLeft) -> usize| self.sections.iter().map(|section| value(section) as f64).collect();
        let codes = self.sections.iter().map(|section| section.section.clone()).collect();
        let sections = BarChart::new("Sections at the end", codes, Axis::new("section", ""), Axis::new("seats", ""));
        let sections = sections.bars("sold", of(|section| section.sold)).bars("held", of(|section| section.held));
        page.chart(&sections.bars("available", of(|section| section.available)).stacked())
    }

    fn latency_table(&self) -> Table {
        let columns = ["count", "p50 (ms)", "p90 (ms)", "p99 (ms)", "max (ms)"].map(Column::number);
        let mut table = Table::new([Column::text("what")].into_iter().chain(columns));
        let arrival = self.from_arrival_ms.words().into_iter().map(|(name, latency)| (format!("from arrival until {name}"), latency));
        for (name, latency) in self.steps().chain(arrival) {
            let figures = [latency.p50, latency.p90, latency.p99, latency.max].map(|ms| Cell::from(format!("{ms:.1}")));
            table.row([Cell::from(name), Cell::from(HumanCount(latency.count).to_string())].into_iter().chain(figures));
        }
        table
    }

    fn orders_table(&self) -> Table {
        let mut table = Table::new([Column::text("how it ended"), Column::number("orders")]);
        for (what, orders) in self.orders.words() {
            table.row([Cell::from(what), Cell::from(count(orders).to_string())]);
        }
        table.row([Cell::from("total"), Cell::from(count(self.orders.orders).to_string())]);
        table
    }

    fn sections_table(&self) -> Table {
        let numbers = ["capacity", "sold", "held", "available"].map(Column::number);
        let mut table = Table::new([Column::text("section")].into_iter().chain(numbers));
        for section in &self.sections {
            let figures =
                [section.capacity, section.sold, section.held, section.available].map(|number| Cell::from(count(number).to_string()));
            table.row([Cell::from(section.section.as_str())].into_iter().chain(figures));
        }
        table
    }
}

fn seconds(timeline: &Timeline) -> Vec<(f64, f64)> {
    timeline.iter().map(|&(ms, seats)| (ms as f64 / 1000.0, seats as f64)).collect()
}

fn percentiles<'a>(title: &str, groups: &str, latencies: impl Iterator<Item = (String, &'a Latency)>) -> BarChart {
    let (names, latencies): (Vec<String>, Vec<&Latency>) = latencies.unzip();
    let of = |value: fn(&Latency) -> f64| latencies.iter().map(|latency| value(latency)).collect();
    BarChart::new(title, names, Axis::new(groups, ""), Axis::new("latency", "ms").log())
        .bars("p50", of(|latency| latency.p50))
        .bars("p90", of(|latency| latency.p90))
        .bars("p99", of(|latency| latency.p99))
        .bars("max", of(|latency| latency.max))
}

/// What percentage of the answers came within how many milliseconds.
fn cumulative(latency: &Latency) -> Vec<(f64, f64)> {
    let mut within = 0;
    let point = |&(ms, answers): &(f64, u64)| {
        within += answers;
        (ms, 100.0 * within as f64 / latency.count.max(1) as f64)
    };
    latency.histogram.iter().map(point).collect()
}
