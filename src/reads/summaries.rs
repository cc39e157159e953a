//! Section summaries: cached in memory, then in Redis, then read from PostgreSQL, with a single load at each level.
//!
//! Redis may contain anything. What is not exactly what a server would have written for this event is discarded.
//!
//! Within a server, the cache lets one caller load. Among servers, the one that sets the refill key in Redis asks PostgreSQL and the
//! others wait for its result, but never long: if it is slow or Redis is down, each asks PostgreSQL itself.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::future::Cache;
use serde::{Deserialize, Serialize};

use super::{Body, MEMORY_TTL};
use crate::db::{Db, DbError, SectionCount};
use crate::domain::{EventLayout, SectionLayout};
use crate::metrics::{CacheResult, Metrics};
use crate::redis::RedisLink;

/// How long Redis keeps a summary.
const REDIS_TTL_MS: u64 = 200;
/// A summary that took longer than this to load is returned but not shared: its age would break the 500 ms promise.
const LOAD_MAX: Duration = Duration::from_millis(80);
/// How long one server waits for another's refill, and how often it checks.
const REFILL_WAIT: Duration = Duration::from_millis(40);
const REFILL_POLL: Duration = Duration::from_millis(4);
const EVENTS_MAX: u64 = 10_000;

/// Cached summary bodies, at most 500 ms behind the database.
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

    /// `GET …/sections` of an event; `None` when the database has no such event.
    pub async fn get(&self, layout: &EventLayout) -> Result<Option<Arc<Body>>, DbError> {
        let event_id = layout.event_id;
        if let Some(body) = self.bodies.get(&event_id).await {
            self.metrics.cache_read("summary", CacheResult::Memory);
            return Ok(body);
        }
        Box::pin(self.bodies.try_get_with(event_id, self.load(layout))).await.map_err(|error| (*error).clone())
    }

    async fn load(&self, layout: &EventLayout) -> Result<Option<Arc<Body>>, DbError> {
        let key = format!("summary:{}", layout.event_id);
        if let Some(body) = self.shared(&key, layout).await {
            self.metrics.cache_read("summary", CacheResult::Redis);
            return Ok(Some(Arc::new(body)));
        }
        self.metrics.cache_read("summary", CacheResult::Database);
        let begun = Instant::now();
        let Some((revision, json)) = self.read(layout.event_id).await? else { return Ok(None) };
        self.share(&key, revision, &json, begun);
        Ok(Some(Arc::new(Body::new(revision, json))))
    }

    /// Caches counts that were read along with the event, starting at `begun`, unless there is already a summary.
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

    /// The same from PostgreSQL, past all caches, to measure what they save.
    #[cfg(feature = "bench-routes")]
    pub async fn uncached(&self, event_id: i64) -> Result<Option<Arc<Body>>, DbError> {
        Ok(self.read(event_id).await?.map(|(revision, json)| Arc::new(Body::new(revision, json))))
    }

    async fn read(&self, event_id: i64) -> Result<Option<(i64, String)>, DbError> {
        let sections = self.db.section_summary(event_id).await?;
        Ok((!sections.is_empty()).then(|| summary_json(event_id, &sections)))
    }

    /// The summary that another server has put into Redis, or is about to put there.
    async fn shared(&self, key: &str, layout: &EventLayout) -> Option<Body> {
        if let Some(found) = self.redis.get(key).await {
            let body = body_of_shared(&found, layout);
            if body.is_none() {
                tracing::warn!(
                    event_id = layout.event_id,
                    bytes = found.len(),
                    "Redis had unexpected data instead of a summary; replacing it"
                );
            }
            // Nobody waits for bad data: whoever finds it replaces it.
            return body;
        }
        let refill = format!("{key}:refill");
        if self.redis.set_nx_px(&refill, REDIS_TTL_MS / 4).await != Some(false) {
            return None;
        }
        let begun = Instant::now();
        while begun.elapsed() < REFILL_WAIT {
            tokio::time::sleep(REFILL_POLL).await;
            if let Some(found) = self.redis.get(key).await {
                return body_of_shared(&found, layout);
            }
        }
        None
    }
}

