//! How a total grew over time, in few enough points for a plot.

use std::time::{Duration, Instant};

/// The most points of a timeline, the first and the last included.
const POINTS_MAX: usize = 200;

/// Pairs of milliseconds since the start and the total by then.
pub type Timeline = Vec<(u64, usize)>;

/// The running total of these amounts, from 0 at the start to the total at the last moment.
pub fn timeline(started_at: Instant, happened: impl Iterator<Item = (Instant, usize)>) -> Timeline {
    let mut happened: Vec<(Duration, usize)> =
        happened.map(|(moment, amount)| (moment.saturating_duration_since(started_at), amount)).collect();
    happened.sort_unstable();
    let mut points = vec![(0, 0)];
    let Some(&(last, _)) = happened.last() else { return points };
    let interval_ms = (last.as_millis() as u64).div_ceil(POINTS_MAX as u64 - 1).max(1);
    let mut total = 0;
    for (moment, amount) in happened {
        // Everything within an interval counts at its end; the last point is at the last moment.
        let end_ms = (moment.as_millis() as u64).div_ceil(interval_ms) * interval_ms;
        total += amount;
        match points.last_mut() {
            Some(point) if point.0 == end_ms => point.1 = total,
            _ => points.push((end_ms, total)),
        }
    }
    if let Some(point) = points.last_mut() {
        point.0 = point.0.min(last.as_millis() as u64);
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(happened: &[(u64, usize)]) -> Timeline {
        let started_at = Instant::now();
        timeline(started_at, happened.iter().map(|&(ms, amount)| (started_at + Duration::from_millis(ms), amount)))
    }

    #[test]
    fn it_adds_up_in_order_of_time() {
        assert_eq!(of(&[]), [(0, 0)]);
        assert_eq!(of(&[(30, 2), (10, 1), (30, 4)]), [(0, 0), (10, 1), (30, 7)]);
    }

    #[test]
    fn many_moments_become_few_points_and_nothing_is_lost() {
        let happened: Vec<(u64, usize)> = (1..=12_345).map(|ms| (ms, 3)).collect();
        let points = of(&happened);
        assert!((150..=POINTS_MAX).contains(&points.len()), "{} points", points.len());
        assert!(points.is_sorted());
        assert_eq!(points.last(), Some(&(12_345, 37_035)));
    }
}
