//! Tables.

use maud::{Markup, html};

#[derive(Clone, Debug)]
pub struct Column {
    title: String,
    number: bool,
}

impl Column {
    /// A column of words.
    pub fn text(title: &str) -> Self {
        Self { title: title.to_owned(), number: false }
    }

    /// A column of numbers, aligned on the right.
    pub fn number(title: &str) -> Self {
        Self { title: title.to_owned(), number: true }
    }
}

#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    tone: Option<&'static str>,
}

impl Cell {
    /// Good news.
    pub fn good(text: &str) -> Self {
        Self { text: text.to_owned(), tone: Some("good") }
    }

    /// Bad news.
    pub fn bad(text: &str) -> Self {
        Self { text: text.to_owned(), tone: Some("bad") }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), tone: None }
    }
}

#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row: a cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(super) fn markup(&self) -> Markup {
        html! {
            div.scroll { table {
                thead { tr { @for column in &self.columns { th class=(class(column, None)) { (column.title) } } } }
                tbody { @for row in &self.rows {
                    tr { @for (cell, column) in row.iter().zip(&self.columns) {
                        td class=(class(column, cell.tone)) { (cell.text) }
                    } }
                } }
            } }
        }
    }
}

fn class(column: &Column, tone: Option<&str>) -> String {
    format!("{} {}", if column.number { "number" } else { "text" }, tone.unwrap_or("plain"))
}
