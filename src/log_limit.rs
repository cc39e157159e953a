//! Limits the lines of one kind in the log, usually to [`LINES_PER_S`] per second: a storm is counted rather than logged line by line.
//!
//! A line that is left out costs two atomic operations, and is counted in a summary line, a second later if it is one per second.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// Lines of one kind per second.
const LINES_PER_S: u64 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// The beginning of the first period of every limit.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// How many lines of one kind were logged in this period, and how many were left out.
#[derive(Clone)]
pub(crate) struct LogLimit {
    counts: Arc<Counts>,
    lines: u64,
    period: Duration,
}

#[derive(Default)]
struct Counts {
    /// The number of the period in the upper half, its number of lines in the lower half.
    seen: AtomicU64,
    left_out: AtomicU64,
}

#[derive(Debug, PartialEq, Eq)]
enum Admission {
    Logged,
    LeftOut,
    /// The first that is left out: it schedules the summary line.
    FirstLeftOut,
}

impl Default for LogLimit {
    fn default() -> Self {
        Self::new(LINES_PER_S, SECOND)
    }
}

impl LogLimit {
    /// Allows so many lines in each period.
    pub(crate) fn new(lines: u64, period: Duration) -> Self {
        Self { counts: Arc::default(), lines, period }
    }

    /// Whether to log this line. If not, it is counted, and `summary` logs the count.
    pub(crate) fn admits(&self, summary: impl FnOnce(u64) + Send + 'static) -> bool {
        let seconds = (STARTED.elapsed().as_secs(), self.period.as_secs().max(1));
        match self.admission(seconds.0 / seconds.1) {
            Admission::Logged => true,
            Admission::LeftOut => false,
            Admission::FirstLeftOut => {
                let limit = self.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(limit.period).await;
                    summary(limit.take_left_out());
                });
                false
            }
        }
    }

    fn admission(&self, period: u64) -> Admission {
        let this_period = period << 32;
        let count_one = |seen: u64| Some(if seen & !u64::from(u32::MAX) == this_period { seen + 1 } else { this_period | 1 });
        let before = self.counts.seen.fetch_update(Relaxed, Relaxed, count_one).unwrap_or_default();
        if before & !u64::from(u32::MAX) != this_period || before - this_period < self.lines {
            return Admission::Logged;
        }
        if self.counts.left_out.fetch_add(1, Relaxed) == 0 { Admission::FirstLeftOut } else { Admission::LeftOut }
    }

    fn take_left_out(&self) -> u64 {
        self.counts.left_out.swap(0, Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_leaves_ten_lines_a_second_and_its_count() {
        let limit = LogLimit::default();
        let storm = |second, lines| (0..lines).map(|_| limit.admission(second)).collect::<Vec<_>>();
        for second in [0, 1, 4_000_000_000] {
            let admissions = storm(second, 1000);
            assert!(admissions[..10].iter().all(|one| *one == Admission::Logged), "{second}");
            assert_eq!(admissions[10], Admission::FirstLeftOut, "{second}");
            assert!(admissions[11..].iter().all(|one| *one == Admission::LeftOut), "{second}");
            assert_eq!(limit.take_left_out(), 990, "{second}");
        }
        assert_eq!(storm(5, 10), [const { Admission::Logged }; 10]);
        assert_eq!(limit.take_left_out(), 0);
    }

    #[test]
    fn advice_is_given_once_in_a_period() {
        let advice = LogLimit::new(1, SECOND * 10);
        assert_eq!([7, 7, 7, 8].map(|period| advice.admission(period) == Admission::Logged), [true, false, false, true]);
        assert_eq!(advice.take_left_out(), 2);
    }

    #[test]
    fn those_left_out_in_the_next_second_join_a_count_that_was_not_written_yet() {
        let limit = LogLimit::default();
        let storm = |second| (0..12).map(|_| limit.admission(second)).filter(|one| *one == Admission::FirstLeftOut).count();
        assert_eq!((storm(3), storm(4)), (1, 0));
        assert_eq!(limit.take_left_out(), 4);
    }
}
