//! Whether claims would succeed, looked at no more than once a second, however often somebody asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::db::{ClaimsProbe, Db, DbError, Shortage, migrate};

/// How long an answer is good for. A section that the same transaction holds in two looks has been held for at least so long; and a table
/// that is locked in two looks is not just being changed.
const INTERVAL: Duration = Duration::from_secs(1);
/// After this, two looks have nothing to do with each other any more.
const MEMORY: Duration = Duration::from_secs(30);
/// Sections that are named; the others are counted.
const NAMED_MAX: usize = 20;

/// If PostgreSQL takes longer to answer, it counts as down.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// The SQLSTATE of a call that waited too long for a lock.
const LOCKED: &str = "55P03";

/// Why nothing can be said about claims.
#[derive(Clone, Debug)]
pub(crate) enum Unready {
    /// The database is not migrated as far as this server needs, and what to do.
    Behind(String),
    /// It cannot be asked.
    Database(DbError),
}

impl From<DbError> for Unready {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

/// What keeps claims from succeeding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hindrance {
    /// Why all of them fail.
    pub failure: Option<String>,
    /// Why some of them fail.
    pub partial: Option<String>,
}

/// The last look.
pub(crate) struct ClaimsWatch {
    last: Arc<Mutex<Option<Look>>>,
    shortage: Shortage,
}

struct Look {
    at: Instant,
    probe: ClaimsProbe,
    found: Result<Hindrance, Unready>,
}

impl ClaimsWatch {
    /// Nobody has looked yet.
    pub(crate) fn new(shortage: Shortage) -> Self {
        Self { last: Arc::default(), shortage }
    }

    /// What hinders claims, at most a second ago.
    pub(crate) async fn look(&self, db: &Db) -> Result<Hindrance, Unready> {
        let (last, shortage, db) = (Arc::clone(&self.last), self.shortage.clone(), db.clone());
        // A task of its own: whoever asks and goes away must not make the next one look again.
        let look = tokio::spawn(async move { look(&mut *last.lock().await, &shortage, &db).await });
        look.await.unwrap_or_else(|_| Err(DbError::Internal("the look at the database panicked".to_owned()).into()))
    }
}

async fn look(last: &mut Option<Look>, shortage: &Shortage, db: &Db) -> Result<Hindrance, Unready> {
    if let Some(look) = last.as_ref().filter(|look| look.at.elapsed() < INTERVAL) {
        return look.found.clone();
    }
    let probe = tokio::time::timeout(ANSWER_MAX, probe(db)).await;
    let probe = probe.unwrap_or_else(|_| Err(DbError::Unavailable("no answer in time".to_owned()).into()));
    let before = last.take().filter(|look| look.at.elapsed() < MEMORY).map(|look| look.probe).unwrap_or_default();
    let shortage = shortage.sqlstate();
    let found = probe.as_ref().map(|probe| hindrance(probe, &before, shortage.as_deref())).map_err(Clone::clone);
    *last = Some(Look { at: Instant::now(), probe: probe.unwrap_or_default(), found: found.clone() });
    found
}

/// Where even a look fails for lack of something, so does every claim.
async fn probe(db: &Db) -> Result<ClaimsProbe, Unready> {
    match probe_migrated(db).await {
        Err(Unready::Database(DbError::Exhausted { sqlstate, .. })) => {
            Ok(ClaimsProbe { failure: Some(sqlstate), ..ClaimsProbe::default() })
        }
        found => found,
    }
}

async fn probe_migrated(db: &Db) -> Result<ClaimsProbe, Unready> {
    migrate::check(db.migration_state().await?).map_err(|behind| Unready::Behind(behind.to_string()))?;
    Ok(db.probe_claims().await?)
}

fn hindrance(probe: &ClaimsProbe, before: &ClaimsProbe, shortage: Option<&str>) -> Hindrance {
    let mut held: Vec<_> =
        probe.locked.intersection(&before.locked).map(|held| format!("{} of event {}", held.section, held.event_id)).collect();
    let more = held.len().saturating_sub(NAMED_MAX);
    held.truncate(NAMED_MAX);
    if more > 0 {
        held.push(format!("and {more} more"));
    }
    let held = (!held.is_empty()).then(|| {
        format!("somebody's transaction keeps sections locked, and claims for them fail: {}; `admin.lock_waits` says who", held.join(", "))
    });
    let short = shortage.map(|sqlstate| format!("claims or payments failed a moment ago: {}", why(sqlstate)));
    // Claims outlast a lock of some milliseconds, such as a migration's: the first look does not yet send them elsewhere.
    let is_new_lock = probe.failure.as_deref() == Some(LOCKED) && before.failure.as_deref() != Some(LOCKED);
    let failure = probe.failure.as_deref().map(why);
    let (new_lock, failure) = if is_new_lock { (failure, None) } else { (None, failure) };
    let partial: Vec<_> = short.into_iter().chain(held).chain(new_lock).collect();
    Hindrance { failure, partial: (!partial.is_empty()).then(|| partial.join("; ")) }
}

/// What an SQLSTATE means for claims, and what to do.
fn why(sqlstate: &str) -> String {
    match sqlstate {
        "25006" => "PostgreSQL takes no writes: it is a standby, or its transactions are read-only by default".to_owned(),
        "53100" => "PostgreSQL's disk is full: free some space".to_owned(),
        "53200" => {
            "PostgreSQL's lock table is full: find who holds so many locks in `pg_locks`, or raise `max_locks_per_transaction`".to_owned()
        }
        LOCKED => {
            "somebody's transaction has locked a whole table that claims need, or waits for such a lock: end it; `admin.lock_waits` says whose"
                .to_owned()
        }
        other => format!("claims fail in PostgreSQL with SQLSTATE {other}: its log says why"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::LockedSection;

    #[test]
    fn only_a_section_that_the_same_transaction_still_holds_is_held() {
        let locked = |section: &str, holder: &str| LockedSection::new(7, section, holder);
        let probe = |locked: &[LockedSection]| ClaimsProbe { failure: None, locked: locked.iter().cloned().collect() };
        let before = probe(&[locked("A", "100"), locked("B", "101")]);
        let now = probe(&[locked("A", "100"), locked("B", "102"), locked("C", "103")]);
        let partial = |shortage| hindrance(&now, &before, shortage).partial.expect("a hindrance");
        assert!(partial(None).contains("A of event 7;"));
        assert!(partial(Some("53100")).contains("disk is full") && partial(Some("53100")).contains("A of event 7;"));
        assert_eq!(hindrance(&probe(&[locked("B", "102")]), &before, None), Hindrance::default());
    }

    #[test]
    fn a_locked_table_hinders_some_claims_at_first_and_all_of_them_if_it_stays_locked() {
        let failed = |sqlstate: &str| ClaimsProbe { failure: Some(sqlstate.to_owned()), ..ClaimsProbe::default() };
        let told = Some(why(LOCKED));
        for before in [ClaimsProbe::default(), failed("53100")] {
            assert_eq!(hindrance(&failed(LOCKED), &before, None), Hindrance { failure: None, partial: told.clone() });
        }
        assert_eq!(hindrance(&failed(LOCKED), &failed(LOCKED), None), Hindrance { failure: told, partial: None });
        assert!(hindrance(&failed("53100"), &ClaimsProbe::default(), None).failure.is_some(), "others hinder all of them at once");
    }
}
