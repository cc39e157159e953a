//! What buyers read before they claim.

use super::{Db, DbError};

/// One section in the summary.
#[derive(Clone, Debug)]
pub struct SectionCount {
    /// Its number.
    pub section_no: i32,
    /// Its code in the API.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Price of each seat in minor units.
    pub price_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// How many seats it has.
    pub capacity: i32,
    /// How many are on sale now.
    pub available: i32,
    /// Increases with every change to its seats.
    pub revision: i64,
}

/// The seats of one section at one moment.
#[derive(Clone, Debug)]
pub(crate) struct SectionSeats {
    /// The section's number.
    pub section_no: i32,
    /// Increases with every change to its seats.
    pub revision: i64,
    /// One character per seat, in the order of their numbers: `a`vailable, `h`eld, `s`old, `b`locked.
    pub statuses: String,
}

impl Db {
    /// Every section's counts, by number; empty when there is no such event.
    pub(crate) async fn section_summary(&self, event_id: i64) -> Result<Vec<SectionCount>, DbError> {
        let sql = "select section_no, code, name, price_minor, currency, capacity, available, revision from rowlock.section_summary($1)";
        let rows = self.query(sql, &[&event_id]).await?;
        Ok(rows
            .iter()
            .map(|row| SectionCount {
                section_no: row.get("section_no"),
                code: row.get("code"),
                name: row.get("name"),
                price_minor: row.get("price_minor"),
                currency: row.get("currency"),
                capacity: row.get("capacity"),
                available: row.get("available"),
                revision: row.get("revision"),
            })
            .collect())
    }

    /// The seats of one section; `None` when there is no such section.
    pub(crate) async fn section_seats(&self, event_id: i64, section_no: i32) -> Result<Option<SectionSeats>, DbError> {
        let rows = self.query("select revision, statuses from rowlock.section_seats($1, $2)", &[&event_id, &section_no]).await?;
        Ok(rows.first().map(|row| SectionSeats { section_no, revision: row.get(0), statuses: row.get(1) }))
    }

    /// All seats of the event, section by section; empty when there is no such event.
    pub(crate) async fn event_availability(&self, event_id: i64) -> Result<Vec<SectionSeats>, DbError> {
        let rows = self.query("select section_no, revision, statuses from rowlock.event_availability($1)", &[&event_id]).await?;
        Ok(rows.iter().map(|row| SectionSeats { section_no: row.get(0), revision: row.get(1), statuses: row.get(2) }).collect())
    }
}
