//! The seats of a section, and the whole house in two bits a seat.

use std::fmt::Write;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use moka::future::Cache;

use super::{Body, MEMORY_TTL};
use crate::db::{Db, DbError, SectionSeats};
use crate::domain::{EventLayout, SectionLayout};
use crate::metrics::{CacheResult, Metrics};

/// What bodies may take of memory at once, in bytes; a section of 1,000 seats takes about 80 KB.
const SECTIONS_MAX_BYTES: u64 = 256 * 1024 * 1024;
const HOUSES_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Ready bodies of seats, at most 500 ms behind the database.
pub struct SeatMaps {
    db: Db,
    metrics: Arc<Metrics>,
    sections: Cache<(i64, i32), Option<Arc<Body>>>,
    houses: Cache<i64, Option<Arc<Body>>>,
}

impl SeatMaps {
    /// An empty cache.
    pub fn new(db: Db, metrics: Arc<Metrics>) -> Self {
        Self {
            db,
            metrics,
            sections: Cache::builder().weigher(weigh).max_capacity(SECTIONS_MAX_BYTES).time_to_live(MEMORY_TTL).build(),
            houses: Cache::builder().weigher(weigh).max_capacity(HOUSES_MAX_BYTES).time_to_live(MEMORY_TTL).build(),
        }
    }

    /// `GET …/seats` of one section; `None` when the database has no such section.
    pub async fn section(&self, layout: &EventLayout, section: &SectionLayout) -> Result<Option<Arc<Body>>, DbError> {
        let key = (layout.event_id, section.section_no);
        if let Some(body) = self.sections.get(&key).await {
            self.metrics.cache_read("seats", CacheResult::Memory);
            return Ok(body);
        }
        let load = async {
            self.metrics.cache_read("seats", CacheResult::Database);
            let seats = self.db.section_seats(layout.event_id, section.section_no).await?;
            Ok::<_, DbError>(seats.map(|seats| Arc::new(Body::new(seats.revision, section_json(layout.event_id, section, &seats)))))
        };
        Box::pin(self.sections.try_get_with(key, load)).await.map_err(|error| (*error).clone())
    }

    /// `GET …/availability`; `None` when the database has no such event.
    pub async fn house(&self, layout: &EventLayout) -> Result<Option<Arc<Body>>, DbError> {
        if let Some(body) = self.houses.get(&layout.event_id).await {
            self.metrics.cache_read("availability", CacheResult::Memory);
            return Ok(body);
        }
        let load = async {
            self.metrics.cache_read("availability", CacheResult::Database);
            let sections = self.db.event_availability(layout.event_id).await?;
            let revision = sections.iter().map(|section| section.revision).sum();
            Ok::<_, DbError>((!sections.is_empty()).then(|| Arc::new(Body::new(revision, house_json(layout, revision, &sections)))))
        };
        Box::pin(self.houses.try_get_with(layout.event_id, load)).await.map_err(|error| (*error).clone())
    }
}

fn weigh<K>(_: &K, body: &Option<Arc<Body>>) -> u32 {
    body.as_ref().map_or(1, |body| body.weight())
}

fn status_name(letter: u8) -> &'static str {
    match letter {
        b'a' => "available",
        b'h' => "held",
        b's' => "sold",
        _ => "blocked",
    }
}

fn status_bits(letter: u8) -> u8 {
    match letter {
        b'a' => 0,
        b'h' => 1,
        b's' => 2,
        _ => 3,
    }
}

/// Written by hand, seat by seat: a thousand structs for a body that is mostly the same words cost more than the query.
fn section_json(event_id: i64, section: &SectionLayout, seats: &SectionSeats) -> String {
    let mut json = String::with_capacity(seats.statuses.len() * 68 + 128);
    let code = serde_json::Value::from(section.code.as_str());
    // Writing to a string cannot fail.
    write!(json, "{{\"event_id\":{event_id},\"section\":{code},\"revision\":{},\"seats\":[", seats.revision).ok();
    let mut rows = section.rows.iter().peekable();
    let mut row_json = String::from("\"\"");
    for (seat_no, letter) in (1_i32..).zip(seats.statuses.bytes()) {
        while let Some(row) = rows.next_if(|row| row.first_seat <= seat_no) {
            row_json = serde_json::Value::from(row.label.as_str()).to_string();
        }
        let comma = if seat_no == 1 { "" } else { "," };
        let (price_minor, status) = (section.price_minor, status_name(letter));
        write!(json, "{comma}{{\"seat\":{seat_no},\"row\":{row_json},\"price_minor\":{price_minor},\"status\":\"{status}\"}}").ok();
    }
    json.push_str("]}");
    json
}

