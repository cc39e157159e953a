//! Bars in groups, side by side or on top of each other: percentiles of each step, seats of each section.

use maud::Markup;
use plotters::{
    element::{Rectangle, Text},
    prelude::IntoFont,
    style::{
        Color,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    Axis, Chart,
    axis::{Span, brief},
    draw::{Drawn, Frame, LABEL_SIZE, Side, figure, plot},
    palette::{LABEL, series},
};

/// The share of a group's room that its bars take.
const FILLED: f64 = 0.76;
/// Groups that can have a label each.
const LABELS_MAX: usize = 24;
/// Bars that can have their value written on top.
const VALUES_MAX: usize = 24;

const VALUE_SIZE: u32 = LABEL_SIZE * 4 / 5;

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

    /// One bar more in each group, of these heights.
    pub fn bars(mut self, label: &str, values: Vec<f64>) -> Self {
        self.series.push((label.to_owned(), values));
        self
    }

    /// Bars stand on top of each other, in the order of their naming, on an even axis.
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

    /// What stands below the bar of that series.
    fn base(&self, series: usize, group: usize) -> f64 {
        if self.stacked { (0..series).map(|below| self.value(below, group)).sum() } else { 0.0 }
    }

    fn draw(&self) -> anyhow::Result<String> {
        let count = self.groups.len();
        let step = count.div_ceil(LABELS_MAX).max(1);
        let centres = (0..count).step_by(step).map(|group| group as f64 + 0.5).collect();
        let tops = (0..self.series.len())
            .flat_map(|series| (0..count).map(move |group| (series, group)))
            .map(|(series, group)| self.base(series, group) + self.value(series, group));
        let x = Side {
            axis: &self.x,
            span: Span::new(0.0..count.max(1) as f64, centres),
            tick: &|centre| self.groups.get(centre.floor() as usize).cloned().unwrap_or_default(),
        };
        let y = Side { axis: &self.y, span: self.y.over(tops, 0.12), tick: &|place| self.y.tick(*place) };
        plot(x, y, |frame| {
            for series in 0..self.series.len() {
                for group in 0..count {
                    self.draw_bar(frame, series, group)?;
                }
            }
            Ok(())
        })
    }

    fn draw_bar(&self, frame: &mut Frame, index: usize, group: usize) -> Drawn {
        let abreast = if self.stacked { 1 } else { self.series.len() };
        let width = FILLED / abreast as f64;
        let place_in_group = if self.stacked { 0 } else { index };
        let left = group as f64 + (1.0 - FILLED) / 2.0 + width * place_in_group as f64;
        let (value, base) = (self.value(index, group), self.base(index, group));
        let floor = frame.plotting_area().get_y_range().start;
        let Some(top) = self.y.place(base + value).filter(|_| value > 0.0) else { return Ok(()) };
        let bottom = self.y.place(base).unwrap_or(floor).max(floor);
        let gap = if self.stacked { 0.0 } else { width * 0.06 };
        let bar = Rectangle::new([(left + gap, bottom), (left + width - gap, top)], series(index).drawn().filled());
        frame.draw_series([bar])?;
        if !self.stacked && self.groups.len() * self.series.len() <= VALUES_MAX {
            let font = ("sans-serif", VALUE_SIZE).into_font().color(&LABEL.drawn()).pos(Pos::new(HPos::Center, VPos::Bottom));
            frame.draw_series([Text::new(brief(value), (left + width / 2.0, top), font)])?;
        }
        Ok(())
    }
}

impl Chart for BarChart {
    fn figure(&self) -> anyhow::Result<Markup> {
        let legend: Vec<&str> = self.series.iter().map(|(label, _)| label.as_str()).collect();
        Ok(figure(&self.title, &legend, &self.y, &self.draw()?, self.note.as_deref()))
    }
}
