//! Section summaries: cached in memory, then in Redis, then read from PostgreSQL, with a single load at each level.
//!
//! Redis may contain anything. Whatever does not name this database, this event and its sections, or counts more seats than a section has,
//! is discarded, and so is what is older than an answer this server has already given, or too old. The body that is served is always
//! written by this server. Nobody signs what is in Redis: whoever can write to it, and sees the keys there, can make up counts within those
//! bounds.
//!
//! Within a server, the cache lets one caller load. Among servers, the one that sets the refill key in Redis asks PostgreSQL and the
//! others wait for its result, but never long: if it is slow or Redis is down, each asks PostgreSQL itself.

mod shared_text;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::future::Cache;
use prometheus_client::metrics::counter::Counter;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Aged, AnswerCache, COUNTS_TTL, CacheSettings, CachedBody};
use crate::db::{Db, DbError, SectionCount};
use crate::domain::{EventLayout, SectionLayout};
use crate::log_limit::LogLimit;
use crate::metrics::{CacheResult, Metrics};
use crate::redis::RedisLink;
use shared_text::SharedText;

/// How long Redis keeps a summary.
const REDIS_TTL_MS: u64 = 200;
/// A summary that took longer than this to load is returned but not shared: its age would break the 500 ms promise.
const LOAD_MAX: Duration = Duration::from_millis(80);
/// How long one server waits for another's refill, and how often it checks.
const REFILL_WAIT: Duration = Duration::from_millis(40);
const REFILL_POLL: Duration = Duration::from_millis(4);
const EVENTS_MAX: u64 = 10_000;

/// Cached summary bodies, at most 500 ms behind the database.
pub(crate) struct Summaries {
    db: Db,
    redis: RedisLink,
    metrics: Arc<Metrics>,
    from_memory: Counter,
    bodies: AnswerCache<i64, Option<Arc<CachedBody>>>,
    /// The revision that each event had last.
    revisions: Cache<i64, i64>,
    /// Warnings about what Redis had.
    unexpected: LogLimit,
}

/// A body, or that the database has no such event.
type Answer = Aged<Option<Arc<CachedBody>>>;

fn more_unexpected(left_out: u64) {
    tracing::warn!(left_out, "Redis had unexpected data more often than was logged");
}

impl Summaries {
    /// An empty cache over Redis (which may be off or down) and the database.
    pub(crate) fn new(db: Db, redis: RedisLink, metrics: Arc<Metrics>, stale_max: Duration) -> Self {
        let bodies = AnswerCache::new(CacheSettings { weigh: |_, _| 1, weight_max: EVENTS_MAX, ttl: COUNTS_TTL, stale_max });
        let revisions = Cache::builder().max_capacity(EVENTS_MAX).build();
        let from_memory = metrics.cache_reads("summary", CacheResult::Memory);
        Self { db, redis, metrics, from_memory, bodies, revisions, unexpected: LogLimit::default() }
    }

    /// The summary of an event, if it is in memory: only those of public events are, so nobody needs to look up who may see it.
    pub(crate) async fn in_memory(&self, event_id: i64) -> Option<Answer> {
        let body = self.bodies.get(&event_id).await?;
        self.from_memory.inc();
        Some(body)
    }

    /// `GET …/sections` of an event; `None` when the database has no such event.
    pub(crate) async fn get(&self, layout: &EventLayout) -> Result<Answer, DbError> {
        if !layout.is_public {
            return Aged::read(self.uncached(layout)).await;
        }
        let event_id = layout.event_id;
        if let Some(body) = self.in_memory(event_id).await {
            return Ok(body);
        }
        Box::pin(self.bodies.get_or_load(event_id, &self.db, |db| self.load(layout, db))).await
    }

    async fn load(&self, layout: &EventLayout, db: Db) -> Result<Answer, DbError> {
        let key = self.key(layout);
        if let Some(key) = &key
            && let Some(body) = self.shared(key, layout).await
        {
            self.metrics.cache_reads("summary", CacheResult::Redis).inc();
            return Ok(body);
        }
        self.metrics.cache_reads("summary", CacheResult::Database).inc();
        let begun = Instant::now();
        let Some((revision, json)) = read(&db, layout).await? else { return Ok(Aged::new(None, begun)) };
        self.share(key, revision, &json, begun);
        self.revisions.insert(layout.event_id, revision).await;
        Ok(Aged::new(Some(Arc::new(CachedBody::new(revision, json))), begun))
    }

    /// Caches counts that were read along with the event, starting at `begun`, unless there is already a summary.
    pub(super) async fn put(&self, layout: &EventLayout, counts: &[SectionCount], begun: Instant) -> Result<(), DbError> {
        self.metrics.cache_reads("summary", CacheResult::Database).inc();
        let (revision, json) = summary_json(layout, counts)?;
        self.share(self.key(layout), revision, &json, begun);
        self.revisions.insert(layout.event_id, revision).await;
        self.bodies.put(layout.event_id, Aged::new(Some(Arc::new(CachedBody::new(revision, json))), begun)).await;
        Ok(())
    }

