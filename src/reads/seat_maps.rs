//! The seats of a section, and all seats of an event in two bits per seat.

use std::fmt::Write;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use super::{Aged, AnswerCache, CacheSettings, CachedBody, MAPS_TTL};
use crate::db::{Db, DbError, SectionSeats};
use crate::domain::{EventLayout, SeatStatus, SectionLayout};
use crate::metrics::{CacheResult, Metrics};
use crate::off_runtime::off_runtime_if_large;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The memory that all bodies together may use, in bytes; a section of 1,000 seats takes about 80 KB.
const SECTIONS_MAX_BYTES: u64 = 256 * 1024 * 1024;
const AVAILABILITY_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// What a seat takes in the map of its section, about.
const SEAT_JSON_BYTES: usize = 68;

/// A body, or none if the database has no such section or event.
type Body = Option<Arc<CachedBody>>;

/// Cached bodies of seats, at most 500 ms behind the database.
pub(crate) struct SeatMaps {
    db: Db,
    metrics: Arc<Metrics>,
    sections: AnswerCache<(i64, i32), Body>,
    availability: AnswerCache<i64, Body>,
}

impl SeatMaps {
    /// An empty cache.
    pub(crate) fn new(db: Db, metrics: Arc<Metrics>, stale_max: Duration) -> Self {
        Self { db, metrics, sections: cache(SECTIONS_MAX_BYTES, stale_max), availability: cache(AVAILABILITY_MAX_BYTES, stale_max) }
    }

    /// `GET …/seats` of one section; `None` when the database has no such section.
    pub(crate) async fn section(&self, layout: &Arc<EventLayout>, section: &SectionLayout) -> Result<Aged<Body>, DbError> {
        let key = (layout.event_id, section.section_no);
        if let Some(body) = self.sections.get(&key).await {
            self.metrics.cache_reads("seats", CacheResult::Memory).inc();
            return Ok(body);
        }
        let load = |db: Db| async move {
            self.metrics.cache_reads("seats", CacheResult::Database).inc();
            let Some(seats) = db.section_seats(layout.event_id, section.section_no).await? else { return Ok::<_, DbError>(None) };
            let (layout, section_no) = (Arc::clone(layout), section.section_no);
            let body = off_runtime_if_large(seats.statuses.len() * SEAT_JSON_BYTES, move || {
                let unknown = || DbError::Internal(format!("the layout of event {} has no section {section_no}", layout.event_id));
                let section = layout.section(section_no).ok_or_else(unknown)?;
                Ok::<_, DbError>(CachedBody::new(seats.revision, section_json(layout.event_id, section, &seats)?))
            });
            Ok(Some(Arc::new(body.await?)))
        };
        Box::pin(self.sections.get_or_load(key, &self.db, |db| Aged::read(load(db)))).await
    }

    /// `GET …/availability`; `None` when the database has no such event.
    pub(crate) async fn availability(&self, layout: &Arc<EventLayout>) -> Result<Aged<Body>, DbError> {
        if let Some(body) = self.availability.get(&layout.event_id).await {
            self.metrics.cache_reads("availability", CacheResult::Memory).inc();
            return Ok(body);
        }
        let load = |db: Db| async move {
            self.metrics.cache_reads("availability", CacheResult::Database).inc();
            let sections = db.event_availability(layout.event_id).await?;
            let revision = sections.iter().map(|section| section.revision).sum();
            if sections.is_empty() {
                return Ok::<_, DbError>(None);
            }
            let (layout, seats) = (Arc::clone(layout), sections.iter().map(|section| section.statuses.len()).sum());
            let json = off_runtime_if_large(seats, move || availability_json(&layout, revision, &sections)).await?;
            Ok(Some(Arc::new(CachedBody::new(revision, json))))
        };
        Box::pin(self.availability.get_or_load(layout.event_id, &self.db, |db| Aged::read(load(db)))).await
    }
}

/// A cache of bodies that take at most that many bytes together.
fn cache<K: Hash + Eq + Clone + Send + Sync + 'static>(weight_max: u64, stale_max: Duration) -> AnswerCache<K, Body> {
    let weigh = |_: &K, body: &Aged<Body>| body.value.as_ref().map_or(1, |body| body.weight());
    AnswerCache::new(CacheSettings { weigh, weight_max, ttl: MAPS_TTL, stale_max })
}

/// A status by the letter that the database uses for it; in the availability of an event its two bits are its number.
fn status(letter: u8) -> Result<SeatStatus, DbError> {
    match letter {
        b'a' => Ok(SeatStatus::Available),
        b'h' => Ok(SeatStatus::Held),
        b's' => Ok(SeatStatus::Sold),
        b'b' => Ok(SeatStatus::Blocked),
        _ => Err(DbError::Internal(format!("unknown seat status {:?}", char::from(letter)))),
    }
}

