//! Section summaries: moka in front of Redis in front of PostgreSQL, with a single flight at each level.
//!
//! In one server moka lets one caller load. Among servers the loader that sets Redis' refill key asks PostgreSQL and the
//! others wait for what it writes, but never long: if it takes its time or Redis is down, each asks PostgreSQL itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::future::Cache;
use serde::Serialize;

use super::{Body, MEMORY_TTL};
use crate::db::{Db, DbError, SectionCount};
use crate::metrics::{CacheResult, Metrics};
use crate::redis::RedisLink;

/// How long Redis keeps a summary.
const REDIS_TTL_MS: u64 = 200;
/// What took longer to load than this is answered but not shared: its age would break the 500 ms promise.
const LOAD_MAX: Duration = Duration::from_millis(80);
/// How long one server waits for another's refill, and how often it looks.
const REFILL_WAIT: Duration = Duration::from_millis(40);
const REFILL_POLL: Duration = Duration::from_millis(4);
const EVENTS_MAX: u64 = 10_000;

/// Ready summary bodies, at most 500 ms behind the database.
pub struct Summaries {
    db: Db,
    redis: RedisLink,
    metrics: Arc<Metrics>,
    bodies: Cache<i64, Option<Arc<Body>>>,
}

impl Summaries {
    /// An empty cache over Redis (which may be off or down) and the database.
    pub fn new(db: Db, redis: RedisLink, metrics: Arc<Metrics>) -> Self {
        Self { db, redis, metrics, bodies: Cache::builder().max_capacity(EVENTS_MAX).time_to_live(MEMORY_TTL).build() }
    }

    /// `GET …/sections` of an event; `None` when there is no such event.
    pub async fn get(&self, event_id: i64) -> Result<Option<Arc<Body>>, DbError> {
        if let Some(body) = self.bodies.get(&event_id).await {
            self.metrics.cache_read("summary", CacheResult::Memory);
            return Ok(body);
        }
        Box::pin(self.bodies.try_get_with(event_id, self.load(event_id))).await.map_err(|error| (*error).clone())
    }

    async fn load(&self, event_id: i64) -> Result<Option<Arc<Body>>, DbError> {
        let key = format!("summary:{event_id}");
        if let Some(text) = self.shared(&key).await {
            self.metrics.cache_read("summary", CacheResult::Redis);
            return Ok(Some(Arc::new(body_of_shared(&text))));
        }
        self.metrics.cache_read("summary", CacheResult::Database);
        let begun = Instant::now();
        let Some((revision, json)) = self.read(event_id).await? else { return Ok(None) };
        self.share(&key, revision, &json, begun);
        Ok(Some(Arc::new(Body::new(revision, json))))
    }

    /// Keeps what was read along with the event, beginning at `begun`, unless there is a summary already.
    pub(super) async fn put(&self, event_id: i64, sections: &[SectionCount], begun: Instant) {
        self.metrics.cache_read("summary", CacheResult::Database);
        let (revision, json) = summary_json(event_id, sections);
        self.share(&format!("summary:{event_id}"), revision, &json, begun);
        self.bodies.entry(event_id).or_insert(Some(Arc::new(Body::new(revision, json)))).await;
    }

    fn share(&self, key: &str, revision: i64, json: &str, begun: Instant) {
        if begun.elapsed() < LOAD_MAX {
            self.redis.set_px(key, &format!("{revision}\n{json}"), REDIS_TTL_MS);
        }
    }

    /// The same from PostgreSQL, past all caches: to measure what they save.
    pub async fn uncached(&self, event_id: i64) -> Result<Option<Arc<Body>>, DbError> {
        Ok(self.read(event_id).await?.map(|(revision, json)| Arc::new(Body::new(revision, json))))
    }

    async fn read(&self, event_id: i64) -> Result<Option<(i64, String)>, DbError> {
        let sections = self.db.section_summary(event_id).await?;
        Ok((!sections.is_empty()).then(|| summary_json(event_id, &sections)))
    }

    /// What another server has put into Redis, or is about to.
    async fn shared(&self, key: &str) -> Option<String> {
        if let Some(text) = self.redis.get(key).await {
            return Some(text);
        }
        let refill = format!("{key}:refill");
        if self.redis.set_nx_px(&refill, REDIS_TTL_MS / 4).await != Some(false) {
            return None;
        }
        let begun = Instant::now();
        while begun.elapsed() < REFILL_WAIT {
            tokio::time::sleep(REFILL_POLL).await;
            if let Some(text) = self.redis.get(key).await {
                return Some(text);
            }
        }
        None
    }
}

/// The revision stands on the first line, so that it need not be parsed out of the JSON.
fn body_of_shared(text: &str) -> Body {
    let (revision, json) = text.split_once('\n').unwrap_or(("0", text));
    Body::new(revision.parse().unwrap_or(0), json.to_owned())
}

#[derive(Serialize)]
struct Summary<'a> {
    event_id: i64,
    revision: i64,
    sections: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    section: &'a str,
    name: &'a str,
    price_minor: i64,
    currency: &'a str,
    capacity: i32,
    available: i32,
}

fn summary_json(event_id: i64, sections: &[SectionCount]) -> (i64, String) {
    let revision = sections.iter().map(|section| section.revision).sum();
    let lines = sections.iter().map(|section| Line {
        section: &section.code,
        name: &section.name,
        price_minor: section.price_minor,
        currency: &section.currency,
        capacity: section.capacity,
        available: section.available,
    });
    let summary = Summary { event_id, revision, sections: lines.collect() };
    // Strings and integers always serialise.
    (revision, serde_json::to_string(&summary).expect("a summary serialises"))
}