    /// Where its summary is in Redis; `None` if Redis is not to be asked.
    fn key(&self, layout: &EventLayout) -> Option<String> {
        self.redis.key(&format!("summary:{}", layout.event_id))
    }

    /// Puts a summary into Redis.
    fn share(&self, key: Option<String>, revision: i64, json: &str, begun: Instant) {
        let age = begun.elapsed();
        if let Some(key) = key
            && age < LOAD_MAX
        {
            let text = shared_text::written(&key, revision, OffsetDateTime::now_utc() - age, json);
            self.redis.set_px(key, text, REDIS_TTL_MS);
        }
    }

    /// The same from PostgreSQL, past all caches.
    pub(crate) async fn uncached(&self, layout: &EventLayout) -> Result<Option<Arc<CachedBody>>, DbError> {
        Ok(read(&self.db, layout).await?.map(|(revision, json)| Arc::new(CachedBody::new(revision, json))))
    }

    /// The summary that another server has put into Redis, or is about to put there.
    async fn shared(&self, key: &str, layout: &EventLayout) -> Option<Answer> {
        if let Some(found) = self.redis.get(key).await {
            // Nobody waits for bad data: whoever finds it replaces it.
            return self.accepted(key, &found, layout).await;
        }
        if self.redis.set_nx_px(format!("{key}:refill"), REDIS_TTL_MS / 4).await != Some(false) {
            return None;
        }
        let begun = Instant::now();
        while begun.elapsed() < REFILL_WAIT {
            tokio::time::sleep(REFILL_POLL).await;
            if let Some(found) = self.redis.get(key).await {
                return self.accepted(key, &found, layout).await;
            }
        }
        None
    }

    /// What was found under a key, if it has the form that servers of this database write, is recent, and not older than what this server knows.
    async fn accepted(&self, key: &str, found: &[u8], layout: &EventLayout) -> Option<Answer> {
        let event_id = layout.event_id;
        let Some(text) = SharedText::read(key, found, layout) else {
            if self.unexpected.admits(more_unexpected) {
                tracing::warn!(event_id, bytes = found.len(), "Redis had unexpected data instead of a summary; replacing it");
            }
            return None;
        };
        let age = text.age(OffsetDateTime::now_utc());
        let Some(begun) = age.and_then(|age| Instant::now().checked_sub(age)) else {
            tracing::debug!(event_id, "Redis had a summary that is too old, or from the future; replacing it");
            return None;
        };
        let revision = text.revision;
        if revision < self.revisions.get(&event_id).await.unwrap_or(0) {
            tracing::debug!(event_id, revision, "Redis had an older summary; replacing it");
            return None;
        }
        self.revisions.insert(event_id, revision).await;
        Some(Aged::new(Some(Arc::new(CachedBody::new(revision, text.json))), begun))
    }
}

async fn read(db: &Db, layout: &EventLayout) -> Result<Option<(i64, String)>, DbError> {
    let counts = db.section_summary(layout.event_id).await?;
    if counts.is_empty() { Ok(None) } else { summary_json(layout, &counts).map(Some) }
}

#[derive(Serialize, Deserialize)]
struct Summary<'a> {
    event_id: i64,
    revision: i64,
    #[serde(borrow)]
    sections: Vec<Line<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    section: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    price_minor: i64,
    #[serde(borrow)]
    currency: Cow<'a, str>,
    capacity: i32,
    available: i32,
}

impl Summary<'_> {
    /// Whether the fixed properties of the event are correct and the counts are possible.
    fn is_of(&self, layout: &EventLayout) -> bool {
        let is_like = |line: &Line<'_>, section: &SectionLayout| {
            (&*line.section, &*line.name, line.price_minor, line.capacity)
                == (section.code.as_str(), section.name.as_str(), section.price_minor, section.capacity)
                && line.currency == layout.currency
                && (0..=section.capacity).contains(&line.available)
        };
        (self.event_id, self.sections.len()) == (layout.event_id, layout.sections.len())
            && self.sections.iter().zip(&layout.sections).all(|(line, section)| is_like(line, section))
    }

    fn json(&self) -> String {
        // Strings and integers can always be serialized.
        serde_json::to_string(self).expect("a summary can be serialized")
    }
}

fn summary_json(layout: &EventLayout, counts: &[SectionCount]) -> Result<(i64, String), DbError> {
    let line = |count: &SectionCount| {
        let section = layout.section(count.section_no);
        let unknown = || DbError::Internal(format!("the layout of event {} has no section {}", layout.event_id, count.section_no));
        section.ok_or_else(unknown).map(|section| Line {
            section: Cow::Borrowed(&section.code),
            name: Cow::Borrowed(&section.name),
            price_minor: section.price_minor,
            currency: Cow::Borrowed(&layout.currency),
            capacity: section.capacity,
            available: count.available,
        })
    };
    let revision = counts.iter().map(|count| count.revision).sum();
    let sections = counts.iter().map(line).collect::<Result<_, _>>()?;
    Ok((revision, Summary { event_id: layout.event_id, revision, sections }.json()))
}

#[cfg(test)]
mod tests;
