//! A line in the log for what may happen thousands of times a second: the first at once, then at most one in a while, with a count.

use std::time::{Duration, Instant};

/// Between two lines.
const PAUSE: Duration = Duration::from_secs(10);

/// Decides which occurrences are logged.
#[derive(Default)]
pub(super) struct Throttle {
    logged_at: Option<Instant>,
    /// Occurrences since then.
    count: u64,
}

impl Throttle {
    /// Counts an occurrence. If it should be logged, returns the number of those since the last line, this one included.
    pub(super) fn admits(&mut self) -> Option<u64> {
        self.admits_at(Instant::now())
    }

    fn admits_at(&mut self, now: Instant) -> Option<u64> {
        self.count += 1;
        if self.logged_at.is_some_and(|at| now < at + PAUSE) {
            return None;
        }
        self.logged_at = Some(now);
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_logged_at_once_and_then_every_ten_seconds_with_its_count() {
        let (begun, mut throttle) = (Instant::now(), Throttle::default());
        let logged: Vec<_> = (0..2500).filter_map(|hundredth| throttle.admits_at(begun + PAUSE / 1000 * hundredth)).collect();
        assert_eq!(logged, [1, 1000, 1000]);
    }
}