/// Written by hand, seat by seat: serializing a thousand structs would cost more than the query.
fn section_json(event_id: i64, section: &SectionLayout, seats: &SectionSeats) -> Result<String, DbError> {
    let mut json = String::with_capacity(seats.statuses.len() * SEAT_JSON_BYTES + 128);
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
        let (price_minor, status) = (section.price_minor, status(letter)?.as_str());
        write!(json, "{comma}{{\"seat\":{seat_no},\"row\":{row_json},\"price_minor\":{price_minor},\"status\":\"{status}\"}}").ok();
    }
    json.push_str("]}");
    Ok(json)
}

fn availability_json(layout: &EventLayout, revision: i64, sections: &[SectionSeats]) -> Result<String, DbError> {
    let mut json = format!("{{\"event_id\":{},\"revision\":{revision},\"sections\":[", layout.event_id);
    for (index, seats) in sections.iter().enumerate() {
        let unknown = || DbError::Internal(format!("the layout of event {} has no section {}", layout.event_id, seats.section_no));
        let code = serde_json::Value::from(layout.section(seats.section_no).ok_or_else(unknown)?.code.as_str());
        let four_seats =
            |four: &[u8]| four.iter().rev().try_fold(0, |byte, letter| Ok::<u8, DbError>((byte << 2) | status(*letter)? as u8));
        let packed = seats.statuses.as_bytes().chunks(4).map(four_seats).collect::<Result<Vec<u8>, DbError>>()?;
        let comma = if index == 0 { "" } else { "," };
        let (revision, capacity, bits) = (seats.revision, seats.statuses.len(), STANDARD.encode(packed));
        write!(json, "{comma}{{\"section\":{code},\"revision\":{revision},\"capacity\":{capacity},\"seats\":\"{bits}\"}}").ok();
    }
    json.push_str("]}");
    Ok(json)
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
        let json: Value = serde_json::from_str(&section_json(3, &section(4, 2), &seats).unwrap()).unwrap();
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
        // Seats sold at random are the worst case for a compressor.
        let statuses: String = (0..1000_u32).map(|n| if n.wrapping_mul(2_654_435_761) >> 30 == 0 { 's' } else { 'a' }).collect();
        let seats = SectionSeats { section_no: 1, revision: 12_345, statuses };
        let body = CachedBody::new(1, section_json(3, &section(1000, 50), &seats).unwrap());
        assert!(body.plain().len() < 66_500, "{} bytes plain", body.plain().len());
        for encoding in [Encoding::Gzip, Encoding::Brotli, Encoding::Zstd] {
            let bytes = body.encoded(encoding).await.len();
            assert!(bytes < 6_000, "{bytes} bytes as {encoding:?}");
        }
    }

    #[test]
    fn the_availability_of_an_event_packs_four_seats_into_a_byte_lowest_bits_first() {
        let layout = EventLayout {
            event_id: 3,
            currency: "TWD".into(),
            sections: vec![section(5, 5)],
            section_nos: HashMap::new(),
            is_public: true,
        };
        let seats = [SectionSeats { section_no: 1, revision: 2, statuses: "ahsbh".into() }];
        let json: Value = serde_json::from_str(&availability_json(&layout, 2, &seats).unwrap()).unwrap();
        let packed = STANDARD.decode(json["sections"][0]["seats"].as_str().unwrap()).unwrap();
        assert_eq!(packed, vec![0b11_10_01_00, 0b01]);
        assert_eq!(json["sections"][0]["capacity"], 5);
    }

    #[test]
    fn a_status_or_a_section_that_nobody_knows_is_an_error_and_no_blocked_seat() {
        let layout = EventLayout {
            event_id: 3,
            currency: "TWD".into(),
            sections: vec![section(4, 4)],
            section_nos: HashMap::new(),
            is_public: true,
        };
        let seats = |section_no, statuses: &str| SectionSeats { section_no, revision: 2, statuses: statuses.into() };
        for statuses in ["x", "aax", "A", " ", "é"] {
            let error = section_json(3, &layout.sections[0], &seats(1, statuses)).unwrap_err();
            assert!(matches!(&error, DbError::Internal(cause) if cause.contains("unknown seat status")), "{error:?}");
            assert!(availability_json(&layout, 2, &[seats(1, statuses)]).is_err());
        }
        assert!(availability_json(&layout, 2, &[seats(2, "aaaa")]).is_err());
    }
}
