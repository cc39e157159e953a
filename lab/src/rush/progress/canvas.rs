//! What the terminal's picture is drawn on: styles, and bars in eighths of a column.

use console::Style;

/// How wide the picture grows.
const WIDTH_MAX: usize = 100;
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// What a picture is drawn for.
#[derive(Clone, Copy, Debug)]
pub struct Canvas {
    /// Columns of the terminal.
    pub width: usize,
    /// Its lines.
    pub height: usize,
    /// Whether it shows colours.
    pub colours: bool,
}

impl Canvas {
    pub(super) fn paint(self, style: &Style, text: &str) -> String {
        style.clone().force_styling(self.colours).apply_to(text).to_string()
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.paint(&Style::new().dim(), text)
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.paint(&Style::new().bold(), text)
    }

    pub(super) fn width(self) -> usize {
        self.width.min(WIDTH_MAX).saturating_sub(1)
    }

    /// A bar with its parts of the whole in their styles.
    pub(super) fn bar(self, width: usize, whole: u64, parts: &[(u64, Style)]) -> String {
        let (mut bar, mut drawn, mut total) = (String::new(), 0, 0);
        for (index, (part, style)) in parts.iter().enumerate() {
            total += part;
            let eighths = (total.min(whole) as f64 / whole.max(1) as f64 * width as f64 * 8.0).round() as usize;
            let mut text = "█".repeat((eighths / 8).saturating_sub(drawn));
            drawn = drawn.max(eighths / 8);
            if index + 1 == parts.len() && drawn < width && !eighths.is_multiple_of(8) {
                text.push_str(EIGHTHS[eighths % 8]);
                drawn += 1;
            }
            bar.push_str(&self.paint(style, &text));
        }
        bar + &self.dim(&"─".repeat(width.saturating_sub(drawn)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_bar_is_full_and_an_empty_one_empty() {
        let canvas = Canvas { width: 80, height: 24, colours: false };
        let bar = |parts: &[u64]| canvas.bar(4, 100, &parts.iter().map(|part| (*part, Style::new())).collect::<Vec<_>>());
        assert_eq!(bar(&[0]), "────");
        assert_eq!(bar(&[100]), "████");
        assert_eq!(bar(&[50, 50]), "████");
        assert_eq!(bar(&[50, 9]), "██▍─");
        assert_eq!(bar(&[90, 90]), "████");
    }
}
