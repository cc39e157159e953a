//! Colours. A plot is drawn in those of the light page, and the style sheet exchanges them in the dark.

use std::fmt::Write;

use plotters::style::RGBColor;

/// Text at the axes.
pub const LABEL: Colour = Colour { name: "label", light: 0x5f6776, dark: 0x9aa4b5 };
/// The axes themselves.
pub const AXIS: Colour = Colour { name: "axis", light: 0xb9c0cb, dark: 0x4a5364 };
/// The lines of the grid.
pub const GRID: Colour = Colour { name: "grid", light: 0xe8ebf0, dark: 0x2a313d };
/// One for each series, and again from the first when there are more.
pub const SERIES: [Colour; 6] = [
    Colour { name: "series-1", light: 0x2563eb, dark: 0x6b9cff },
    Colour { name: "series-2", light: 0xe07b12, dark: 0xffa94d },
    Colour { name: "series-3", light: 0x0d9668, dark: 0x3dd69c },
    Colour { name: "series-4", light: 0x9a45d6, dark: 0xc48aff },
    Colour { name: "series-5", light: 0xd02f6b, dark: 0xff7da8 },
    Colour { name: "series-6", light: 0x0b86a3, dark: 0x4cc9e6 },
];

/// One colour, light and dark, as 0xRRGGBB.
#[derive(Clone, Copy, Debug)]
pub struct Colour {
    /// Its variable in the style sheet.
    pub name: &'static str,
    light: u32,
    dark: u32,
}

impl Colour {
    /// As a plot is drawn.
    pub fn drawn(self) -> RGBColor {
        let [_, red, green, blue] = self.light.to_be_bytes();
        RGBColor(red, green, blue)
    }
}

/// The colour of the series at that position.
pub fn series(index: usize) -> Colour {
    SERIES[index % SERIES.len()]
}

/// The rules that let the style sheet's variables colour a plot.
pub fn css() -> String {
    let all = || [LABEL, AXIS, GRID].into_iter().chain(SERIES);
    let variables = |value: fn(Colour) -> u32| {
        all().fold(String::new(), |mut text, colour| {
            let _ = write!(text, "--{}:#{:06x};", colour.name, value(colour));
            text
        })
    };
    let (light, dark) = (variables(|colour| colour.light), variables(|colour| colour.dark));
    let mut css = format!(":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n");
    for Colour { name, light, .. } in all() {
        let _ = writeln!(css, "svg [stroke=\"#{light:06X}\"]{{stroke:var(--{name})}}svg [fill=\"#{light:06X}\"]{{fill:var(--{name})}}");
    }
    css
}
