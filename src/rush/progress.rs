//! What people see while the seats are sold: a bar on a terminal, plain lines elsewhere.

use std::{
    convert::Infallible,
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::sale::Sale;

const BAR_INTERVAL: Duration = Duration::from_millis(100);
const LINE_INTERVAL: Duration = Duration::from_secs(1);
const BAR: &str = "  selling {bar:40.green/dim} {human_pos} / {human_len} seats  {msg}  {elapsed}";

/// Shows how the sale goes until the future is dropped.
pub async fn show(sale: &Sale, seats: u64) -> Infallible {
    if std::io::stderr().is_terminal() { show_bar(sale, seats).await } else { show_lines(sale, seats).await }
}

async fn show_bar(sale: &Sale, seats: u64) -> Infallible {
    let bar = ProgressBar::new(seats);
    if let Ok(style) = ProgressStyle::with_template(BAR) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    let started_at = Instant::now();
    let _finish = Finish { bar: &bar, sale };
    loop {
        bar.set_position(sale.sold());
        bar.set_message(rate(sale.sold(), started_at.elapsed()));
        tokio::time::sleep(BAR_INTERVAL).await;
    }
}

/// Leaves the bar as it stands at the end.
struct Finish<'a> {
    bar: &'a ProgressBar,
    sale: &'a Sale,
}

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.bar.set_position(self.sale.sold());
        self.bar.abandon();
    }
}

async fn show_lines(sale: &Sale, seats: u64) -> Infallible {
    let started_at = Instant::now();
    loop {
        tokio::time::sleep(LINE_INTERVAL).await;
        let (sold, elapsed) = (sale.sold(), started_at.elapsed());
        eprintln!(
            "  {} of {} seats sold after {:.0} s, {}",
            HumanCount(sold),
            HumanCount(seats),
            elapsed.as_secs_f64(),
            rate(sold, elapsed)
        );
    }
}

fn rate(sold: u64, elapsed: Duration) -> String {
    format!("{}/s", HumanCount((sold as f64 / elapsed.as_secs_f64().max(0.001)) as u64))
}
