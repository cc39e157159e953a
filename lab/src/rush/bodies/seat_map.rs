//! The seats of a section, and of all sections.

use std::borrow::Cow;

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

/// A seat on sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreeSeat {
    /// Its number within the section.
    pub seat_no: i32,
    /// Counts the rows from the section's first seat on: the same number, the same row.
    pub row: u32,
}

/// `GET …/sections/{section}/seats`, or one section of `GET …/availability` (which says nothing of rows: there it is one row).
#[derive(Clone, Debug, Default)]
pub struct SeatMap {
    /// The seats on sale, by number.
    pub available: Vec<FreeSeat>,
    /// How many seats are held by pending orders.
    pub held: usize,
    /// How many seats are sold.
    pub sold: usize,
}

/// One version of a seat map, as text.
#[derive(Deserialize)]
struct SeatsText<'a> {
    #[serde(borrow)]
    seats: Vec<SeatText<'a>>,
}

#[derive(Deserialize)]
struct SeatText<'a> {
    seat: i32,
    #[serde(borrow)]
    row: Cow<'a, str>,
    status: SeatStatus,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SeatStatus {
    Available,
    Held,
    Sold,
    Blocked,
}

/// What the two bits of a seat say.
const STATUS_OF_BITS: [SeatStatus; 4] = [SeatStatus::Available, SeatStatus::Held, SeatStatus::Sold, SeatStatus::Blocked];

#[derive(Deserialize)]
struct AvailabilityText<'a> {
    #[serde(borrow)]
    sections: Vec<AvailabilitySectionText<'a>>,
}

#[derive(Deserialize)]
struct AvailabilitySectionText<'a> {
    section: Cow<'a, str>,
    capacity: usize,
    seats: &'a str,
}

impl SeatMap {
    /// Reads the seats of one section.
    pub fn of_section(body: &[u8]) -> anyhow::Result<Self> {
        let text: SeatsText = serde_json::from_slice(body).context("cannot read the seat map")?;
        let mut map = Self::default();
        let mut row = 0;
        for (index, seat) in text.seats.iter().enumerate() {
            if index > 0 && seat.row != text.seats[index - 1].row {
                row += 1;
            }
            map.count(seat.seat, row, seat.status);
        }
        Ok(map)
    }

    /// Reads the availability of all sections: the code and the map of each section.
    pub fn of_availability(body: &[u8]) -> anyhow::Result<Vec<(String, Self)>> {
        let text: AvailabilityText = serde_json::from_slice(body).context("cannot read the availability")?;
        text.sections
            .into_iter()
            .map(|section| {
                let bits = STANDARD.decode(section.seats).context("the availability is not base64")?;
                let mut map = Self::default();
                for index in 0..section.capacity {
                    let byte = bits.get(index / 4).context("the availability has too few seats")?;
                    let status = STATUS_OF_BITS[usize::from(byte >> (index % 4 * 2) & 3)];
                    map.count(i32::try_from(index + 1)?, 0, status);
                }
                Ok((section.section.into_owned(), map))
            })
            .collect()
    }

    /// Whether the seat of that number is on sale.
    pub fn is_available(&self, seat_no: i32) -> bool {
        self.available.binary_search_by_key(&seat_no, |seat| seat.seat_no).is_ok()
    }

    fn count(&mut self, seat_no: i32, row: u32, status: SeatStatus) {
        match status {
            SeatStatus::Available => self.available.push(FreeSeat { seat_no, row }),
            SeatStatus::Held => self.held += 1,
            SeatStatus::Sold => self.sold += 1,
            SeatStatus::Blocked => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_map_knows_free_seats_and_their_rows() {
        let body = br#"{"section":"A","revision":3,"seats":[{"seat":1,"row":"1","price_minor":5,"status":"sold"},
            {"seat":2,"row":"1","price_minor":5,"status":"available"},{"seat":3,"row":"2","price_minor":5,"status":"available"},
            {"seat":4,"row":"2","price_minor":5,"status":"held"},{"seat":5,"row":"2","price_minor":5,"status":"blocked"}]}"#;
        let map = SeatMap::of_section(body).expect("a map");
        assert_eq!(map.available, [FreeSeat { seat_no: 2, row: 0 }, FreeSeat { seat_no: 3, row: 1 }]);
        assert_eq!((map.held, map.sold), (1, 1));
        assert_eq!([1, 2, 3, 4, 6].map(|seat_no| map.is_available(seat_no)), [false, true, true, false, false]);
    }

    #[test]
    fn an_availability_has_two_bits_per_seat() {
        // Seats 1 to 5: available, held, sold, blocked, available.
        let bits = STANDARD.encode([0b11_10_01_00u8, 0b00]);
        let body = format!(r#"{{"event_id":1,"revision":9,"sections":[{{"section":"A","revision":2,"capacity":5,"seats":"{bits}"}}]}}"#);
        let sections = SeatMap::of_availability(body.as_bytes()).expect("an availability");
        let (code, map) = &sections[0];
        assert_eq!((code.as_str(), map.held, map.sold), ("A", 1, 1));
        assert_eq!(map.available.iter().map(|seat| seat.seat_no).collect::<Vec<_>>(), [1, 5]);
    }

    #[test]
    fn a_status_that_no_seat_has_is_refused() {
        let body = br#"{"section":"A","revision":3,"seats":[{"seat":1,"row":"1","price_minor":5,"status":"free"}]}"#;
        assert!(SeatMap::of_section(body).is_err());
    }
}
