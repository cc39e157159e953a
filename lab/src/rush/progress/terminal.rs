//! The terminal's picture of a rush: what is sold where, how fast, and how long people wait.

use std::time::Duration;

use console::{Style, measure_text_width, pad_str, truncate_str};
use indicatif::{HumanCount, HumanFloatCount};

use super::{canvas::Canvas, counters::Snapshot};
use crate::rush::tally::Step;

/// The most sections that get a bar each; if there are more, each is one character.
const BARS_MAX: usize = 20;
/// Columns that the bar of the whole event needs beside its words.
const BESIDE_MIN: usize = 16;
/// The least number of columns at which the answers to each step are shown.
const ANSWERS_MIN: usize = 50;
const LEVELS: [char; 9] = ['·', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The picture, line by line: none wider than the canvas, and no more lines than it has.
pub fn picture(canvas: Canvas, now: &Snapshot, seats: u64, rate: f64) -> Vec<String> {
    let width = canvas.width();
    let mut lines = overall(canvas, now, seats);
    lines.push(String::new());
    let tail = [vec![String::new()], counts(canvas, now, seats, rate), steps(canvas, now)].concat();
    let room = canvas.height.saturating_sub(lines.len() + tail.len() + 1);
    lines.extend(
        [section_bars(canvas, now), section_strip(canvas, now)].into_iter().find(|sections| sections.len() <= room).unwrap_or_default(),
    );
    lines.extend(tail);
    lines.truncate(canvas.height.saturating_sub(1).max(1));
    lines.iter().map(|line| truncate_str(line, width, "").into_owned()).collect()
}

fn sold_style() -> Style {
    Style::new().green()
}

fn held_style() -> Style {
    Style::new().yellow()
}

/// The bar of the whole event and its words, which are below it on a narrow terminal.
fn overall(canvas: Canvas, now: &Snapshot, seats: u64) -> Vec<String> {
    let share = 100.0 * now.sold as f64 / seats.max(1) as f64;
    let (sold, seconds) = (format!("{} of {}", HumanCount(now.sold), HumanCount(seats)), now.elapsed.as_secs_f64());
    let words = format!("  {}  {share:>3.0}%  {seconds:>6.1} s", canvas.bold(&format!("{sold} seats sold")));
    let brief = format!("  {} sold  {share:.0}%  {seconds:.1} s", canvas.bold(&sold));
    let beside = canvas.width().saturating_sub(measure_text_width(&words) + 2);
    let bar = |width| format!("  {}", canvas.bar(width, seats, &[(now.sold, sold_style()), (now.held, held_style())]));
    if beside < BESIDE_MIN { vec![bar(canvas.width().saturating_sub(3)), brief] } else { vec![bar(beside.min(60)) + &words] }
}

/// A bar for each section, in two columns where there is room.
fn section_bars(canvas: Canvas, now: &Snapshot) -> Vec<String> {
    if now.sections.len() > BARS_MAX {
        return section_strip(canvas, now);
    }
    let code_width = now.sections.iter().map(|(code, ..)| measure_text_width(code)).max().unwrap_or(1).min(8);
    let count_width = now.sections.iter().map(|(_, capacity, _)| HumanCount(*capacity as u64).to_string().len()).max().unwrap_or(1);
    let columns = if canvas.width() >= 64 { 2 } else { 1 };
    let bar_width = (canvas.width() / columns).saturating_sub(code_width + count_width + 6).clamp(4, 32);
    let one = |(code, capacity, sold): &(String, usize, u64)| {
        let code = pad_str(code, code_width, console::Alignment::Left, Some(""));
        let bar = canvas.bar(bar_width, *capacity as u64, &[(*sold, sold_style())]);
        format!("  {} {bar} {:>count_width$}", canvas.bold(&code), HumanCount(*sold).to_string())
    };
    let rows = now.sections.len().div_ceil(columns);
    (0..rows).map(|row| now.sections.iter().skip(row).step_by(rows).map(one).collect::<Vec<_>>().join("  ")).collect()
}

/// One character for each section: the fuller, the higher.
fn section_strip(canvas: Canvas, now: &Snapshot) -> Vec<String> {
    let level = |(_, capacity, sold): &(String, usize, u64)| {
        let level = (*sold as f64 / (*capacity).max(1) as f64 * 8.0).ceil() as usize;
        LEVELS[level.min(8)]
    };
    let levels: Vec<char> = now.sections.iter().map(level).collect();
    let lines = levels.chunks(canvas.width().saturating_sub(4).max(8));
    lines.map(|line| format!("  {}", canvas.paint(&sold_style(), &line.iter().collect::<String>()))).collect()
}

fn counts(canvas: Canvas, now: &Snapshot, seats: u64, rate: f64) -> Vec<String> {
    let count = |number: u64, what: &str| format!("{} {}", canvas.bold(&HumanCount(number).to_string()), canvas.dim(what));
    let left = seats.saturating_sub(now.sold + now.held);
    let average = now.sold as f64 / now.elapsed.as_secs_f64().max(0.001);
    let per_second = |rate: f64, what: &str| format!("{} {}", canvas.bold(&format!("{}/s", HumanCount(rate as u64))), canvas.dim(what));
    let seats =
        [count(now.sold, "sold"), count(now.held, "held"), count(left, "left"), per_second(rate, "now"), per_second(average, "on average")];
    let claims = [count(now.refused, "claims refused"), count(now.expired, "seats expired"), count(now.claimed_again, "claimed again")];
    [flow(canvas, &seats), flow(canvas, &claims)].concat()
}

/// Words side by side, as many per line as fit.
fn flow(canvas: Canvas, words: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if measure_text_width(line) + 3 + measure_text_width(word) <= canvas.width() => {
                line.push_str("   ");
                line.push_str(word);
            }
            _ => lines.push(format!("  {word}")),
        }
    }
    lines
}

