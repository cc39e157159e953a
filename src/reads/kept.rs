//! What was read, kept for a moment; and for longer, in case PostgreSQL cannot be asked.
//!
//! While PostgreSQL answers, nothing is kept for longer than a read may be behind it. When it cannot be reached or hangs, the last answer
//! is given again, marked with its age, for up to `--stale-max-s`.

use std::hash::Hash;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;

use crate::db::{Db, DbError};

/// How far a read may be behind PostgreSQL.
const AGE_MAX: Duration = Duration::from_millis(500);
/// How long PostgreSQL is asked while there is an old answer to give.
const ASKED_MAX: Duration = Duration::from_secs(1);
/// How long an old answer is given before PostgreSQL is asked again.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// What was read, and when the read began: it may be as old as that.
#[derive(Clone)]
pub(crate) struct Aged<T> {
    pub value: T,
    pub begun: Instant,
    /// Whether PostgreSQL could not be asked for anything newer.
    is_stale: bool,
}

impl<T> Aged<T> {
    /// What a read that began then has found.
    pub(crate) fn new(value: T, begun: Instant) -> Self {
        Self { value, begun, is_stale: false }
    }

    /// Runs this read.
    pub(crate) async fn read<E>(load: impl Future<Output = Result<T, E>>) -> Result<Self, E> {
        let begun = Instant::now();
        Ok(Self::new(load.await?, begun))
    }

    /// How old it is, if nothing newer could be read.
    pub(crate) fn stale_age(&self) -> Option<Duration> {
        self.is_stale.then(|| self.begun.elapsed())
    }
}

/// Answers by key: one caller loads, and the others wait for that.
pub(crate) struct Kept<K, T> {
    fresh: Cache<K, Aged<T>>,
    last: Cache<K, Aged<T>>,
}

/// How much is kept, and for how long.
pub(crate) struct KeptSettings<K, T> {
    /// How much one answer counts.
    pub weigh: fn(&K, &Aged<T>) -> u32,
    /// What all answers together may count, the stale ones included.
    pub weight_max: u64,
    /// How long an answer is given to others; the time that reading it took counts.
    pub ttl: Duration,
    /// How long it may be given while PostgreSQL cannot be asked.
    pub stale_max: Duration,
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static, T: Clone + Send + Sync + 'static> Kept<K, T> {
    pub(crate) fn new(settings: KeptSettings<K, T>) -> Self {
        let KeptSettings { weigh, weight_max, ttl, stale_max } = settings;
        let cache = || Cache::builder().weigher(weigh).max_capacity(weight_max / 2);
        Self { fresh: cache().expire_after(WhileFresh { ttl }).build(), last: cache().time_to_live(stale_max).build() }
    }

    /// What is in memory, without asking anybody.
    pub(crate) async fn get(&self, key: &K) -> Option<Aged<T>> {
        self.fresh.get(key).await
    }

    /// What is in memory, or else what `load` reads. If an older answer is there, `load` asks the database only briefly.
    pub(crate) async fn get_or_load<F>(&self, key: K, db: &Db, load: impl FnOnce(Db) -> F) -> Result<Aged<T>, DbError>
    where
        F: Future<Output = Result<Aged<T>, DbError>>,
    {
        let init = async {
            let last = self.last.get(&key).await;
            let loaded = load(if last.is_some() { db.answering_within(ASKED_MAX) } else { db.clone() }).await;
            match (loaded, last) {
                (Ok(loaded), _) => {
                    self.last.insert(key.clone(), loaded.clone()).await;
                    Ok(loaded)
                }
                (Err(error), Some(last)) if error.is_passing() => Ok(Aged { is_stale: true, ..last }),
                (Err(error), _) => Err(error),
            }
        };
        self.fresh.try_get_with(key.clone(), init).await.map_err(|error| (*error).clone())
    }

    /// Keeps an answer that came along with another, unless there is one already.
    pub(crate) async fn put(&self, key: K, answer: Aged<T>) {
        self.last.insert(key.clone(), answer.clone()).await;
        self.fresh.entry(key).or_insert_with_if(async { answer.clone() }, |kept| kept.is_stale).await;
    }

    /// Forgets what is known to be wrong.
    pub(crate) async fn forget(&self, key: &K) {
        self.fresh.invalidate(key).await;
        self.last.invalidate(key).await;
    }
}

/// Expires an entry early if loading it took long: only those who waited for it get it.
struct WhileFresh {
    ttl: Duration,
}

impl WhileFresh {
    fn left<T>(&self, aged: &Aged<T>, now: Instant) -> Duration {
        if aged.is_stale { RETRY_PAUSE } else { AGE_MAX.saturating_sub(now.saturating_duration_since(aged.begun)).min(self.ttl) }
    }
}

impl<K, T> Expiry<K, Aged<T>> for WhileFresh {
    fn expire_after_create(&self, _: &K, aged: &Aged<T>, now: Instant) -> Option<Duration> {
        Some(self.left(aged, now))
    }

    fn expire_after_update(&self, _: &K, aged: &Aged<T>, now: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(self.left(aged, now))
    }
}

#[cfg(test)]
mod tests;
