//! The page itself.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Chart, THEME, Table, palette};

const STYLE: &str = include_str!("page.css");

/// One big number.
#[derive(Clone, Debug)]
pub struct Tile {
    /// What it is.
    pub label: String,
    /// The number, with its unit.
    pub value: String,
    /// What to think of it: a goal, a comparison; may be empty.
    pub note: String,
}

impl Tile {
    /// A tile of these three.
    pub fn new(label: &str, value: impl Into<String>, note: impl Into<String>) -> Self {
        Self { label: label.to_owned(), value: value.into(), note: note.into() }
    }
}

/// One self-contained HTML page, filled from top to bottom.
#[derive(Debug)]
pub struct Page {
    title: String,
    parts: Vec<Markup>,
}

impl Page {
    /// A page with its heading.
    pub fn new(title: &str, subtitle: &str) -> Self {
        let heading = html! { header { p.brand { "Rowlock" } h1 { (title) } p { (subtitle) } } };
        Self { title: title.to_owned(), parts: vec![heading] }
    }

    /// The outcome in one sentence, good or bad.
    pub fn verdict(&mut self, good: bool, words: &str) {
        let (tone, sign) = if good { ("good", "✓") } else { ("bad", "✗") };
        self.parts.push(html! { p.verdict.(tone) { span aria-hidden="true" { (sign) } " " (words) } });
    }

    /// Big numbers side by side.
    pub fn tiles(&mut self, tiles: &[Tile]) {
        self.parts.push(html! {
            div.tiles { @for tile in tiles { div.tile {
                p.label { (tile.label) } p.value { (tile.value) } @if !tile.note.is_empty() { p.note { (tile.note) } }
            } } }
        });
    }

    /// Begins a chapter.
    pub fn heading(&mut self, heading: &str) {
        self.parts.push(html! { h2 { (heading) } });
    }

    /// A paragraph.
    pub fn text(&mut self, text: &str) {
        self.parts.push(html! { p { (text) } });
    }

    /// Sentences, one below the other.
    pub fn list(&mut self, sentences: &[String]) {
        self.parts.push(html! { ul { @for sentence in sentences { li { (sentence) } } } });
    }

    /// Names and values: settings, the machine.
    pub fn facts(&mut self, facts: &[(&str, String)]) {
        self.parts.push(html! { dl { @for (name, fact) in facts { div { dt { (name) } dd { (fact) } } } } });
    }

    pub fn table(&mut self, table: &Table) {
        self.parts.push(table.markup());
    }

    /// A plot; consecutive plots are side by side where there is room.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub fn chart(&mut self, chart: &dyn Chart) -> anyhow::Result<()> {
        self.parts.push(chart.figure()?);
        Ok(())
    }

    /// The whole file.
    pub fn render(self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · Rowlock" }
                    style { (PreEscaped(THEME)) (PreEscaped(palette::css())) (PreEscaped(STYLE)) }
                }
                body { main { @for part in self.parts { (part) "\n" } } }
            }
        };
        page.into_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::{Axis, BarChart, Cell, Column, LineChart};

    fn page() -> String {
        let mut page = Page::new("<Rush>", "a & b");
        page.verdict(false, "2 seats were sold twice.");
        page.tiles(&[Tile::new("sold", "10", "")]);
        let (x, y) = (|| Axis::new("since the start", "s"), || Axis::new("seats \"sold\"", ""));
        let curve = (0..50).map(|at| (f64::from(at), f64::from(at * at))).collect();
        page.chart(&LineChart::new("Seats", x(), y()).area("sold", curve).line("none", Vec::new())).expect("drawn");
        let groups = vec!["A<B".to_owned(), "C".to_owned()];
        page.chart(&BarChart::new("Bars", groups, x(), y().log()).bars("p50", vec![1.0, 20.0]).bars("p99", vec![0.0, 5.0])).expect("drawn");
        let mut table = Table::new([Column::text("section"), Column::number("sold")]);
        table.row([Cell::from("A"), Cell::bad("falls short")]);
        page.table(&table);
        page.render()
    }

    #[test]
    fn a_page_is_whole_escaped_and_loads_nothing() {
        let page = page();
        for part in ["<title>&lt;Rush&gt;", "a &amp; b", "verdict bad", "falls short", "A&lt;B", "since the start (s)", "&quot;sold&quot;"]
        {
            assert!(page.contains(part), "{part} is missing: {page}");
        }
        for foreign in ["<script", "src=", "href=", "url(", "@import"] {
            assert!(!page.contains(foreign), "the page loads something: {foreign}");
        }
        for format in ["wide", "narrow"] {
            assert_eq!(page.matches(&format!("<svg class=\"{format}\" role=\"img\"")).count(), 2, "{format}");
        }
    }

    #[test]
    fn every_colour_of_a_plot_follows_the_style_sheet() {
        let page = page();
        let painted = page.split("<svg ").skip(1).flat_map(|svg| svg.split("</svg>").next());
        let colours: std::collections::BTreeSet<&str> =
            painted.flat_map(|svg| svg.split(['"', ' ']).filter(|word| word.len() == 7 && word.starts_with('#'))).collect();
        assert!(colours.len() >= 5, "{colours:?}");
        for colour in colours {
            assert!(page.contains(&format!("svg [stroke=\"{colour}\"]")), "{colour} does not change in the dark");
        }
    }
}
