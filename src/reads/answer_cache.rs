//! A cache of answers: fresh ones for a moment, and the last ones for longer, in case PostgreSQL cannot be asked.
//!
//! While PostgreSQL answers, nothing is kept for longer than a read may be behind it. When an answer is due to be read anew, one caller
//! reads it and the others still get the old one, until it is too old: ten thousand readers who wait at once would each keep the memory of
//! their request, and the processor's caches would forget everything else. When PostgreSQL cannot be reached or hangs, the last answer is
//! given again, marked with its age, for up to `--stale-max-s`.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;
use tokio::sync::watch;

use crate::db::{Db, DbError};

/// How far a read may be behind PostgreSQL.
const AGE_MAX: Duration = Duration::from_millis(500);
/// How long before that it is read anew, so that it seldom gets that old.
const RENEWED_BEFORE: Duration = Duration::from_millis(80);
/// How long PostgreSQL is asked while there is an old answer to give.
const ASKED_MAX: Duration = Duration::from_secs(1);
/// How long an old answer is given before PostgreSQL is asked again.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// What was read, and when the read began: it may be as old as that.
#[derive(Clone)]
pub(crate) struct Aged<T> {
    pub value: T,
    pub begun: Instant,
    /// From when on somebody should read it anew; `None`: not before it is dropped.
    due_at: Option<Instant>,
    /// Whether PostgreSQL could not be asked for anything newer.
    is_stale: bool,
}

impl<T> Aged<T> {
    /// What a read that began then has found.
    pub(crate) fn new(value: T, begun: Instant) -> Self {
        Self { value, begun, due_at: None, is_stale: false }
    }

    /// Runs this read.
    pub(crate) async fn read<E>(load: impl Future<Output = Result<T, E>>) -> Result<Self, E> {
        let begun = Instant::now();
        Ok(Self::new(load.await?, begun))
    }

    /// The same, to be read anew after `ttl`, or before it gets too old.
    fn given_for(self, ttl: Duration) -> Self {
        let now = Instant::now();
        Self { due_at: Some(now + ttl.min(left(self.begun, now).saturating_sub(RENEWED_BEFORE))), ..self }
    }

    fn is_due(&self) -> bool {
        self.due_at.is_some_and(|due_at| Instant::now() >= due_at)
    }

    /// How old it is, if nothing newer could be read.
    pub(crate) fn stale_age(&self) -> Option<Duration> {
        self.is_stale.then(|| self.begun.elapsed())
    }
}

/// For how much longer what was read then may be given.
fn left(begun: Instant, now: Instant) -> Duration {
    AGE_MAX.saturating_sub(now.saturating_duration_since(begun))
}

/// Answers by key: one caller reads, and the others get the old one or, if that is too old, wait for the new one.
pub(crate) struct AnswerCache<K, T> {
    fresh: Cache<K, Aged<T>>,
    last: Cache<K, Aged<T>>,
    ttl: Duration,
    /// What somebody is reading anew.
    renewals: Mutex<Renewals<K>>,
}

/// By key, what tells that the renewal has ended.
type Renewals<K> = HashMap<K, watch::Receiver<()>>;

/// The right to read an answer anew, which only one caller has at a time.
struct Renewal<'a, K: Hash + Eq> {
    renewals: &'a Mutex<Renewals<K>>,
    key: K,
    _ends: watch::Sender<()>,
}

impl<K: Hash + Eq> Drop for Renewal<'_, K> {
    fn drop(&mut self) {
        locked(self.renewals).remove(&self.key);
    }
}

fn locked<K>(renewals: &Mutex<Renewals<K>>) -> MutexGuard<'_, Renewals<K>> {
    renewals.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How much is kept, and for how long.
pub(crate) struct CacheSettings<K, T> {
    /// How much one answer counts.
    pub weigh: fn(&K, &Aged<T>) -> u32,
    /// What all answers together may count, the stale ones included.
    pub weight_max: u64,
    /// How long an answer is given to all before one of them reads it anew.
    pub ttl: Duration,
    /// How long it may be given while PostgreSQL cannot be asked.
    pub stale_max: Duration,
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static, T: Clone + Send + Sync + 'static> AnswerCache<K, T> {
    pub(crate) fn new(settings: CacheSettings<K, T>) -> Self {
        let CacheSettings { weigh, weight_max, ttl, stale_max } = settings;
        let cache = || Cache::builder().weigher(weigh).max_capacity(weight_max / 2);
        let (fresh, last) = (cache().expire_after(WhileFresh).build(), cache().time_to_live(stale_max).build());
        Self { fresh, last, ttl, renewals: Mutex::default() }
    }

