//! What the rush shows while it runs: counters that every buyer adds to and one viewer reads. Atomics only: the crowd shares its two
//! cores with the server it measures.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use super::histogram::Histogram;
use crate::rush::{bodies::OrderSeat, concert::Concert, tally::Step};

/// Abandoned seats are counted by the time of their claim, in slots this long.
const SLOT: Duration = Duration::from_millis(100);
/// Slots for the first hour of the rush; later claims count in the last one.
const SLOTS: usize = 36_000;

pub struct Counters {
    started_at: OnceLock<Instant>,
    steps: [Histogram; Step::ALL.len()],
    claimed: AtomicU64,
    claimed_again: AtomicU64,
    sold: AtomicU64,
    /// Seats whose buyer was told that its payment came too late.
    lost: AtomicU64,
    refused: AtomicU64,
    sections: Vec<SectionCounters>,
    /// Seats that will never be paid, by the slot of their claim.
    abandoned: Vec<AtomicU32>,
    window: Duration,
}

struct SectionCounters {
    code: String,
    capacity: usize,
    sold: AtomicU64,
    /// A bit for each seat that was claimed before.
    claimed_before: Vec<AtomicU64>,
}

/// The counters of one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Time since the start.
    pub elapsed: Duration,
    /// Seats paid.
    pub sold: u64,
    /// Seats of orders whose payment window is still open.
    pub held: u64,
    /// Seats of orders that were not paid in time.
    pub expired: u64,
    /// Seats that were claimed anew after an earlier order had lost them.
    pub claimed_again: u64,
    /// Claims refused at once because another buyer has the seats, or too few are left.
    pub refused: u64,
    /// Code, capacity and seats paid of each section.
    pub sections: Vec<(String, usize, u64)>,
    /// Answers so far with their p50 and p99, of each step that had any.
    pub steps: Vec<(Step, u64, Duration, Duration)>,
}

