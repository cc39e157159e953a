//! Events: listed and read by anyone, created and changed by admins.

pub(crate) mod new_sections;
pub(crate) mod types;

use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use serde_json::Value;

use crate::api::Tag;
use crate::api::events::types::{EventIn, EventList, EventOut, EventPatch};
use crate::app::SharedApp;
use crate::domain::EventCreation;
use crate::http::body::JsonBody;
use crate::http::credentials::Admin;
use crate::http::params::{IdempotencyKey, Path, limit_default};
use crate::http::refusals::{ADMIN, BODY, CHANGE, EVENT, Refusal, refusals};
use crate::http::replies::{Created, Found};
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::problem::conversions::{after_change, of_change};
use crate::types::{EventChange, EventId};

/// The operations on events.
pub struct EventsApi {
    /// The application.
    pub app: SharedApp,
}

refusals! {
    /// Of listing events.
    ListEvents = &[Code::InvalidRequest];
    /// Of reading an event.
    GetEvent = EVENT;
    /// Of creating an event.
    CreateEvent = ADMIN, BODY, CHANGE, &[Code::IdempotencyKeyReused];
    /// Of changing an event.
    ChangeEvent = ADMIN, BODY, CHANGE, EVENT, &[Code::EventConflict];
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Events")]
impl EventsApi {
    /// List events
    ///
    /// Every event that is or was on sale, oldest first, a page at a time.
    #[oai(path = "/events", method = "get", operation_id = "listEvents")]
    async fn list_events(
        &self,
        /// The `next` of the page before; absent: the first page.
        #[oai(validator(minimum(value = "0")))]
        after: Query<Option<i64>>,
        /// How many events a page has.
        #[oai(default = "limit_default", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
    ) -> Result<Found<EventList>, Refusal<ListEvents>> {
        // One more than asked for tells whether there is another page.
        let mut events = self.app.db.list_events(after.unwrap_or(0), limit.0 + 1).await?;
        let more = events.len() > usize::try_from(limit.0).unwrap_or(0);
        if more {
            events.pop();
        }
        let next = events.last().filter(|_| more).map(|event| event.event_id);
        let events = events.iter().map(|event| EventOut::new(event, None)).collect::<Result<_, _>>()?;
        Ok(Found(EventList { events, next }))
    }

    /// Read an event
    ///
    /// Its settings, at most 500 ms old, and its sections. A draft is not listed, but can be read by its id.
    #[oai(path = "/events/:event_id", method = "get", operation_id = "getEvent")]
    async fn get_event(
        &self,
        /// Id of the event.
        event_id: Path<EventId>,
    ) -> Result<Found<EventOut>, Refusal<GetEvent>> {
        let (event, layout) = tokio::try_join!(self.app.catalogue.event(event_id.0.0), self.app.catalogue.layout(event_id.0.0))?;
        match (event, layout) {
            (Some(event), Some(layout)) => Ok(Found(EventOut::new(&event, Some(&layout))?)),
            _ => Err(Problem::plain(Code::EventNotFound).into()),
        }
    }

    /// Create an event
    ///
    /// The event is a draft: nothing is sold until it is opened. Its sections, seats and prices never change.
    #[oai(path = "/events", method = "post", operation_id = "createEvent")]
    async fn create_event(
        &self,
        admin: Admin,
        /// Makes a retry harmless: the same key with the same request answers the event that it created, however often it comes. Unique for
        /// an API key.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: IdempotencyKey,
        event: JsonBody<EventIn>,
    ) -> Result<Created<EventOut>, Refusal<CreateEvent>> {
        let api_key_id = admin.0.api_key_id;
        let created = self.app.db.create_event(&event.0.to_db()?, api_key_id, idempotency_key.0.as_deref()).await;
        let (event_id, replayed) = match created.map_err(in_api_words)? {
            EventCreation::Created(event_id) => (event_id, false),
            EventCreation::Replayed(event_id) => (event_id, true),
            EventCreation::IdempotencyKeyReused => return Err(Problem::plain(Code::IdempotencyKeyReused).into()),
        };
        if !replayed {
            tracing::info!(event_id, api_key_id, "event created");
        }
        self.app.catalogue.forget(event_id).await;
        let body = self.read_fresh(event_id).await.map_err(after_change)?;
        Ok(Created { body, location: format!("/v1/events/{event_id}"), replayed })
    }

    /// Change an event
    ///
    /// Changes settings, opens, pauses or closes the event. With `open` the settings are changed before the sale begins, otherwise after
    /// it stopped. Servers notice within 500 ms; claims that were under way then are answered as before.
    #[oai(path = "/events/:event_id", method = "patch", operation_id = "changeEvent")]
    async fn change_event(
        &self,
        admin: Admin,
        /// Id of the event.
        event_id: Path<EventId>,
        patch: JsonBody<EventPatch>,
    ) -> Result<Found<EventOut>, Refusal<ChangeEvent>> {
        let (event_id, patch) = (event_id.0.0, patch.0);
        let changed = self.change(event_id, &patch).await;
        // Even a change that failed half-way may have changed something.
        self.app.catalogue.forget(event_id).await;
        changed?;
        tracing::info!(event_id, api_key_id = admin.0.api_key_id, status = ?patch.status, "event changed");
        Ok(Found(self.read_fresh(event_id).await.map_err(after_change)?))
    }
}

impl EventsApi {
    async fn change(&self, event_id: i64, patch: &EventPatch) -> Result<(), Problem> {
        let db = &self.app.db;
        let settings = Value::Object(patch.settings());
        let has_settings = settings.as_object().is_some_and(|settings| !settings.is_empty());
        match patch.status {
            Some(EventChange::Open) if has_settings => {
                db.change_event(event_id, &settings).await.map_err(of_change)?;
                return db.open_event(event_id).await.map_err(of_change).map_err(after_change);
            }
            Some(EventChange::Open) => return db.open_event(event_id).await.map_err(of_change),
            Some(EventChange::Paused) => db.pause_event(event_id).await.map_err(of_change)?,
            Some(EventChange::Closed) => db.close_event(event_id).await.map_err(of_change)?,
            None => return db.change_event(event_id, &settings).await.map_err(of_change),
        }
        if !has_settings {
            return Ok(());
        }
        db.change_event(event_id, &settings).await.map_err(of_change).map_err(after_change)
    }

    /// What the database says now, past every cache.
    async fn read_fresh(&self, event_id: i64) -> Result<EventOut, Problem> {
        let (event, layout) = tokio::try_join!(self.app.db.get_event(event_id), self.app.catalogue.layout(event_id))?;
        match (event, layout) {
            (Some(event), Some(layout)) => EventOut::new(&event, Some(&layout)),
            _ => Err(Problem::plain(Code::EventNotFound)),
        }
    }
}

/// The database calls a section's code `code` and a row's label `label`; the API calls them `section` and `row`.
fn in_api_words(error: crate::db::DbError) -> Problem {
    let problem = of_change(error);
    let Some(field) = problem.field() else { return problem };
    let renamed = match field.rsplit_once('.') {
        Some((section, "code")) => format!("{section}.section"),
        Some((row, "label")) => format!("{row}.row"),
        _ => return problem,
    };
    problem.with_field(renamed)
}
