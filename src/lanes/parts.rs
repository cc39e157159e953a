//! A batch that met a lock, taken apart until the requests that need the lock are alone.

/// The parts of a batch, each of them called in turn and halved if it is refused.
///
/// One request locked out among 256 costs nine refusals. If nearly everything is locked out, as by a lock on a table, there is nothing to
/// find out: so few refusals are allowed for each success that the end comes soon.
pub(super) struct Parts<T> {
    /// Not called yet; the last one comes next.
    untried: Vec<Vec<T>>,
    locked_out: Vec<T>,
    refusals_left: usize,
}

/// What is left when no more parts are to be called.
pub(super) struct Rest<T> {
    /// Refused on their own.
    pub(super) locked_out: Vec<T>,
    /// Not called on their own, because too much was refused.
    pub(super) untried: Vec<T>,
}

impl<T> Parts<T> {
    /// The parts of a batch that was refused.
    pub(super) fn of(batch: Vec<T>) -> Self {
        let levels = batch.len().max(1).ilog2() as usize + 1;
        let mut parts = Self { untried: Vec::new(), locked_out: Vec::new(), refusals_left: 2 * levels + 1 };
        parts.refused(batch);
        parts
    }

    /// The next part to call; the requests of earlier parts came first.
    pub(super) fn next(&mut self) -> Option<Vec<T>> {
        if self.refusals_left == 0 { None } else { self.untried.pop() }
    }

    /// A part met a lock.
    pub(super) fn refused(&mut self, mut part: Vec<T>) {
        self.refusals_left = self.refusals_left.saturating_sub(1);
        if part.len() <= 1 {
            return self.locked_out.append(&mut part);
        }
        let later = part.split_off(part.len().div_ceil(2));
        self.untried.push(later);
        self.untried.push(part);
    }

    /// A part met none.
    pub(super) fn passed(&mut self) {
        self.refusals_left += 2;
    }

    pub(super) fn rest(self) -> Rest<T> {
        Rest { locked_out: self.locked_out, untried: self.untried.into_iter().rev().flatten().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What came of calling a batch of `0..size` in parts while `locked_out` are locked out: who passed, in order, the rest, and how many
    /// calls were refused after the first.
    fn called(size: usize, locked_out: impl Fn(usize) -> bool) -> (Vec<usize>, Rest<usize>, usize) {
        let (mut parts, mut passed, mut refusals) = (Parts::of((0..size).collect()), Vec::new(), 0);
        while let Some(part) = parts.next() {
            if part.iter().any(|number| locked_out(*number)) {
                refusals += 1;
                parts.refused(part);
            } else {
                parts.passed();
                passed.extend(part);
            }
        }
        (passed, parts.rest(), refusals)
    }

    #[test]
    fn wherever_the_one_locked_out_is_all_others_pass_in_their_order_after_few_calls() {
        for size in [1, 2, 3, 25, 255, 256] {
            for victim in 0..size {
                let (passed, rest, refusals) = called(size, |number| number == victim);
                assert_eq!(passed, (0..size).filter(|number| *number != victim).collect::<Vec<_>>(), "{victim} of {size}");
                assert_eq!((rest.locked_out, rest.untried), (vec![victim], vec![]), "{victim} of {size}");
                assert!(refusals <= 8, "{refusals} refusals for {victim} of {size}");
            }
        }
    }

    #[test]
    fn many_locked_out_among_many_others_are_all_told_apart() {
        let (passed, rest, _) = called(256, |number| number % 13 == 5);
        assert_eq!(passed, (0..256).filter(|number| number % 13 != 5).collect::<Vec<_>>());
        assert_eq!((rest.locked_out.len(), rest.untried.len()), (20, 0));
    }

    #[test]
    fn where_everything_is_locked_out_the_end_comes_soon_and_nobody_is_forgotten() {
        let (passed, rest, refusals) = called(256, |_| true);
        assert!(passed.is_empty() && refusals <= 18, "{refusals} refusals");
        let mut left = rest.locked_out;
        assert!(left.len() < 10, "{left:?}");
        assert!(rest.untried.is_sorted(), "the first come first");
        left.extend(rest.untried);
        left.sort_unstable();
        assert_eq!(left, (0..256).collect::<Vec<_>>());
    }
}
