//! How a buyer chooses: a section by its free seats, then seats side by side at random.

use std::borrow::Cow;

use rand::{Rng, RngExt, seq::IndexedRandom};

use super::bodies::{SeatMap, SectionSummary};

/// Picks a section with at least `quantity` available seats, in proportion to its available seats, and returns its position. Leaves out
/// the sections in `exhausted`, where the buyer has found too few seats.
pub fn choose_section(sections: &[SectionSummary], quantity: usize, exhausted: &[usize], rng: &mut impl Rng) -> Option<usize> {
    let weight = |(index, section): (usize, &SectionSummary)| {
        if section.available < quantity || exhausted.contains(&index) { 0 } else { section.available }
    };
    let total: usize = sections.iter().enumerate().map(weight).sum();
    if total == 0 {
        return None;
    }
    let mut rest = rng.random_range(0..total);
    for (index, section) in sections.iter().enumerate() {
        let weight = weight((index, section));
        if rest < weight {
            return Some(index);
        }
        rest -= weight;
    }
    None
}

/// Picks `quantity` available seats: side by side in one row if possible, else near each other. Leaves out seats that were `refused` as
/// taken, which the map may still show as available. `None` if there are too few.
pub fn choose_seats(map: &SeatMap, quantity: usize, refused: &[i32], rng: &mut impl Rng) -> Option<Vec<i32>> {
    let mut seats = Cow::Borrowed(&map.available[..]);
    if !refused.is_empty() {
        seats.to_mut().retain(|seat| !refused.contains(&seat.seat_no));
    }
    if quantity == 0 || seats.len() < quantity {
        return None;
    }
    let pick = |from: usize| seats[from..from + quantity].iter().map(|seat| seat.seat_no).collect();
    if quantity == 1 {
        return Some(pick(rng.random_range(0..seats.len())));
    }
    let starts = 0..=seats.len() - quantity;
    let together: Vec<usize> = starts
        .clone()
        .filter(|&from| {
            let (first, last) = (seats[from], seats[from + quantity - 1]);
            first.row == last.row && (last.seat_no - first.seat_no) as usize == quantity - 1
        })
        .collect();
    Some(pick(together.choose(rng).copied().unwrap_or_else(|| rng.random_range(starts))))
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;
    use crate::rush::bodies::seat_map::FreeSeat;

    fn rng() -> SmallRng {
        SmallRng::seed_from_u64(7)
    }

    fn section(available: usize) -> SectionSummary {
        SectionSummary { available }
    }

    fn map(seats: &[(i32, u32)]) -> SeatMap {
        let available = seats.iter().map(|&(seat_no, row)| FreeSeat { seat_no, row }).collect();
        SeatMap { available, held: 0, sold: 0 }
    }

    #[test]
    fn fuller_sections_are_chosen_more_often() {
        let sections = [section(100), section(0), section(300)];
        let mut chosen = [0; 3];
        let mut rng = rng();
        for _ in 0..4000 {
            chosen[choose_section(&sections, 1, &[], &mut rng).expect("seats are left")] += 1;
        }
        assert_eq!(chosen[1], 0);
        assert!((850..1150).contains(&chosen[0]), "{chosen:?}");
    }

    #[test]
    fn sections_too_small_or_exhausted_are_left_out() {
        let sections = [section(3), section(2), section(9)];
        assert_eq!(choose_section(&sections, 3, &[2], &mut rng()), Some(0));
        assert_eq!(choose_section(&sections, 10, &[], &mut rng()), None);
        assert_eq!(choose_section(&sections, 1, &[0, 1, 2], &mut rng()), None);
    }

    #[test]
    fn seats_side_by_side_in_one_row_are_preferred() {
        // 4 and 5 are neighbours by number but not by row; 8 and 9 are neighbours.
        let map = map(&[(2, 0), (4, 0), (5, 1), (8, 1), (9, 1), (12, 1)]);
        for _ in 0..50 {
            assert_eq!(choose_seats(&map, 2, &[], &mut rng()), Some(vec![8, 9]));
        }
    }

    #[test]
    fn scattered_seats_are_taken_when_none_are_together() {
        let map = map(&[(1, 0), (3, 0), (5, 0)]);
        assert_eq!(choose_seats(&map, 3, &[], &mut rng()), Some(vec![1, 3, 5]));
        assert_eq!(choose_seats(&map, 4, &[], &mut rng()), None);
    }

    #[test]
    fn refused_seats_are_not_tried_again() {
        let map = map(&[(1, 0), (2, 0), (3, 0)]);
        assert_eq!(choose_seats(&map, 1, &[1, 3], &mut rng()), Some(vec![2]));
        assert_eq!(choose_seats(&map, 2, &[2], &mut rng()), Some(vec![1, 3]));
        assert_eq!(choose_seats(&map, 2, &[2, 3], &mut rng()), None);
    }

    #[test]
    fn every_single_seat_can_be_chosen() {
        let map = map(&[(1, 0), (2, 0), (3, 0)]);
        let mut rng = rng();
        let mut seen: Vec<i32> = (0..200).filter_map(|_| choose_seats(&map, 1, &[], &mut rng)).flatten().collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [1, 2, 3]);
    }
}
