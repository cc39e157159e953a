//! What all plots have in common: the frame with its axes, and the figure around the drawing.

use maud::{Markup, PreEscaped, html};
use plotters::{
    chart::{ChartBuilder, ChartContext},
    coord::cartesian::Cartesian2d,
    prelude::{DrawingAreaErrorKind, IntoDrawingArea, IntoFont, SVGBackend, ShapeStyle},
    style::Color,
};

use super::{
    axis::{Axis, Span},
    palette::{AXIS, Colour, GRID, LABEL, series},
};

/// Width and height of a plot, in units that scale with the page.
const SIZE: (u32, u32) = (720, 340);
pub const LABEL_SIZE: u32 = 20;

pub type Frame<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Span, Span>>;
pub type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// An axis of a plot: what is shown, the part that is drawn, and what is written at its ticks.
pub struct Side<'a> {
    pub axis: &'a Axis,
    pub span: Span,
    pub tick: &'a dyn Fn(&f64) -> String,
}

/// Draws a plot: axes and grid, then what `fill` puts in.
pub fn plot(x: Side, y: Side, fill: impl FnOnce(&mut Frame) -> Drawn) -> anyhow::Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut builder = ChartBuilder::on(&area);
        builder.margin_top(10).margin_right(22).margin_bottom(4).x_label_area_size(58).y_label_area_size(76);
        let mut frame = builder.build_cartesian_2d(x.span, y.span)?;
        let label = ("sans-serif", LABEL_SIZE).into_font().color(&LABEL.drawn());
        let mut mesh = frame.configure_mesh();
        mesh.disable_x_mesh().bold_line_style(line(GRID, 1)).light_line_style(plotters::style::TRANSPARENT);
        mesh.axis_style(line(AXIS, 1)).label_style(label.clone()).axis_desc_style(label).x_desc(x.axis.title());
        mesh.x_label_formatter(x.tick).y_label_formatter(y.tick).x_labels(24).y_labels(24).draw()?;
        fill(&mut frame)?;
        area.present()?;
    }
    Ok(svg)
}

/// A line of that colour, or the edge of a shape.
pub fn line(colour: Colour, width: u32) -> ShapeStyle {
    ShapeStyle { color: colour.drawn().to_rgba(), filled: false, stroke_width: width }
}

/// A plot with its title, its legend and the label of its upright axis.
pub fn figure(title: &str, legend: &[&str], upright: &Axis, svg: &str, note: Option<&str>) -> Markup {
    // The description takes the place of the drawing for those who cannot see it.
    let described = html! { (title) ": " (legend.join(", ")) }.into_string();
    let svg = svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{}\" ", described.replace('"', "&quot;")), 1);
    html! {
        figure {
            figcaption { (title) }
            @if legend.len() > 1 {
                p.legend { @for (index, label) in legend.iter().enumerate() {
                    span { i style=(format!("background:var(--{})", series(index).name)) {} (label) }
                } }
            }
            p.upright { (upright.title()) }
            (PreEscaped(svg))
            @if let Some(note) = note { p.note { (note) } }
        }
    }
}
