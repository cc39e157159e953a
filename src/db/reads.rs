//! What buyers read before they claim.

use super::row::from_row;
use super::{Db, DbError};

from_row! {
    /// What changes in a section with every claim; the layout has the rest.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct SectionCount {
        /// Its number.
        pub section_no: i32,
        /// How many seats are on sale now.
        pub available: i32,
        /// Increases with every change to its seats.
        pub revision: i64,
    }
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
        let rows = self.query("select section_no, available, revision from rowlock.section_summary($1)", &[&event_id]).await?;
        Ok(rows.iter().map(SectionCount::from).collect())
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
