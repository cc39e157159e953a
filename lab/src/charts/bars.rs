//! Bars in groups, side by side or on top of each other: percentiles of each step, seats of each section.

use maud::Markup;
use plotters::{
    element::{Rectangle, Text},
    prelude::IntoFont,
    style::{
        Color, FontTransform,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    Axis, Chart,
    axis::{Span, brief},
    draw::{Drawn, Format, Frame, PLOT_HEIGHT, Side, figure, plot},
    labels::{widest, width_of},
    palette::{LABEL, series},
};

/// The share of a group's room that its bars take.
const FILLED: f64 = 0.76;
/// The size of the values on top of the bars.
const VALUE_SIZE: u32 = 18;
/// The most room that the labels beside a plot take.
const MARGINS: u32 = 120;

/// How the values are written on top of the bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    Across,
    Upwards,
    /// The bars are too narrow for any: their figures are in the table.
    None,
}

/// Bars in groups.
#[derive(Clone, Debug)]
pub struct BarChart {
    title: String,
    groups: Vec<String>,
    x: Axis,
    y: Axis,
    series: Vec<(String, Vec<f64>)>,
    stacked: bool,
    note: Option<String>,
}

impl BarChart {
    /// A chart with these groups (of what the horizontal axis says) and no bars yet.
    pub fn new(title: &str, groups: Vec<String>, x: Axis, y: Axis) -> Self {
        Self { title: title.to_owned(), groups, x, y, series: Vec::new(), stacked: false, note: None }
    }

    /// Adds a bar of these heights to each group.
    pub fn bars(mut self, label: &str, values: Vec<f64>) -> Self {
        self.series.push((label.to_owned(), values));
        self
    }

    /// Stacks the bars in the order they were added, on a linear axis.
    pub fn stacked(mut self) -> Self {
        self.stacked = true;
        self
    }

    /// Words below the plot.
    pub fn note(mut self, note: &str) -> Self {
        self.note = Some(note.to_owned());
        self
    }

    fn value(&self, series: usize, group: usize) -> f64 {
        self.series[series].1.get(group).copied().unwrap_or(0.0)
    }

    /// What the bar of that series stands on.
    fn base(&self, series: usize, group: usize) -> f64 {
        if self.stacked { (0..series).map(|below| self.value(below, group)).sum() } else { 0.0 }
    }

    /// How many bars are side by side in a group.
    fn abreast(&self) -> usize {
        if self.stacked { 1 } else { self.series.len().max(1) }
    }

    /// How the values are written, and which share of the plot's height that takes.
    fn values(&self, format: Format) -> (Values, f64) {
        let texts: Vec<String> = self.series.iter().flat_map(|(_, values)| values.iter().map(|value| brief(*value))).collect();
        let bars = self.groups.len().max(1) * self.abreast();
        let (room, needed) = (f64::from(format.width() - MARGINS) * FILLED / bars as f64, widest(&texts, VALUE_SIZE));
        if self.stacked || room < 2.0 * width_of("0", VALUE_SIZE) {
            (Values::None, 0.06)
        } else if needed < room {
            (Values::Across, 0.12)
        } else {
            (Values::Upwards, 1.2 * needed / f64::from(PLOT_HEIGHT))
        }
    }

    fn draw(&self, format: Format) -> anyhow::Result<String> {
        let count = self.groups.len();
        let (values, headroom) = self.values(format);
        let centres = (0..count).map(|group| group as f64 + 0.5).collect();
        let tops = (0..self.series.len())
            .flat_map(|series| (0..count).map(move |group| (series, group)))
            .map(|(series, group)| self.base(series, group) + self.value(series, group));
        let x = Side {
            axis: &self.x,
            span: Span::new(0.0..count.max(1) as f64, centres),
            tick: &|centre| self.groups.get(centre.floor() as usize).cloned().unwrap_or_default(),
            names: true,
        };
        let y = Side { axis: &self.y, span: self.y.over(tops, headroom), tick: &|place| self.y.tick(*place), names: false };
        plot(format, x, y, |frame| {
            for series in 0..self.series.len() {
                for group in 0..count {
                    self.draw_bar(frame, series, group, values)?;
                }
            }
            Ok(())
        })
    }

    fn draw_bar(&self, frame: &mut Frame, index: usize, group: usize, values: Values) -> Drawn {
        let width = FILLED / self.abreast() as f64;
        let place_in_group = if self.stacked { 0 } else { index };
        let left = group as f64 + (1.0 - FILLED) / 2.0 + width * place_in_group as f64;
        let (value, base) = (self.value(index, group), self.base(index, group));
        let floor = frame.plotting_area().get_y_range().start;
        let Some(top) = self.y.place(base + value).filter(|_| value > 0.0) else { return Ok(()) };
        let bottom = self.y.place(base).unwrap_or(floor).max(floor);
        let gap = if self.stacked { 0.0 } else { width * 0.06 };
        let bar = Rectangle::new([(left + gap, bottom), (left + width - gap, top)], series(index).drawn().filled());
        frame.draw_series([bar])?;
        let (anchor, turn) = match values {
            Values::Across => (Pos::new(HPos::Center, VPos::Bottom), FontTransform::None),
            Values::Upwards => (Pos::new(HPos::Left, VPos::Center), FontTransform::Rotate270),
            Values::None => return Ok(()),
        };
        let style = ("sans-serif", VALUE_SIZE).into_font().color(&LABEL.drawn()).pos(anchor).transform(turn);
        let (across, top) = frame.backend_coord(&(left + width / 2.0, top));
        // In units of the plot, so that the distance is the same on every scale.
        let (x, y) = frame.plotting_area().get_base_pixel();
        frame.plotting_area().strip_coord_spec().draw(&Text::new(brief(value), (across - x, top - y - 4), style))?;
        Ok(())
    }
}

impl Chart for BarChart {
    fn figure(&self) -> anyhow::Result<Markup> {
        let legend: Vec<&str> = self.series.iter().map(|(label, _)| label.as_str()).collect();
        figure(&self.title, &legend, &self.y, self.note.as_deref(), |format| self.draw(format))
    }
}
