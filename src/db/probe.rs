//! What a claim would meet.

use std::collections::BTreeSet;

use super::{Db, DbError};

/// What claims would meet at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClaimsProbe {
    /// The SQLSTATE with which they would fail.
    pub failure: Option<String>,
    /// Sections of open events that a transaction has locked.
    pub locked: BTreeSet<LockedSection>,
}

/// A section that a transaction has locked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LockedSection {
    /// Its event.
    pub event_id: i64,
    /// Its code.
    pub section: String,
    /// The transaction's number.
    holder: String,
}

impl LockedSection {
    #[cfg(test)]
    pub(crate) fn new(event_id: i64, section: &str, holder: &str) -> Self {
        Self { event_id, section: section.to_owned(), holder: holder.to_owned() }
    }
}

impl Db {
    /// Tries what claims do, without doing it.
    pub(crate) async fn probe_claims(&self) -> Result<ClaimsProbe, DbError> {
        let rows = self.query("select failure, event_id, section_code, holder from rowlock.probe_claims()", &[]).await?;
        let mut probe = ClaimsProbe::default();
        for row in rows {
            match row.get(0) {
                Some(failure) => probe.failure = Some(failure),
                None => drop(probe.locked.insert(LockedSection { event_id: row.get(1), section: row.get(2), holder: row.get(3) })),
            }
        }
        Ok(probe)
    }
}
