//! Which seats of a section to block or unblock, and how many were changed.

use poem_openapi::Object;
use serde::Serialize;

use crate::domain::SectionLayout;
use crate::http::body::input;
use crate::http::replies::answer;
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::types::{SeatCount, SeatName, SeatNo, Whole, example};

/// Seats of one section, by number and by range; listing a seat twice is harmless.
#[derive(Debug, Object, Serialize)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(crate) struct SeatSelection {
    /// Numbers of seats.
    #[oai(validator(min_items = 1, max_items = 10000))]
    pub seats: Option<Vec<SeatNo>>,
    /// Ranges of seats.
    #[oai(validator(min_items = 1, max_items = 1000))]
    pub ranges: Option<Vec<SeatRange>>,
}
input!(SeatSelection, bytes_max = large_body_max_bytes, fields = (Some(1), None));

/// The seats from one number to another, inclusive.
#[derive(Debug, Object, Serialize)]
#[oai(deny_unknown_fields, example)]
pub(crate) struct SeatRange {
    /// The first.
    pub from: SeatNo,
    /// The last; not less than `from`.
    pub to: SeatNo,
}

/// Seats from first to last, in ascending order and with gaps between them.
pub(crate) type SeatRanges = Vec<(i32, i32)>;

impl SeatSelection {
    /// The seats as ranges: however often a seat is listed, it costs nobody more than once.
    ///
    /// # Errors
    /// `invalid_request` for an empty selection or a range that ends before it begins; `seat_not_found` for the last seat
    /// when it is beyond the section.
    pub(crate) fn merged(&self, section: &SectionLayout) -> Result<SeatRanges, Problem> {
        let ranges = self.ranges.as_deref().unwrap_or_default();
        if let Some(index) = ranges.iter().position(|range| range.to.0 < range.from.0) {
            return Err(Problem::invalid(format!("ranges[{index}].to"), "must not be less than `from`"));
        }
        let seats = self.seats.iter().flatten().map(|seat| (seat.0, seat.0));
        let mut listed: Vec<_> = seats.chain(ranges.iter().map(|range| (range.from.0, range.to.0))).collect();
        listed.sort_unstable();
        let mut merged = SeatRanges::new();
        for (first, last) in listed {
            match merged.last_mut() {
                Some(before) if first <= before.1 + 1 => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        match merged.last() {
            None => Err(Problem::invalid("seats", "is missing: give `seats`, `ranges` or both")),
            Some(&(_, seat)) if seat > section.capacity => {
                let detail = format!("section {} has seats 1 to {}, not {seat}", section.code, section.capacity);
                let seats = vec![SeatName { section: section.code.clone(), seat: Whole(seat) }];
                Err(Problem::new(Code::SeatNotFound, detail).with_seats(seats))
            }
            Some(_) => Ok(merged),
        }
    }
}

/// How many seats were changed.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct SeatsChanged {
    /// Seats that were already in the requested state are not counted.
    pub changed: SeatCount,
}

answer!(SeatsChanged = "How many seats were changed.");

example!(SeatSelection { seats: Some(vec![Whole(101), Whole(102)]), ranges: Some(vec![SeatRange::example()]) });

example!(SeatRange { from: Whole(110), to: Whole(120) });

example!(SeatsChanged { changed: Whole(13) });

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::api::testing::layout;

    fn select(seats: &[i32], ranges: &[(i32, i32)]) -> Result<SeatRanges, (Code, Option<String>)> {
        let ranges = ranges.iter().map(|(from, to)| SeatRange { from: Whole(*from), to: Whole(*to) }).collect();
        let selection = SeatSelection { seats: Some(seats.iter().copied().map(Whole).collect()), ranges: Some(ranges) };
        let section = &layout().sections[1];
        selection.merged(section).map_err(|problem| (problem.code(), problem.field().map(str::to_owned)))
    }

    #[test]
    fn seats_and_ranges_merge() {
        assert_eq!(select(&[5, 1], &[(4, 6), (6, 7)]), Ok(vec![(1, 1), (4, 7)]));
        assert_eq!(select(&[3, 8, 8], &[(4, 7), (20, 60), (30, 40)]), Ok(vec![(3, 8), (20, 60)]));
        assert_eq!(select(&[], &[(1, 60); 1000]), Ok(vec![(1, 60)]));
    }

    #[test]
    fn selections_that_cannot_be() {
        assert_eq!(select(&[], &[]), Err((Code::InvalidRequest, Some("seats".into()))));
        assert_eq!(select(&[], &[(1, 2), (3, 2)]), Err((Code::InvalidRequest, Some("ranges[1].to".into()))));
        assert_eq!(select(&[61], &[]), Err((Code::SeatNotFound, None)));
        assert_eq!(select(&[], &[(1, 1_000_000)]), Err((Code::SeatNotFound, None)));
        assert_eq!(select(&[], &[(500, 600)]), Err((Code::SeatNotFound, None)));
    }
}