impl Counters {
    /// Counters at 0.
    pub fn new(concert: &Concert) -> Self {
        let section = |code: &str, capacity: usize| SectionCounters {
            code: code.to_owned(),
            capacity,
            sold: AtomicU64::new(0),
            claimed_before: (0..capacity.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
        };
        Self {
            started_at: OnceLock::new(),
            steps: std::array::from_fn(|_| Histogram::default()),
            claimed: AtomicU64::new(0),
            claimed_again: AtomicU64::new(0),
            sold: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            sections: concert.sections.iter().map(|known| section(&known.section, known.capacity)).collect(),
            abandoned: (0..SLOTS).map(|_| AtomicU32::new(0)).collect(),
            window: Duration::from_millis(concert.window_ms),
        }
    }

    /// The crowd has started.
    pub fn started(&self, moment: Instant) {
        // A crowd starts once: a second moment would change nothing.
        let _ = self.started_at.set(moment);
    }

    /// An answer took this long.
    pub fn answered(&self, step: Step, took: Duration) {
        self.steps[step as usize].record(took);
    }

    /// A claim was refused.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// An order holds these seats of the section at that position.
    pub fn claimed(&self, section: usize, seats: &[OrderSeat]) {
        self.claimed.fetch_add(seats.len() as u64, Relaxed);
        for seat in seats {
            let index = seat.seat.saturating_sub(1) as usize;
            let Some(word) = self.sections[section].claimed_before.get(index / 64) else { continue };
            let bit = 1 << (index % 64);
            if word.fetch_or(bit, Relaxed) & bit != 0 {
                self.claimed_again.fetch_add(1, Relaxed);
            }
        }
    }

    /// Seats of that section were paid.
    pub fn sold(&self, section: usize, seats: usize) {
        self.sold.fetch_add(seats as u64, Relaxed);
        self.sections[section].sold.fetch_add(seats as u64, Relaxed);
    }

    /// Seats claimed just now will not be paid.
    pub fn abandoned(&self, seats: usize) {
        let slot = (self.elapsed().as_millis() / SLOT.as_millis()) as usize;
        if let Some(slot) = self.abandoned.get(slot.min(self.abandoned.len() - 1)) {
            slot.fetch_add(seats as u32, Relaxed);
        }
    }

    /// A payment came when another buyer had the seats.
    pub fn lost(&self, seats: usize) {
        self.lost.fetch_add(seats as u64, Relaxed);
    }

    fn elapsed(&self) -> Duration {
        self.started_at.get().map_or(Duration::ZERO, Instant::elapsed)
    }

    /// The current counts.
    pub fn snapshot(&self) -> Snapshot {
        let elapsed = self.elapsed();
        // Nobody asks about abandoned orders again, so they count as expired at the end of their window.
        let over = elapsed.saturating_sub(self.window).as_millis() / SLOT.as_millis();
        let abandoned: u64 = self.abandoned.iter().take(over as usize).map(|slot| u64::from(slot.load(Relaxed))).sum();
        let (sold, expired) = (self.sold.load(Relaxed), abandoned + self.lost.load(Relaxed));
        let section = |section: &SectionCounters| (section.code.clone(), section.capacity, section.sold.load(Relaxed));
        let steps = Step::ALL.iter().filter_map(|step| {
            let (count, quantiles) = self.steps[*step as usize].quantiles([0.5, 0.99]);
            (count > 0).then_some((*step, count, quantiles[0], quantiles[1]))
        });
        Snapshot {
            elapsed,
            sold,
            held: self.claimed.load(Relaxed).saturating_sub(sold + expired),
            expired,
            claimed_again: self.claimed_again.load(Relaxed),
            refused: self.refused.load(Relaxed),
            sections: self.sections.iter().map(section).collect(),
            steps: steps.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rush::concert::ConcertSection;

    fn counters_of(sections: &[(&str, usize)], window_ms: u64) -> Counters {
        let section = |&(code, capacity): &(&str, usize)| ConcertSection { section: code.to_owned(), capacity };
        let sections = sections.iter().map(section).collect();
        let concert = Concert { event_id: 1, currency: "TWD".to_owned(), window_ms, seats_per_customer: 4, sections };
        Counters::new(&concert)
    }

    fn seats(numbers: &[i32]) -> Vec<OrderSeat> {
        numbers.iter().map(|&seat| OrderSeat { section: "A".to_owned(), seat }).collect()
    }

    #[test]
    fn every_seat_claimed_is_sold_held_or_expired() {
        let counters = counters_of(&[("A", 10), ("B", 100)], 60_000);
        counters.started(Instant::now());
        counters.claimed(0, &seats(&[1, 2, 3]));
        counters.sold(0, 2);
        counters.claimed(1, &seats(&[100]));
        counters.claimed(1, &seats(&[65, 66]));
        counters.lost(1);
        counters.claimed(1, &seats(&[100]));
        counters.refused();
        let now = counters.snapshot();
        assert_eq!((now.sold, now.held, now.expired, now.claimed_again, now.refused), (2, 4, 1, 1, 1));
        assert_eq!(now.sections, [("A".to_owned(), 10, 2), ("B".to_owned(), 100, 0)]);
    }

    #[test]
    fn an_abandoned_seat_is_held_until_its_window_is_over() {
        let started = |ago: Duration| {
            let counters = counters_of(&[("A", 10)], 1000);
            counters.started(Instant::now());
            counters.claimed(0, &seats(&[1, 2]));
            counters.abandoned(2);
            Counters { started_at: OnceLock::from(Instant::now() - ago), ..counters }.snapshot()
        };
        let (early, late) = (started(Duration::from_millis(600)), started(Duration::from_millis(1200)));
        assert_eq!((early.held, early.expired), (2, 0));
        assert_eq!((late.held, late.expired), (0, 2));
    }

    #[test]
    fn quantiles_are_within_an_eighth() {
        let counters = counters_of(&[("A", 10)], 1000);
        for ms in 1..=1000 {
            counters.answered(Step::Claim, Duration::from_millis(ms));
        }
        counters.answered(Step::Pay, Duration::ZERO);
        counters.answered(Step::ReadSeats, Duration::from_secs(100_000));
        let steps = counters.snapshot().steps;
        assert_eq!(
            steps.iter().map(|(step, count, ..)| (*step, *count)).collect::<Vec<_>>(),
            [(Step::ReadSeats, 1), (Step::Claim, 1000), (Step::Pay, 1)]
        );
        let (_, _, p50, p99) = steps[1];
        assert!((500..=563).contains(&p50.as_millis()), "{p50:?}");
        assert!((990..=1120).contains(&p99.as_millis()), "{p99:?}");
    }
}
