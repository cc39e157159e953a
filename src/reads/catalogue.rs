//! Events: the layout, which never changes, and the settings, which seldom do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::future::Cache;

use super::{Aged, Summaries, WhileFresh};
use crate::db::{Db, DbError};
use crate::domain::{Audience, Event, EventLayout};

/// Unused layouts leave after this; a layout never changes while its event exists, and what was ever on sale is never deleted.
const LAYOUT_IDLE: Duration = Duration::from_secs(600);
/// Rows kept over all layouts, so that memory stays bounded (a row takes about 60 bytes).
const LAYOUT_ROWS_MAX: u64 = 2_000_000;
/// How far an event's settings may be behind the database.
const EVENT_TTL: Duration = Duration::from_millis(300);
/// How long an id without an event is remembered.
const UNKNOWN_MAX: u64 = 10_000;

/// What is known of events, without asking the database again.
pub struct Catalogue {
    db: Db,
    layouts: Cache<i64, Arc<EventLayout>>,
    events: Cache<i64, Aged<Option<Arc<Event>>>>,
}

impl Catalogue {
    /// An empty catalogue.
    pub fn new(db: Db) -> Self {
        let weigh = |_: &i64, layout: &Arc<EventLayout>| {
            let rows: usize = layout.sections.iter().map(|section| section.rows.len() + 2).sum();
            u32::try_from(rows).unwrap_or(u32::MAX)
        };
        Self {
            db,
            layouts: Cache::builder().weigher(weigh).max_capacity(LAYOUT_ROWS_MAX).time_to_idle(LAYOUT_IDLE).build(),
            events: Cache::builder().max_capacity(UNKNOWN_MAX).time_to_live(EVENT_TTL).expire_after(WhileFresh).build(),
        }
    }

    /// The layout of an event; `None` when there is no such event for those who ask.
    pub async fn layout(&self, event_id: i64, audience: Audience) -> Result<Option<Arc<EventLayout>>, DbError> {
        self.layout_with(event_id, audience, None).await
    }

    /// The same; if the event has to be read for it, its sections' counts go into `summaries`.
    pub async fn layout_and_summary(
        &self,
        event_id: i64,
        audience: Audience,
        summaries: &Summaries,
    ) -> Result<Option<Arc<EventLayout>>, DbError> {
        self.layout_with(event_id, audience, Some(summaries)).await
    }

    async fn layout_with(
        &self,
        event_id: i64,
        audience: Audience,
        summaries: Option<&Summaries>,
    ) -> Result<Option<Arc<EventLayout>>, DbError> {
        if let Some(layout) = self.layouts.get(&event_id).await {
            return Ok(Some(layout));
        }
        // Boxed, here and in the other caches: loading is rare, and its state would make every request larger.
        Box::pin(self.load_layout(event_id, audience, summaries)).await
    }

    async fn load_layout(
        &self,
        event_id: i64,
        audience: Audience,
        summaries: Option<&Summaries>,
    ) -> Result<Option<Arc<EventLayout>>, DbError> {
        // Unknown ids are remembered with the settings: a storm of them must not become a storm of queries.
        let Some(event) = self.event_with(event_id, audience, summaries).await? else { return Ok(None) };
        if !event.is_public() {
            // Only admins see it, and may delete it: nobody keeps it.
            return Ok(self.db.event_with_sections(event_id).await?.map(|read| Arc::new(read.layout)));
        }
        // It has come with the settings, unless these were at hand while the layout had left, or it is too large to be kept.
        let load = async {
            let read = self.db.event_with_sections(event_id).await.map_err(Some)?;
            read.map(|read| Arc::new(read.layout)).ok_or(None)
        };
        match self.layouts.try_get_with(event_id, load).await {
            Ok(layout) => Ok(Some(layout)),
            Err(error) => match (*error).clone() {
                Some(error) => Err(error),
                None => Ok(None),
            },
        }
    }

    /// The settings of an event, at most 300 ms old; `None` when there is no such event for those who ask.
    pub async fn event(&self, event_id: i64, audience: Audience) -> Result<Option<Arc<Event>>, DbError> {
        Box::pin(self.event_with(event_id, audience, None)).await
    }

    async fn event_with(&self, event_id: i64, audience: Audience, summaries: Option<&Summaries>) -> Result<Option<Arc<Event>>, DbError> {
        let load = Aged::read(self.load_event(event_id, summaries));
        let event = self.events.try_get_with(event_id, load).await.map_err(|error| (*error).clone())?.value;
        Ok(event.filter(|event| event.is_shown_to(audience)))
    }

    /// One round trip: the settings alone if the layout is known, else all there is.
    async fn load_event(&self, event_id: i64, summaries: Option<&Summaries>) -> Result<Option<Arc<Event>>, DbError> {
        if self.layouts.contains_key(&event_id) {
            return Ok(self.db.get_event(event_id).await?.map(Arc::new));
        }
        let begun = Instant::now();
        let Some(read) = self.db.event_with_sections(event_id).await? else { return Ok(None) };
        if read.event.is_public() {
            self.layouts.insert(event_id, Arc::new(read.layout)).await;
            if let Some(summaries) = summaries {
                summaries.put(event_id, &read.counts, begun).await;
            }
        }
        Ok(Some(Arc::new(read.event)))
    }

    /// Forgets an event's settings, after they changed, or the event was deleted, here.
    pub async fn forget(&self, event_id: i64) {
        self.events.invalidate(&event_id).await;
    }
}
