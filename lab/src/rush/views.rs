//! What a buyer reads out of the answers, and no more than that.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::Deserialize;
use uuid::Uuid;

use crate::client::Answer;

/// One section of the summary.
#[derive(Clone, Debug, Deserialize)]
pub struct SectionView {
    /// How many of its seats are on sale.
    pub available: usize,
}

/// `GET …/sections`.
#[derive(Clone, Debug, Deserialize)]
pub struct Summary {
    /// The sections in their order.
    pub sections: Vec<SectionView>,
}

/// A seat on sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreeSeat {
    /// Its number within the section.
    pub seat_no: i32,
    /// Counts the rows from the section's first seat on: the same number, the same row.
    pub row: u32,
}

/// `GET …/sections/{section}/seats`, or one section of the whole house (which says nothing of rows: there it is one row).
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
    row: std::borrow::Cow<'a, str>,
    status: &'a str,
}

#[derive(Deserialize)]
struct HouseText<'a> {
    #[serde(borrow)]
    sections: Vec<HouseSectionText<'a>>,
}

#[derive(Deserialize)]
struct HouseSectionText<'a> {
    section: std::borrow::Cow<'a, str>,
    capacity: usize,
    seats: &'a str,
}

/// An order as its buyer reads it.
#[derive(Clone, Debug, Deserialize)]
pub struct OrderView {
    /// Its id.
    pub order_id: Uuid,
    /// Its status.
    pub status: String,
    /// Its seats.
    pub seats: Vec<OrderSeat>,
    /// What it costs, in minor units.
    pub amount_minor: i64,
}

/// One seat of an order.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderSeat {
    /// Code of its section.
    pub section: String,
    /// Its number within the section.
    pub seat: i32,
}

/// The answer to a payment notice.
#[derive(Clone, Debug, Deserialize)]
pub struct PaymentView {
    /// `paid`, `duplicate`, `late_reclaimed`, `refund_due`, …
    pub outcome: String,
}

/// A problem body.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ProblemView {
    /// Tells problems apart.
    #[serde(default)]
    pub code: String,
    /// For people.
    #[serde(default)]
    pub detail: Option<String>,
    /// The seats somebody else has.
    #[serde(default)]
    pub taken: Vec<OrderSeat>,
}

impl SeatMap {
    /// Reads the seats of one section.
    pub fn of_section(body: &[u8]) -> anyhow::Result<Self> {
        let text: SeatsText = serde_json::from_slice(body).context("a seat map that cannot be read")?;
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

    /// Reads the whole house: the code and the map of each section.
    pub fn of_house(body: &[u8]) -> anyhow::Result<Vec<(String, Self)>> {
        let text: HouseText = serde_json::from_slice(body).context("an availability that cannot be read")?;
        text.sections
            .into_iter()
            .map(|section| {
                let bits = STANDARD.decode(section.seats).context("an availability that is not base64")?;
                let mut map = Self::default();
                for index in 0..section.capacity {
                    let byte = bits.get(index / 4).context("an availability with too few seats")?;
                    let status = ["available", "held", "sold", "blocked"][usize::from(byte >> (index % 4 * 2) & 3)];
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

    fn count(&mut self, seat_no: i32, row: u32, status: &str) {
        match status {
            "available" => self.available.push(FreeSeat { seat_no, row }),
            "held" => self.held += 1,
            "sold" => self.sold += 1,
            _ => {}
        }
    }
}

/// Decodes each version of a body once. Ten thousand buyers mostly read the very same bytes, and comparing bytes is far cheaper
/// than decompressing and parsing them: the two cores are the server's as well.
pub struct Memo<T>(Mutex<Vec<(Bytes, Arc<T>)>>);

/// Versions that are under way at the same time.
const MEMO_VERSIONS: usize = 4;

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Memo<T> {
    /// What the answer's body says, by `decode` if these bytes are new.
    ///
    /// # Errors
    /// When the body cannot be decompressed or decoded.
    pub fn read(&self, answer: &Answer, decode: impl FnOnce(&[u8]) -> anyhow::Result<T>) -> anyhow::Result<Arc<T>> {
        let known =
            |versions: &[(Bytes, Arc<T>)]| versions.iter().rev().find(|(body, _)| *body == answer.body).map(|(_, view)| view.clone());
        if let Some(view) = known(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(view);
        }
        let view = Arc::new(decode(&plain(answer)?)?);
        let mut versions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if versions.len() == MEMO_VERSIONS {
            versions.remove(0);
        }
        versions.push((answer.body.clone(), view.clone()));
        Ok(view)
    }
}

/// The body without its compression.
pub fn plain(answer: &Answer) -> anyhow::Result<Bytes> {
    if !answer.zstd {
        return Ok(answer.body.clone());
    }
    Ok(zstd::stream::decode_all(&answer.body[..]).context("a body that is not zstd")?.into())
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;

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
    fn a_house_is_two_bits_a_seat() {
        // Seats 1 to 5: available, held, sold, blocked, available.
        let bits = STANDARD.encode([0b11_10_01_00u8, 0b00]);
        let body = format!(r#"{{"event_id":1,"revision":9,"sections":[{{"section":"A","revision":2,"capacity":5,"seats":"{bits}"}}]}}"#);
        let house = SeatMap::of_house(body.as_bytes()).expect("a house");
        let (code, map) = &house[0];
        assert_eq!((code.as_str(), map.held, map.sold), ("A", 1, 1));
        assert_eq!(map.available.iter().map(|seat| seat.seat_no).collect::<Vec<_>>(), [1, 5]);
    }

    #[test]
    fn the_same_bytes_are_decoded_once() {
        let memo = Memo::default();
        let answer = |body: &'static str| Answer {
            status: StatusCode::OK,
            retry_after_s: None,
            zstd: false,
            body: Bytes::from_static(body.as_bytes()),
        };
        let first = memo.read(&answer("1"), |_| Ok(1)).expect("decoded");
        let again = memo.read(&answer("1"), |_| panic!("decoded twice")).expect("remembered");
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(*memo.read(&answer("2"), |_| Ok(2)).expect("decoded"), 2);
    }
}
