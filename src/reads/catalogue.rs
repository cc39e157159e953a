//! Events: the layout, which never changes, and the settings, which rarely do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::future::Cache;

use super::{Aged, AnswerCache, CacheSettings, Summaries};
use crate::db::{Db, DbError, Portion};
use crate::domain::{Event, EventLayout, Viewer};

/// Unused layouts are dropped after this; a layout never changes while its event exists, and a public event is never deleted.
const LAYOUT_IDLE: Duration = Duration::from_secs(600);
/// Maximum number of rows in all layouts, so that memory stays bounded (a row takes about 60 bytes).
const LAYOUT_ROWS_MAX: u64 = 2_000_000;
/// How long before an event's settings are read anew.
const EVENT_TTL: Duration = Duration::from_millis(300);
/// Events that nobody has asked for lately are read so many at a time: a flood of ids must not keep those on sale waiting.
const UNKNOWN_AT_ONCE: usize = 2;
/// Maximum number of events, and of ids without an event, that are remembered.
const UNKNOWN_MAX: u64 = 10_000;

/// A cache of events.
pub(crate) struct Catalogue {
    db: Db,
    layouts: Cache<i64, Arc<EventLayout>>,
    events: AnswerCache<i64, Option<Arc<Event>>>,
    unknown: Portion,
}

impl Catalogue {
    /// An empty catalogue.
    pub(crate) fn new(db: Db, stale_max: Duration) -> Self {
        let weigh = |_: &i64, layout: &Arc<EventLayout>| {
            let rows: usize = layout.sections.iter().map(|section| section.rows.len() + 2).sum();
            u32::try_from(rows).unwrap_or(u32::MAX)
        };
        Self {
            db,
            layouts: Cache::builder().weigher(weigh).max_capacity(LAYOUT_ROWS_MAX).time_to_idle(LAYOUT_IDLE).build(),
            events: AnswerCache::new(CacheSettings { weigh: |_, _| 1, weight_max: UNKNOWN_MAX, ttl: EVENT_TTL, stale_max }),
            unknown: Portion::new(UNKNOWN_AT_ONCE, "too many events are being read that nobody has read lately"),
        }
    }

    /// The layout of an event; `None` when there is no such event for this viewer. If the event has to be read, the counts of its sections
    /// go into `summaries`.
    pub(crate) async fn layout(
        &self,
        event_id: i64,
        viewer: Viewer,
        summaries: Option<&Summaries>,
    ) -> Result<Option<Arc<EventLayout>>, DbError> {
        if let Some(layout) = self.layouts.get(&event_id).await {
            return Ok(Some(layout));
        }
        // Boxed, as in the other caches: loading is rare, and its state would make every request larger.
        Box::pin(self.load_layout(event_id, viewer, summaries)).await
    }

    async fn load_layout(&self, event_id: i64, viewer: Viewer, summaries: Option<&Summaries>) -> Result<Option<Arc<EventLayout>>, DbError> {
        // Unknown ids are remembered with the settings: a flood of them must not become a flood of queries.
        let Some(event) = self.event_with(event_id, viewer, summaries).await?.value else { return Ok(None) };
        if !event.is_public() {
            // Only admins see it, and they may delete it, so it is not cached.
            return Ok(self.db.event_with_sections(event_id).await?.map(|read| Arc::new(read.layout)));
        }
        // It was read with the settings, unless these were cached while the layout was dropped, or it is too large to be cached.
        let load = async {
            let read = self.db.event_with_sections(event_id).await.map_err(Some)?;
            read.map(|read| Arc::new(read.layout)).ok_or(None)
        };
        match self.layouts.try_get_with(event_id, load).await {
            Ok(layout) => Ok(Some(layout)),
            Err(error) => (*error).clone().map_or(Ok(None), Err),
        }
    }

    /// The settings of an event, at most 500 ms behind the database; `None` when there is no such event for this viewer.
    pub(crate) async fn event(&self, event_id: i64, viewer: Viewer) -> Result<Aged<Option<Arc<Event>>>, DbError> {
        Box::pin(self.event_with(event_id, viewer, None)).await
    }

    async fn event_with(&self, event_id: i64, viewer: Viewer, summaries: Option<&Summaries>) -> Result<Aged<Option<Arc<Event>>>, DbError> {
        let mut event = self.events.get_or_load(event_id, &self.db, |db| Aged::read(self.load_event(event_id, summaries, db))).await?;
        event.value = event.value.filter(|event| event.is_shown_to(viewer));
        Ok(event)
    }

    /// One round trip: only the settings if the layout is cached, otherwise everything.
    async fn load_event(&self, event_id: i64, summaries: Option<&Summaries>, db: Db) -> Result<Option<Arc<Event>>, DbError> {
        if self.layouts.contains_key(&event_id) {
            return Ok(db.get_event(event_id).await?.map(Arc::new));
        }
        let begun = Instant::now();
        let Some(read) = db.in_portion(&self.unknown).event_with_sections(event_id).await? else { return Ok(None) };
        if read.event.is_public() {
            if let Some(summaries) = summaries {
                summaries.put(&read.layout, &read.counts, begun).await?;
            }
            self.layouts.insert(event_id, Arc::new(read.layout)).await;
        }
        Ok(Some(Arc::new(read.event)))
    }

    /// Drops an event's settings after this server changed them or deleted the event.
    pub(crate) async fn forget(&self, event_id: i64) {
        self.events.forget(&event_id).await;
    }
}