/// The body that a server wrote: a revision on the first line, then the JSON. `None`: no server wrote this for the event.
fn body_of_shared(bytes: &[u8], layout: &EventLayout) -> Option<Body> {
    let (revision, json) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
    let summary: Summary<'_> = serde_json::from_str(json).ok()?;
    let is_ours = summary.is_of(layout) && revision == summary.revision.to_string() && summary.json() == json;
    is_ours.then(|| Body::new(summary.revision, json.to_owned()))
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

fn summary_json(event_id: i64, sections: &[SectionCount]) -> (i64, String) {
    let revision = sections.iter().map(|section| section.revision).sum();
    let lines = sections.iter().map(|section| Line {
        section: Cow::Borrowed(&section.code),
        name: Cow::Borrowed(&section.name),
        price_minor: section.price_minor,
        currency: Cow::Borrowed(&section.currency),
        capacity: section.capacity,
        available: section.available,
    });
    (revision, Summary { event_id, revision, sections: lines.collect() }.json())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn layout() -> EventLayout {
        let section = |section_no, code: &str, name: &str| SectionLayout {
            section_no,
            code: code.into(),
            name: name.into(),
            price_minor: 1_000,
            capacity: 10,
            rows: Vec::new(),
        };
        let sections = vec![section(1, "A", "Floor \"A\""), section(2, "B", "Floor B")];
        EventLayout { event_id: 7, currency: "TWD".into(), sections, section_nos: HashMap::new() }
    }

    fn written() -> String {
        let count = |section: &SectionLayout| SectionCount {
            section_no: section.section_no,
            code: section.code.clone(),
            name: section.name.clone(),
            price_minor: section.price_minor,
            currency: "TWD".into(),
            capacity: section.capacity,
            available: 9,
            revision: 3,
        };
        let (revision, json) = summary_json(7, &layout().sections.iter().map(count).collect::<Vec<_>>());
        format!("{revision}\n{json}")
    }

    #[test]
    fn what_a_server_wrote_is_served_as_it_is() {
        let body = body_of_shared(written().as_bytes(), &layout()).expect("a summary");
        assert_eq!(body.plain().as_ref(), written().split_once('\n').expect("two lines").1.as_bytes());
        assert!(body.etag.contains('6'), "{}", body.etag);
    }

    #[test]
    fn what_no_server_wrote_for_the_event_is_thrown_away() {
        let good = written();
        let changed = |from: &str, to: &str| {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "there is no {from}");
            text
        };
        let rubbish = [
            String::new(),
            "\n".into(),
            "6\n".into(),
            "6\nnull".into(),
            "6\n{}".into(),
            good.split_once('\n').expect("two lines").1.into(),
            good[..good.len() - 1].into(),
            format!("{good} "),
            changed("6\n", "5\n"),
            changed("6\n", "06\n"),
            changed("\"revision\":6", "\"revision\":5"),
            changed("\"event_id\":7", "\"event_id\":8"),
            changed("\"section\":\"A\"", "\"section\":\"C\""),
            changed("Floor B", "Floor C"),
            changed("1000", "1001"),
            changed("TWD", "EUR"),
            changed("\"capacity\":10", "\"capacity\":11"),
            changed("\"available\":9", "\"available\":11"),
            changed("\"available\":9", "\"available\":-1"),
            changed("\"available\":9", "\"available\":9.0"),
            changed("\"available\":9", "\"available\":9,\"available\":8"),
            changed("\"available\":9", "\"available\":9,\"sold\":1"),
            changed(",\"available\":9", ""),
            format!("{},{}", &good[..good.len() - 2], &good[good.find("{\"section").expect("a section")..]),
        ];
        for text in rubbish {
            assert!(body_of_shared(text.as_bytes(), &layout()).is_none(), "{text}");
        }
        assert!(body_of_shared(b"\xff\n{}", &layout()).is_none());
    }
}
