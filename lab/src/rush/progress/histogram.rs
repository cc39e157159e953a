//! A lock-free histogram with many writers and one reader.

use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

/// Durations within an eighth of each other count as equal.
const EIGHTHS: u32 = 8;

/// How many durations there were of each approximate length.
pub struct Histogram([AtomicU32; (32 * EIGHTHS) as usize]);

impl Default for Histogram {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU32::new(0)))
    }
}

impl Histogram {
    /// Counts one more.
    pub fn record(&self, took: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX).max(EIGHTHS);
        let octave = micros.ilog2();
        let eighth = (micros >> (octave - EIGHTHS.ilog2())) % EIGHTHS;
        self.0[(octave * EIGHTHS + eighth) as usize].fetch_add(1, Relaxed);
    }

    /// How many there are, and the upper end of the entry where each of these shares of them is reached.
    pub fn quantiles<const N: usize>(&self, shares: [f64; N]) -> (u64, [Duration; N]) {
        let counts: Vec<u64> = self.0.iter().map(|count| u64::from(count.load(Relaxed))).collect();
        let total: u64 = counts.iter().sum();
        let quantile = |share: f64| {
            let wanted = (total as f64 * share).ceil() as u64;
            let mut seen = 0;
            let reached = counts.iter().position(|count| {
                seen += count;
                seen >= wanted.max(1)
            });
            let (octave, eighth) = reached.map_or((0, 0), |index| (index as u32 / EIGHTHS, index as u64 % u64::from(EIGHTHS)));
            Duration::from_micros(((u64::from(EIGHTHS) + eighth + 1) << octave) / u64::from(EIGHTHS))
        };
        (total, shares.map(quantile))
    }
}
