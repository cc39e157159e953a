//! Limits the lines of one kind in the log to [`LINES_PER_S`] per second: a storm is counted rather than logged line by line.
//!
//! A line that is left out costs two atomic operations, and is counted in a summary line a second later.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// Lines of one kind per second.
const LINES_PER_S: u64 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// The beginning of the first second.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// How many lines of one kind were logged in this second, and how many were left out.
#[derive(Clone, Default)]
pub(crate) struct LogLimit(Arc<Counts>);

#[derive(Default)]
struct Counts {
    /// The second in the upper half, its number of lines in the lower half.
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

impl LogLimit {
    /// Whether to log this line. If not, it is counted, and `summary` logs the count.
    pub(crate) fn admits(&self, summary: impl FnOnce(u64) + Send + 'static) -> bool {
        match self.admission(STARTED.elapsed().as_secs()) {
            Admission::Logged => true,
            Admission::LeftOut => false,
            Admission::FirstLeftOut => {
                let limit = self.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(SECOND).await;
                    summary(limit.take_left_out());
                });
                false
            }
        }
    }

    fn admission(&self, second: u64) -> Admission {
        let this_second = second << 32;
        let count_one = |seen: u64| Some(if seen & !u64::from(u32::MAX) == this_second { seen + 1 } else { this_second | 1 });
        let before = self.0.seen.fetch_update(Relaxed, Relaxed, count_one).unwrap_or_default();
        if before & !u64::from(u32::MAX) != this_second || before - this_second < LINES_PER_S {
            return Admission::Logged;
        }
        if self.0.left_out.fetch_add(1, Relaxed) == 0 { Admission::FirstLeftOut } else { Admission::LeftOut }
    }

    fn take_left_out(&self) -> u64 {
        self.0.left_out.swap(0, Relaxed)
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
    fn those_left_out_in_the_next_second_join_a_count_that_was_not_written_yet() {
        let limit = LogLimit::default();
        let storm = |second| (0..12).map(|_| limit.admission(second)).filter(|one| *one == Admission::FirstLeftOut).count();
        assert_eq!((storm(3), storm(4)), (1, 0));
        assert_eq!(limit.take_left_out(), 4);
    }
}
