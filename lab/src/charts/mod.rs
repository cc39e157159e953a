//! Pages for people: one self-contained HTML file with tables and plots, readable in light and dark and on paper.
//!
//! ```
//! use rowlock_lab::charts::{Axis, Cell, Column, LineChart, Page, Table};
//!
//! let mut page = Page::new("Rush", "10,000 buyers, 10,000 seats");
//! page.verdict(true, "Every promise was kept.");
//! page.heading("Seats over time");
//! let sold = vec![(0.0, 0.0), (0.7, 6_000.0), (1.4, 10_000.0)];
//! page.chart(&LineChart::new("Seats sold", Axis::new("since the start", "s"), Axis::new("seats", "")).area("sold", sold))?;
//! let mut table = Table::new([Column::text("section"), Column::number("sold")]);
//! table.row([Cell::from("A"), Cell::from("1,000")]);
//! page.table(&table);
//! let html = page.render();
//! # assert!(html.contains("<svg") && html.contains("1,000"));
//! # anyhow::Ok(())
//! ```
//!
//! Nothing is loaded from anywhere: the style is inline, plots are inline SVG, and there are no scripts.

mod axis;
mod bars;
mod draw;
mod labels;
mod lines;
mod page;
mod palette;
mod table;

use maud::Markup;

pub use self::{
    axis::Axis,
    bars::BarChart,
    lines::LineChart,
    page::{Page, Tile},
    table::{Cell, Column, Table},
};

/// The colours of every page, light and dark, as variables of its style sheet.
pub(crate) use rowlock::web::THEME;

/// What can be put on a page with [`Page::chart`].
pub trait Chart {
    /// Title, legend, plot and note as a `figure`.
    ///
    /// # Errors
    /// When it cannot be drawn.
    fn figure(&self) -> anyhow::Result<Markup>;
}