    /// What is in memory, without asking anybody; `None` also if the caller should read it anew.
    pub(crate) async fn get(&self, key: &K) -> Option<Aged<T>> {
        let answer = self.fresh.get(key).await?;
        (!answer.is_due() || locked(&self.renewals).contains_key(key)).then_some(answer)
    }

    /// What is in memory, or else what `load` reads. If an older answer is there, `load` asks the database only briefly.
    pub(crate) async fn get_or_load<F>(&self, key: K, db: &Db, load: impl Fn(Db) -> F) -> Result<Aged<T>, DbError>
    where
        F: Future<Output = Result<Aged<T>, DbError>>,
    {
        if let Some(old) = self.fresh.get(&key).await {
            let Some(_renewal) = old.is_due().then(|| self.renewal(&key)).flatten() else { return Ok(old) };
            let new = load(db.answering_within(ASKED_MAX)).await;
            let is_old_good = !left(old.begun, Instant::now()).is_zero();
            // Somebody has changed what was read, and neither answer may show that.
            let is_forgotten = is_old_good && !self.fresh.contains_key(&key);
            match new {
                Ok(new) if !is_forgotten => return Ok(self.keep(key, new).await),
                Err(_) if is_old_good && !is_forgotten => return Ok(old),
                Ok(_) | Err(_) => {}
            }
        } else {
            let renewal = locked(&self.renewals).get(&key).cloned();
            if let Some(mut renewal) = renewal {
                // An error: it has ended.
                renewal.changed().await.ok();
            }
        }
        self.fresh.try_get_with(key.clone(), self.load(&key, db, load)).await.map_err(|error| (*error).clone())
    }

    async fn load<F>(&self, key: &K, db: &Db, load: impl Fn(Db) -> F) -> Result<Aged<T>, DbError>
    where
        F: Future<Output = Result<Aged<T>, DbError>>,
    {
        let has_last = self.last.contains_key(key);
        match load(if has_last { db.answering_within(ASKED_MAX) } else { db.clone() }).await {
            Ok(loaded) => {
                self.keep_last(key, &loaded).await;
                Ok(loaded.given_for(self.ttl))
            }
            Err(error) => match self.last.get(key).await {
                Some(last) if error.is_passing() => Ok(Aged { is_stale: true, ..last }),
                _ => Err(error),
            },
        }
    }

    /// The right to read it anew; `None`: somebody else is doing that.
    fn renewal(&self, key: &K) -> Option<Renewal<'_, K>> {
        let mut renewals = locked(&self.renewals);
        if renewals.contains_key(key) {
            return None;
        }
        let (ends, ended) = watch::channel(());
        renewals.insert(key.clone(), ended);
        drop(renewals);
        Some(Renewal { renewals: &self.renewals, key: key.clone(), _ends: ends })
    }

    /// Keeps what was read, unless something newer was read meanwhile. Returns what is kept.
    async fn keep(&self, key: K, answer: Aged<T>) -> Aged<T> {
        self.keep_last(&key, &answer).await;
        let begun = answer.begun;
        let given = answer.given_for(self.ttl);
        self.fresh.entry(key).or_insert_with_if(async { given }, |kept| kept.is_stale || kept.begun < begun).await.into_value()
    }

    async fn keep_last(&self, key: &K, answer: &Aged<T>) {
        self.last.entry_by_ref(key).or_insert_with_if(async { answer.clone() }, |kept| kept.begun < answer.begun).await;
    }

    /// Keeps an answer that came along with another, unless there is one already.
    pub(crate) async fn put(&self, key: K, answer: Aged<T>) {
        self.keep_last(&key, &answer).await;
        let answer = answer.given_for(self.ttl);
        self.fresh.entry(key).or_insert_with_if(async { answer.clone() }, |kept| kept.is_stale).await;
    }

    /// Forgets what is known to be wrong.
    pub(crate) async fn forget(&self, key: &K) {
        self.fresh.invalidate(key).await;
        self.last.invalidate(key).await;
    }
}

/// Expires an entry early if loading it took long: only those who waited for it get it.
struct WhileFresh;

impl<K, T> Expiry<K, Aged<T>> for WhileFresh {
    fn expire_after_create(&self, _: &K, aged: &Aged<T>, now: Instant) -> Option<Duration> {
        Some(if aged.is_stale { RETRY_PAUSE } else { left(aged.begun, now) })
    }

    fn expire_after_update(&self, key: &K, aged: &Aged<T>, now: Instant, _: Option<Duration>) -> Option<Duration> {
        self.expire_after_create(key, aged, now)
    }
}

#[cfg(test)]
mod tests;