fn house_json(layout: &EventLayout, revision: i64, sections: &[SectionSeats]) -> String {
    let mut json = format!("{{\"event_id\":{},\"revision\":{revision},\"sections\":[", layout.event_id);
    for (index, seats) in sections.iter().enumerate() {
        let code = serde_json::Value::from(layout.section(seats.section_no).map_or("", |section| section.code.as_str()));
        let packed: Vec<u8> = seats
            .statuses
            .as_bytes()
            .chunks(4)
            .map(|four| four.iter().rev().fold(0, |byte, letter| (byte << 2) | status_bits(*letter)))
            .collect();
        let comma = if index == 0 { "" } else { "," };
        let (revision, capacity, bits) = (seats.revision, seats.statuses.len(), STANDARD.encode(packed));
        write!(json, "{comma}{{\"section\":{code},\"revision\":{revision},\"capacity\":{capacity},\"seats\":\"{bits}\"}}").ok();
    }
    json.push_str("]}");
    json
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use pretty_assertions::assert_eq;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::SectionRow;
    use crate::reads::Encoding;

    fn section(capacity: i32, row_length: i32) -> SectionLayout {
        let rows =
            (0..capacity / row_length).map(|row| SectionRow { label: (row + 1).to_string(), first_seat: row * row_length + 1 }).collect();
        SectionLayout { section_no: 1, code: "A".into(), name: "Floor A".into(), price_minor: 280_000, capacity, rows }
    }

    #[test]
    fn seats_carry_their_row_and_status() {
        let seats = SectionSeats { section_no: 1, revision: 9, statuses: "ahsb".into() };
        let json: Value = serde_json::from_str(&section_json(3, &section(4, 2), &seats)).unwrap();
        let expected = json!({"event_id": 3, "section": "A", "revision": 9, "seats": [
            {"seat": 1, "row": "1", "price_minor": 280_000, "status": "available"},
            {"seat": 2, "row": "1", "price_minor": 280_000, "status": "held"},
            {"seat": 3, "row": "2", "price_minor": 280_000, "status": "sold"},
            {"seat": 4, "row": "2", "price_minor": 280_000, "status": "blocked"},
        ]});
        assert_eq!(json, expected);
    }

    #[tokio::test]
    async fn a_section_of_the_reference_concert_is_small() {
        // Every third seat gone at random is the worst case for a compressor.
        let statuses: String = (0..1000_u32).map(|n| if n.wrapping_mul(2_654_435_761) >> 30 == 0 { 's' } else { 'a' }).collect();
        let seats = SectionSeats { section_no: 1, revision: 12_345, statuses };
        let body = Body::new(1, section_json(3, &section(1000, 50), &seats));
        assert!(body.plain().len() < 66_500, "{} bytes plain", body.plain().len());
        for encoding in [Encoding::Gzip, Encoding::Brotli, Encoding::Zstd] {
            let bytes = body.encoded(encoding).await.len();
            assert!(bytes < 6_000, "{bytes} bytes as {encoding:?}");
        }
    }

    #[test]
    fn the_house_packs_four_seats_into_a_byte_lowest_bits_first() {
        let layout = EventLayout { event_id: 3, currency: "TWD".into(), sections: vec![section(5, 5)], section_nos: HashMap::new() };
        let seats = [SectionSeats { section_no: 1, revision: 2, statuses: "ahsbh".into() }];
        let json: Value = serde_json::from_str(&house_json(&layout, 2, &seats)).unwrap();
        let packed = STANDARD.decode(json["sections"][0]["seats"].as_str().unwrap()).unwrap();
        assert_eq!(packed, vec![0b11_10_01_00, 0b01]);
        assert_eq!(json["sections"][0]["capacity"], 5);
    }
}
