//! Events: listed and read by anyone, created, changed and, while they are drafts, deleted by admins.

pub(crate) mod answers;
pub(crate) mod new_sections;
pub(crate) mod requests;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};

use crate::api::Tag;
use crate::api::events::answers::{EventList, EventOut};
use crate::api::events::requests::{EventIn, EventPatch};
use crate::app::SharedApp;
use crate::db::{DbError, EventQuery, Rule};
use crate::domain::{EventCreation, EventStatus, Viewer};
use crate::http::body::JsonBody;
use crate::http::credentials::{Admin, MaybeAdmin};
use crate::http::params::{IdempotencyKey, limit_default};
use crate::http::refusals::{ADMIN, BODY, CHANGE, EVENT, Refusal, refusals};
use crate::http::replies::{Created, NoContent, OkJson};
use crate::http::stale::MaybeStale;
use crate::off_runtime::off_runtime;
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::problem::conversions::{after_change, of_change};
use crate::reads::READ_MAX;
use crate::types::{EventId, Time};

/// The operations on events.
pub(crate) struct EventsApi {
    pub app: SharedApp,
}

refusals! {
    ListEvents = ADMIN, &[Code::InvalidRequest];
    GetEvent = ADMIN, EVENT;
    CreateEvent = ADMIN, BODY, CHANGE, &[Code::EventDeleted, Code::IdempotencyKeyReused];
    ChangeEvent = ADMIN, BODY, CHANGE, EVENT, &[Code::EventConflict];
    DeleteEvent = ADMIN, CHANGE, EVENT, &[Code::EventConflict];
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Events")]
impl EventsApi {
    /// List events
    ///
    /// Lists every event that was ever opened, soonest first, one page at a time; with an API key, also those that never were.
    #[oai(path = "/events", method = "get", operation_id = "listEvents")]
    async fn list_events(
        &self,
        admin: MaybeAdmin,
        /// The `next` of the previous page; leave it out for the first page.
        #[oai(validator(minimum(value = "1")))]
        after: Query<Option<i64>>,
        /// Maximum number of events on the page.
        #[oai(default = "limit_default", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
        /// Only events with this status. `draft` needs an API key.
        status: Query<Option<EventStatus>>,
        /// Only events that begin after this time.
        starts_after: Query<Option<Time>>,
        /// Only events with this text in their name, ignoring case as far as the database's locale supports it.
        #[oai(validator(min_length = 1, max_length = 200))]
        name: Query<Option<String>>,
    ) -> Result<OkJson<EventList>, Refusal<ListEvents>> {
        let (limit, status) = (limit.0, status.0);
        if status == Some(EventStatus::Draft) {
            admin.or_refuse(&self.app, "drafts are listed for admins only: send an API key in `X-Api-Key`")?;
        }
        let name = name.0.as_deref();
        let (viewer, starts_after) = (admin.viewer(), starts_after.0.map(|time| time.0));
        // One more than requested shows whether there is another page.
        let query = EventQuery { viewer, after: after.0, limit: limit + 1, status, starts_after, name };
        let db = self.app.db.answering_within(READ_MAX);
        let page = db.list_events(&query).await?;
        if page.events.is_empty()
            && let Some(after) = query.after
            && !db.get_event(after).await?.is_some_and(|event| event.is_shown_to(viewer))
        {
            return Err(Problem::invalid("after", "must be the `next` of an earlier page: no event has this id").into());
        }
        Ok(OkJson(EventList::page(page, limit)))
    }

    /// Read an event
    ///
    /// Returns its settings, at most 500 ms old, and its sections. An event that was never opened is found only with an API key.
    #[oai(path = "/events/:event_id", method = "get", operation_id = "getEvent")]
    async fn get_event(
        &self,
        admin: MaybeAdmin,
        /// Id of the event.
        event_id: Path<EventId>,
    ) -> Result<MaybeStale<OkJson<EventOut>>, Refusal<GetEvent>> {
        let (event_id, viewer, catalogue) = (event_id.0.0, admin.viewer(), &self.app.catalogue);
        let (event, layout) = tokio::try_join!(catalogue.event(event_id, viewer), catalogue.layout(event_id, viewer, None))?;
        let age = event.stale_age();
        match (event.value, layout) {
            (Some(event), Some(layout)) => Ok(MaybeStale { response: OkJson(EventOut::new(&event, Some(&layout))), age }),
            _ => Err(Problem::plain(Code::EventNotFound).into()),
        }
    }

    /// Create an event
    ///
    /// Creates a draft: nothing is sold until the event is opened. Its sections, seats and prices never change.
    #[oai(path = "/events", method = "post", operation_id = "createEvent")]
    async fn create_event(
        &self,
        admin: Admin,
        /// Makes a retry safe: the same key with the same request returns the event that it created, however often it is sent, or
        /// `event_deleted` if that event has been deleted. Unique per API key.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: IdempotencyKey,
        event: JsonBody<EventIn>,
    ) -> Result<Created<EventOut>, Refusal<CreateEvent>> {
        let api_key_id = admin.0.api_key_id;
        let event = off_runtime(move || event.0.to_db()).await?;
        let created = self.app.db.for_key(&admin.0).create_event(&event, api_key_id, idempotency_key.0.as_deref()).await;
        let (event_id, replayed) = match created.map_err(in_api_words)? {
            EventCreation::Created(event_id) => (event_id, false),
            EventCreation::Replayed(event_id) => (event_id, true),
            EventCreation::IdempotencyKeyReused => return Err(Problem::plain(Code::IdempotencyKeyReused).into()),
        };
        if !replayed {
            tracing::info!(event_id, api_key_id, "event created");
        }
        self.app.catalogue.forget(event_id).await;
        let body = self.read_fresh(event_id).await.map_err(|problem| match problem.code() {
            Code::EventNotFound => Problem::plain(Code::EventDeleted),
            _ => after_change(problem),
        })?;
        Ok(Created { body, location: format!("/v1/events/{event_id}"), replayed })
    }

    /// Change an event
    ///
    /// Changes settings, or opens, pauses or closes the event, in one step: everything or nothing. Claims obey the
    /// change at once, except those that are being decided at that moment; reads show it within 500 ms.
    #[oai(path = "/events/:event_id", method = "patch", operation_id = "changeEvent")]
    async fn change_event(
        &self,
        admin: Admin,
        /// Id of the event.
        event_id: Path<EventId>,
        patch: JsonBody<EventPatch>,
    ) -> Result<OkJson<EventOut>, Refusal<ChangeEvent>> {
        let (event_id, patch) = (event_id.0.0, patch.0);
        let changed = self.app.db.for_key(&admin.0).change_event(event_id, &patch.to_db()).await;
        // Even a call whose answer was lost may have changed the event.
        self.app.catalogue.forget(event_id).await;
        changed.map_err(of_change)?;
        tracing::info!(event_id, api_key_id = admin.0.api_key_id, status = ?patch.status, "event changed");
        Ok(OkJson(self.read_fresh(event_id).await.map_err(after_change)?))
    }

    /// Delete a draft
    ///
    /// Deletes a draft, with its sections and seats. All other events are kept for good.
    #[oai(path = "/events/:event_id", method = "delete", operation_id = "deleteEvent")]
    async fn delete_event(
        &self,
        admin: Admin,
        /// Id of the event.
        event_id: Path<EventId>,
    ) -> Result<NoContent, Refusal<DeleteEvent>> {
        let event_id = event_id.0.0;
        let deleted = self.app.db.for_key(&admin.0).delete_event(event_id).await;
        // Even a call whose answer was lost may have deleted it.
        self.app.catalogue.forget(event_id).await;
        deleted.map_err(of_change)?;
        tracing::info!(event_id, api_key_id = admin.0.api_key_id, "draft deleted");
        Ok(NoContent)
    }
}

impl EventsApi {
    /// The event with its settings from the database, not from the cache; its layout never changes and may be a cached one.
    async fn read_fresh(&self, event_id: i64) -> Result<EventOut, Problem> {
        let (event, layout) = tokio::try_join!(self.app.db.get_event(event_id), self.app.catalogue.layout(event_id, Viewer::Admin, None))?;
        match (event, layout) {
            (Some(event), Some(layout)) => Ok(EventOut::new(&event, Some(&layout))),
            _ => Err(Problem::plain(Code::EventNotFound)),
        }
    }
}

/// The database calls a section's code `code` and a row's label `label`; the API calls them `section` and `row`.
fn in_api_words(mut error: DbError) -> Problem {
    if let DbError::Rule { rule: Rule::InvalidRequest, detail: Some(detail), .. } = &mut error {
        for (theirs, ours) in [(".code: ", ".section: "), (".label: ", ".row: ")] {
            *detail = detail.replacen(theirs, ours, 1);
        }
    }
    of_change(error)
}
