//! Logs each refused request, at most [`LINES_PER_S`] per second and code.
//!
//! A sale refuses thousands of claims per second: their lines would cost more than the claims. A line that is left out costs two atomic
//! operations, and is counted in a summary line a second later.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tracing::Level;

use crate::problem::code::Code;

/// Lines per code and second.
const LINES_PER_S: u64 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// How many refusals of each code were logged in this second, and how many were left out.
pub(crate) struct RefusalLog {
    started: Instant,
    codes: [Counts; Code::ALL.len()],
}

#[derive(Default)]
struct Counts {
    /// The second in the upper half, its number of refusals in the lower half.
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

impl RefusalLog {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { started: Instant::now(), codes: std::array::from_fn(|_| Counts::default()) })
    }

    /// Whether to log this refusal; if not, it is counted in the summary line.
    pub(crate) fn admits(self: &Arc<Self>, code: Code) -> bool {
        if !tracing::enabled!(Level::INFO) {
            return false;
        }
        match self.admission(code, self.started.elapsed().as_secs()) {
            Admission::Logged => true,
            Admission::LeftOut => false,
            Admission::FirstLeftOut => {
                let log = Arc::clone(self);
                tokio::spawn(async move {
                    tokio::time::sleep(SECOND).await;
                    let left_out = log.take_left_out(code);
                    tracing::info!(code = code.as_str(), left_out, "more requests were refused than were logged");
                });
                false
            }
        }
    }

    fn admission(&self, code: Code, second: u64) -> Admission {
        let counts = &self.codes[code as usize];
        let this_second = second << 32;
        let count_one = |seen: u64| Some(if seen & !u64::from(u32::MAX) == this_second { seen + 1 } else { this_second | 1 });
        let before = counts.seen.fetch_update(Relaxed, Relaxed, count_one).unwrap_or_default();
        if before & !u64::from(u32::MAX) != this_second || before - this_second < LINES_PER_S {
            return Admission::Logged;
        }
        if counts.left_out.fetch_add(1, Relaxed) == 0 { Admission::FirstLeftOut } else { Admission::LeftOut }
    }

    fn take_left_out(&self, code: Code) -> u64 {
        self.codes[code as usize].left_out.swap(0, Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_of_one_code_leaves_ten_lines_a_second_and_its_count() {
        let log = RefusalLog::new();
        let storm = |second, requests| (0..requests).map(|_| log.admission(Code::SeatTaken, second)).collect::<Vec<_>>();
        for second in [0, 1, 4_000_000_000] {
            let admissions = storm(second, 1000);
            assert!(admissions[..10].iter().all(|one| *one == Admission::Logged), "{second}");
            assert_eq!(admissions[10], Admission::FirstLeftOut, "{second}");
            assert!(admissions[11..].iter().all(|one| *one == Admission::LeftOut), "{second}");
            assert_eq!(log.take_left_out(Code::SeatTaken), 990, "{second}");
        }
        assert_eq!(storm(5, 10), [const { Admission::Logged }; 10]);
        assert_eq!(log.take_left_out(Code::SeatTaken), 0);
    }

    #[test]
    fn a_storm_of_one_code_hides_no_other() {
        let log = RefusalLog::new();
        for _ in 0..100 {
            log.admission(Code::SeatTaken, 7);
        }
        for code in Code::ALL.iter().copied().filter(|code| *code != Code::SeatTaken) {
            assert_eq!(log.admission(code, 7), Admission::Logged, "{code:?}");
        }
    }

    #[test]
    fn those_left_out_in_the_next_second_join_a_count_that_was_not_written_yet() {
        let log = RefusalLog::new();
        let storm = |second| (0..12).map(|_| log.admission(Code::SoldOut, second)).filter(|one| *one == Admission::FirstLeftOut).count();
        assert_eq!((storm(3), storm(4)), (1, 0));
        assert_eq!(log.take_left_out(Code::SoldOut), 4);
    }
}