fn steps(canvas: Canvas, now: &Snapshot) -> Vec<String> {
    if now.steps.is_empty() {
        return Vec::new();
    }
    let line = |name: &str, answers: &str, p50: &str, p99: &str| {
        let answers = if canvas.width() < ANSWERS_MIN { String::new() } else { format!(" {answers:>9}") };
        format!("  {name:<17}{answers} {p50:>10} {p99:>10}")
    };
    let row = |(step, count, p50, p99): &(Step, u64, Duration, Duration)| {
        line(&step.name().replace('_', " "), &HumanCount(*count).to_string(), &ms(*p50), &ms(*p99))
    };
    let head = canvas.dim(&line("latency", "answers", "p50", "p99"));
    [String::new(), head].into_iter().chain(now.steps.iter().map(row)).collect()
}

fn ms(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1000.0;
    let rounded = if ms < 10.0 { (ms * 10.0).round() / 10.0 } else { ms.round() };
    format!("{} ms", HumanFloatCount(rounded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(sections: usize) -> Snapshot {
        let ms = Duration::from_millis;
        Snapshot {
            elapsed: ms(1300),
            sold: 5000,
            held: 300,
            expired: 7,
            claimed_again: 5,
            refused: 42,
            sections: (0..sections).map(|index| (format!("S{index}"), 1000, (index * 100).min(1000) as u64)).collect(),
            steps: vec![(Step::ReadSections, 10_000, ms(12), ms(103)), (Step::Claim, 5300, ms(400), ms(1200))],
        }
    }

    fn drawn(width: usize, height: usize, sections: usize) -> Vec<String> {
        picture(Canvas { width, height, colours: false }, &snapshot(sections), 10_000, 3211.0)
    }

    #[test]
    fn everything_is_in_the_picture() {
        let text = drawn(100, 40, 10).join("\n");
        for part in [
            "5,000 of 10,000 seats sold",
            "50%",
            "1.3 s",
            "300 held",
            "4,700 left",
            "42 claims refused",
            "7 seats expired",
            "5 claimed again",
            "3,211/s",
            "3,846/s on average",
            "S9",
            "read sections",
            "1,200 ms",
        ] {
            assert!(text.contains(part), "{part:?} is missing:\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "colours nobody wants: {text:?}");
    }

    #[test]
    fn a_narrow_terminal_shows_the_same_on_more_lines() {
        let text = drawn(44, 40, 10).join("\n");
        let parts = ["5,000 of 10,000 sold", "1.3 s", "300 held", "4,700 left", "3,846/s on average", "5 claimed again", "S9", "1,200 ms"];
        for part in parts {
            assert!(text.contains(part), "{part:?} is missing:\n{text}");
        }
    }

    #[test]
    fn it_fits_every_terminal() {
        for (width, height) in [(200, 60), (80, 24), (60, 24), (40, 10), (20, 5), (1, 1)] {
            for sections in [1, 10, 20, 21, 500] {
                let lines = drawn(width, height, sections);
                assert!(lines.len() < height.max(2), "{} lines on {height}", lines.len());
                assert!(lines.iter().all(|line| measure_text_width(line) < width.max(2)), "wider than {width}: {lines:#?}");
            }
        }
    }

    #[test]
    fn colours_are_shown_where_they_are_wanted() {
        let canvas = Canvas { width: 80, height: 24, colours: true };
        assert!(picture(canvas, &snapshot(10), 10_000, 0.0)[0].contains("\u{1b}[32m"));
    }
}
