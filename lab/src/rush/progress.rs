//! What people see while the seats are sold: a picture on a terminal, plain lines elsewhere.

mod canvas;
mod counters;
mod histogram;
mod terminal;

use std::{
    collections::VecDeque,
    convert::Infallible,
    io::IsTerminal,
    time::{Duration, Instant},
};

use console::Term;
use indicatif::HumanCount;

use self::{canvas::Canvas, counters::Snapshot, terminal::picture};

pub use self::counters::Counters;

const DRAW_INTERVAL: Duration = Duration::from_millis(100);
const LINE_INTERVAL: Duration = Duration::from_secs(1);
/// The current rate is the average over this long.
const RATE_SPAN: Duration = Duration::from_secs(1);

/// Shows how the sale of `seats` seats goes, until the future is dropped.
pub async fn show(counters: &Counters, seats: u64) -> Infallible {
    if std::io::stderr().is_terminal() { show_picture(counters, seats).await } else { show_lines(counters, seats).await }
}

async fn show_picture(counters: &Counters, seats: u64) -> Infallible {
    let mut screen = Screen::new(counters, seats);
    let mut ticks = tokio::time::interval(DRAW_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if screen.draw().is_err() {
            // The terminal is gone.
            std::future::pending::<()>().await;
        }
    }
}

/// The last lines of the terminal, redrawn while the sale goes on and left in place at the end. No mode of the terminal is changed, so
/// nothing has to be restored however the program ends. The cursor is kept below the lines, where the next drawing erases a typed `^C`.
struct Screen<'a> {
    counters: &'a Counters,
    seats: u64,
    term: Term,
    drawn: usize,
    rate: Rate,
}

impl<'a> Screen<'a> {
    fn new(counters: &'a Counters, seats: u64) -> Self {
        Self { counters, seats, term: Term::buffered_stderr(), drawn: 0, rate: Rate::default() }
    }

    fn draw(&mut self) -> std::io::Result<()> {
        let now = self.counters.snapshot();
        let rate = self.rate.at(now.elapsed, now.sold);
        let (height, width) = self.term.size();
        let canvas = Canvas { width: width.into(), height: height.into(), colours: console::colors_enabled_stderr() };
        let lines = picture(canvas, &now, self.seats, rate);
        self.term.move_cursor_up(self.drawn)?;
        self.term.write_str("\r")?;
        self.term.clear_to_end_of_screen()?;
        for line in &lines {
            self.term.write_line(line)?;
        }
        self.drawn = lines.len();
        self.term.flush()
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing.
        let _ = self.draw();
    }
}

/// Seats currently sold per second.
#[derive(Default)]
struct Rate(VecDeque<(Duration, u64)>);

impl Rate {
    fn at(&mut self, elapsed: Duration, sold: u64) -> f64 {
        self.0.push_back((elapsed, sold));
        while self.0.len() > 2 && self.0[1].0 + RATE_SPAN < elapsed {
            self.0.pop_front();
        }
        let (since, before) = self.0[0];
        (sold - before) as f64 / (elapsed - since).as_secs_f64().max(0.001)
    }
}

async fn show_lines(counters: &Counters, seats: u64) -> Infallible {
    let started_at = Instant::now();
    loop {
        tokio::time::sleep(LINE_INTERVAL).await;
        let Snapshot { sold, held, expired, claimed_again, refused, .. } = counters.snapshot();
        let elapsed = started_at.elapsed().as_secs_f64();
        let count = HumanCount;
        eprintln!(
            "  {} of {} seats sold after {elapsed:.0} s, {}/s; {} held, {} expired, {} claimed again, {} claims refused",
            count(sold),
            count(seats),
            count((sold as f64 / elapsed) as u64),
            count(held),
            count(expired),
            count(claimed_again),
            count(refused)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_second() {
        let mut rate = Rate::default();
        let at = |rate: &mut Rate, ms, sold| rate.at(Duration::from_millis(ms), sold);
        assert_eq!(at(&mut rate, 0, 0), 0.0);
        assert_eq!(at(&mut rate, 500, 1000), 2000.0);
        assert_eq!(at(&mut rate, 1000, 1000), 1000.0);
        assert_eq!(at(&mut rate, 1500, 1000), 0.0 + 1000.0 / 1.5);
        assert_eq!(at(&mut rate, 3000, 1000), 0.0);
    }
}
