//! Lines over an axis: something over time, a share over a latency, a throughput over a size.

use maud::Markup;
use plotters::{
    element::Circle,
    series::{AreaSeries, LineSeries},
    style::Color,
};

use super::{
    Axis, Chart,
    draw::{self, Format, Side, figure, plot},
    palette::series,
};

/// The most points that are marked on a line; a line with more is a plain curve.
const MARKED_MAX: usize = 16;

#[derive(Clone, Debug)]
struct Line {
    label: String,
    points: Vec<(f64, f64)>,
    area: bool,
}

/// Lines over an axis.
#[derive(Clone, Debug)]
pub struct LineChart {
    title: String,
    x: Axis,
    y: Axis,
    lines: Vec<Line>,
    note: Option<String>,
}

impl LineChart {
    /// A chart without lines.
    pub fn new(title: &str, x: Axis, y: Axis) -> Self {
        Self { title: title.to_owned(), x, y, lines: Vec::new(), note: None }
    }

    /// Adds a line through these points, from left to right.
    pub fn line(mut self, label: &str, points: Vec<(f64, f64)>) -> Self {
        self.lines.push(Line { label: label.to_owned(), points, area: false });
        self
    }

    /// Adds a line and the area below it.
    pub fn area(mut self, label: &str, points: Vec<(f64, f64)>) -> Self {
        self.lines.push(Line { label: label.to_owned(), points, area: true });
        self
    }

    /// Words below the plot.
    pub fn note(mut self, note: &str) -> Self {
        self.note = Some(note.to_owned());
        self
    }

    fn draw(&self, format: Format) -> anyhow::Result<String> {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let (across, up) = (self.x.over(points().map(|point| point.0), 0.0), self.y.over(points().map(|point| point.1), 0.06));
        let x = Side { axis: &self.x, span: across, tick: &|place| self.x.tick(*place), names: false };
        let y = Side { axis: &self.y, span: up, tick: &|place| self.y.tick(*place), names: false };
        plot(format, x, y, |frame| {
            let floor = frame.plotting_area().get_y_range().start;
            for (index, line) in self.lines.iter().enumerate() {
                let places: Vec<(f64, f64)> = line.points.iter().filter_map(|&(x, y)| Some((self.x.place(x)?, self.y.place(y)?))).collect();
                let (colour, stroke) = (series(index).drawn(), draw::line(series(index), 2));
                if line.area {
                    frame.draw_series(AreaSeries::new(places.iter().copied(), floor, colour.mix(0.14)))?;
                }
                if places.len() <= MARKED_MAX {
                    frame.draw_series(places.iter().map(|&place| Circle::new(place, 3, colour.filled())))?;
                }
                frame.draw_series(LineSeries::new(places, stroke))?;
            }
            Ok(())
        })
    }
}

impl Chart for LineChart {
    fn figure(&self) -> anyhow::Result<Markup> {
        let legend: Vec<&str> = self.lines.iter().map(|line| line.label.as_str()).collect();
        figure(&self.title, &legend, &self.y, self.note.as_deref(), |format| self.draw(format))
    }
}
