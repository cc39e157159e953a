//! What all plots have in common: the frame with its axes, and the figure around the drawing.

use maud::{Markup, PreEscaped, html};
use plotters::{
    chart::{ChartBuilder, ChartContext},
    coord::{Shift, cartesian::Cartesian2d},
    drawing::DrawingArea,
    element::{PathElement, Text},
    prelude::{DrawingAreaErrorKind, IntoDrawingArea, IntoFont, SVGBackend, ShapeStyle},
    style::{
        Color, FontTransform, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    axis::{Axis, Span},
    labels::{LABEL_SIZE, LINE, Labels, widest, width_of},
    palette::{AXIS, Colour, GRID, LABEL, series},
};

/// From the least to the greatest value of the upright axis.
pub const PLOT_HEIGHT: u32 = 268;
const MARGIN_TOP: u32 = 10;
const TICK: i32 = 5;
/// Between an axis and its labels: more below, so that the first label there keeps clear of the lowest one beside the plot.
const DISTANCE_BESIDE: u32 = 10;
const DISTANCE_BELOW: u32 = 14;
/// Below the labels: what the axis shows.
const TITLE_HEIGHT: u32 = 30;

/// A plot is drawn once for each of these, and the page shows the one that its window has room for: on a phone, the letters of the
/// other would be too small to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A column of the page.
    Wide,
    /// The screen of a phone.
    Narrow,
}

impl Format {
    pub const ALL: [Self; 2] = [Self::Wide, Self::Narrow];

    /// In units that scale with the page.
    pub fn width(self) -> u32 {
        match self {
            Self::Wide => 720,
            Self::Narrow => 420,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}

pub type Frame<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Span, Span>>;
pub type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// An axis of a plot: what is shown, the part that is drawn, and what is written at its ticks.
pub struct Side<'a> {
    pub axis: &'a Axis,
    pub span: Span,
    pub tick: &'a dyn Fn(&f64) -> String,
    /// Whether names are written there. A number left out can be told from its neighbours, a name cannot.
    pub names: bool,
}

impl Side<'_> {
    fn texts(&self) -> Vec<String> {
        self.span.ticks().iter().map(self.tick).collect()
    }
}

/// Draws a plot: axes and grid, then what `fill` puts in.
pub fn plot(format: Format, x: Side, y: Side, fill: impl FnOnce(&mut Frame) -> Drawn) -> anyhow::Result<String> {
    let texts = x.texts();
    let left = widest(&y.texts(), LABEL_SIZE).ceil() as u32 + DISTANCE_BESIDE + 4;
    // The last label is centred below the end of its axis.
    let right = texts.last().map_or(0, |last| (width_of(last, LABEL_SIZE) / 2.0) as u32).clamp(12, 60);
    let plot_width = format.width() - left - right;
    let room = x.span.least_distance() * f64::from(plot_width);
    let labels = if x.names { Labels::of_names(&texts, room) } else { Labels::of_numbers(&texts, room) };
    let below = DISTANCE_BELOW + labels.height + TITLE_HEIGHT;
    let mut svg = String::new();
    {
        let size = (format.width(), MARGIN_TOP + PLOT_HEIGHT + below);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let mut builder = ChartBuilder::on(&area);
        builder.margin_top(MARGIN_TOP).margin_right(right).x_label_area_size(below).y_label_area_size(left);
        let mut frame = builder.build_cartesian_2d(x.span.without_ticks(), y.span)?;
        let label = ("sans-serif", LABEL_SIZE).into_font().color(&LABEL.drawn());
        let mut mesh = frame.configure_mesh();
        mesh.disable_x_mesh().bold_line_style(line(GRID, 1)).light_line_style(plotters::style::TRANSPARENT);
        mesh.axis_style(line(AXIS, 1)).label_style(label.clone()).y_label_formatter(y.tick).draw()?;
        write_below(&area, &frame, (x.span.ticks(), &labels), &label)?;
        let middle = (left + plot_width / 2) as i32;
        let title = label.pos(Pos::new(HPos::Center, VPos::Bottom));
        area.draw(&Text::new(x.axis.title(), (middle, size.1 as i32 - 4), title))?;
        fill(&mut frame)?;
        area.present()?;
    }
    Ok(svg)
}

/// Writes the labels of the horizontal axis, each with a mark at its tick.
fn write_below(area: &DrawingArea<SVGBackend, Shift>, frame: &Frame, labels: (&[f64], &Labels), style: &TextStyle) -> Drawn {
    let (ticks, labels) = labels;
    let anchor = if labels.upright { Pos::new(HPos::Right, VPos::Center) } else { Pos::new(HPos::Center, VPos::Top) };
    let turn = if labels.upright { FontTransform::Rotate270 } else { FontTransform::None };
    let style = style.pos(anchor).transform(turn);
    let floor = frame.plotting_area().get_y_range().start;
    for (&tick, lines) in ticks.iter().zip(&labels.lines).filter(|(_, lines)| !lines.is_empty()) {
        let (across, down) = frame.backend_coord(&(tick, floor));
        area.draw(&PathElement::new(vec![(across, down), (across, down + TICK)], line(AXIS, 1)))?;
        for (index, text) in (0..).zip(lines) {
            let first = down + DISTANCE_BELOW as i32;
            area.draw(&Text::new(text.clone(), (across, first + index * LINE as i32), style.clone()))?;
        }
    }
    Ok(())
}

/// A line of that colour, or the edge of a shape.
pub fn line(colour: Colour, width: u32) -> ShapeStyle {
    ShapeStyle { color: colour.drawn().to_rgba(), filled: false, stroke_width: width }
}

/// A plot with its title, its legend and the label of its upright axis; `draw` returns the drawing for a format.
pub fn figure(
    title: &str,
    legend: &[&str],
    upright: &Axis,
    note: Option<&str>,
    draw: impl Fn(Format) -> anyhow::Result<String>,
) -> anyhow::Result<Markup> {
    // The description takes the place of the drawing for those who cannot see it.
    let described = html! { (title) ": " (legend.join(", ")) }.into_string().replace('"', "&quot;");
    let mut drawings = String::new();
    for format in Format::ALL {
        let opening = format!("<svg class=\"{}\" role=\"img\" aria-label=\"{described}\" ", format.class());
        drawings += &draw(format)?.replacen("<svg ", &opening, 1);
    }
    let figure = html! {
        figure {
            figcaption { (title) }
            @if legend.len() > 1 {
                p.legend { @for (index, label) in legend.iter().enumerate() {
                    span { i style=(format!("background:var(--{})", series(index).name)) {} (label) }
                } }
            }
            p.upright { (upright.title()) }
            (PreEscaped(drawings))
            @if let Some(note) = note { p.note { (note) } }
        }
    };
    Ok(figure)
}
