//! The search for the connections that have been idle longest: what it finds serves many newcomers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// After a search that found nobody, newcomers are refused without another one for this long.
const NOBODY_IDLE: Duration = Duration::from_millis(5);
/// A search finds this share of the idle connections, and at least one.
const FOUND_SHARE: usize = 16;

/// The result of the last search: who was idle, longest first, and since when.
#[derive(Default)]
pub(super) struct Idle {
    found: VecDeque<(u64, u64)>,
    nobody_at: Option<Instant>,
}

impl Idle {
    /// Who has been idle longest; searches among `all`, each with since when, if nobody is left of those who were found before.
    pub(super) fn next(&mut self, idle_since: impl Fn(u64) -> Option<u64>, all: impl Fn() -> Vec<(u64, u64)>) -> Option<u64> {
        loop {
            // Whoever was used since the search has been idle for less time than all who were found.
            while let Some((since, id)) = self.found.pop_front() {
                if idle_since(id) == Some(since) {
                    return Some(id);
                }
            }
            if self.nobody_at.is_some_and(|at| at.elapsed() < NOBODY_IDLE) {
                return None;
            }
            self.found = longest(all());
            self.nobody_at = self.found.is_empty().then(Instant::now);
        }
    }
}

/// Those that have been idle longest, in that order.
fn longest(mut idle: Vec<(u64, u64)>) -> VecDeque<(u64, u64)> {
    let count = (idle.len() / FOUND_SHARE).max(1).min(idle.len());
    if count < idle.len() {
        idle.select_nth_unstable(count);
        idle.truncate(count);
    }
    idle.sort_unstable();
    idle.into()
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn one_search_finds_the_longest_idle_in_order_and_some_for_later() {
        let idle: Vec<_> = (0..1000_u64).map(|id| ((id * 617) % 1000, id)).collect();
        let found: Vec<_> = longest(idle).into_iter().map(|(since, _)| since).collect();
        assert_eq!(found, (0..62).collect::<Vec<_>>());
        assert_eq!(longest(vec![(7, 1)]), [(7, 1)]);
        assert_eq!(longest(vec![(7, 1), (3, 2)]), [(3, 2)]);
        assert!(longest(vec![]).is_empty());
    }
}
