//! Creating, changing and reading events.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Row;

use super::{Db, DbError, SectionCount};
use crate::domain::{Event, EventCreation, EventLayout, EventStatus, SectionLayout, SectionRow, Viewer};

/// Creating or deleting an event with a million seats takes seconds.
const LARGE_MAX: Duration = Duration::from_secs(60);

/// What every query for events selects of them.
macro_rules! select_events {
    ($rest:literal) => {
        concat!(
            "select event_id, name, venue, starts_at, on_sale_at, off_sale_at, status, opened_at, window_ms, seats_per_customer, ",
            "unpaid_orders_max, unpaid_window_ms, cooldown_ms, currency, created_at, updated_at",
            $rest
        )
    };
}

/// Which events to list, and how many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventQuery<'a> {
    /// For whom.
    pub viewer: Viewer,
    /// The event after which the page begins; `None` for the first page.
    pub after: Option<i64>,
    /// The maximum number of events.
    pub limit: i32,
    /// Only events with this status.
    pub status: Option<EventStatus>,
    /// Only events that begin after this time.
    pub starts_after: Option<OffsetDateTime>,
    /// Only events with this text in their name.
    pub name: Option<&'a str>,
}

/// What was found.
#[derive(Clone, Debug)]
pub(crate) struct EventPage {
    /// The events, soonest first.
    pub events: Vec<Event>,
    /// Where a search by name stopped at its limit: the event after which to continue.
    pub stopped_at: Option<i64>,
}

impl Db {
    /// Creates a draft event with its sections and seats, for this API key; at most once per API key and idempotency key.
    ///
    /// # Errors
    /// `invalid_request` with the field at fault as detail.
    pub(crate) async fn create_event(
        &self,
        event: &serde_json::Value,
        api_key_id: i64,
        idempotency_key: Option<&str>,
    ) -> Result<EventCreation, DbError> {
        let sql = "select outcome, event_id from rowlock.create_event($1, $2, $3)";
        let rows = self.answering_within(LARGE_MAX).query(sql, &[event, &api_key_id, &idempotency_key]).await?;
        let row = rows.first().ok_or_else(|| DbError::Internal("no id of a new event".to_owned()))?;
        let event_id = row.get("event_id");
        match row.get::<_, &str>("outcome") {
            "created" => Ok(EventCreation::Created(event_id)),
            "replayed" => Ok(EventCreation::Replayed(event_id)),
            "idempotency_key_reused" => Ok(EventCreation::IdempotencyKeyReused),
            other => Err(DbError::Internal(format!("create_event answered {other}"))),
        }
    }

    /// Changes an event's settings and status, everything or nothing; pending orders keep their deadlines.
    ///
    /// # Errors
    /// `event_not_found`, `invalid_request`; `event_conflict` if the event cannot go from its status to the one asked for.
    pub(crate) async fn change_event(&self, event_id: i64, change: &serde_json::Value) -> Result<(), DbError> {
        self.query("select rowlock.change_event($1, $2)", &[&event_id, change]).await.map(drop)
    }

    /// Deletes a draft with its sections and seats.
    ///
    /// # Errors
    /// `event_not_found`; `event_conflict` unless it is a draft.
    pub(crate) async fn delete_event(&self, event_id: i64) -> Result<(), DbError> {
        self.answering_within(LARGE_MAX).query("select rowlock.delete_event($1)", &[&event_id]).await.map(drop)
    }

    /// One event, drafts included.
    pub(crate) async fn get_event(&self, event_id: i64) -> Result<Option<Event>, DbError> {
        let rows = self.query(select_events!(" from rowlock.get_event($1)"), &[&event_id]).await?;
        rows.first().map(event).transpose()
    }

    /// A page of events, soonest first; an empty one if `after` is not an event that the caller may see.
    pub(crate) async fn list_events(&self, query: &EventQuery<'_>) -> Result<EventPage, DbError> {
        let sql = select_events!(
            ", is_match, ends_search from rowlock.list_events( \
            p_after_event_id => $1, p_limit => $2, p_with_drafts => $3, p_status => $4, p_starts_after => $5, p_name => $6)"
        );
        let EventQuery { viewer, after, limit, status, starts_after, name } = query;
        let (with_drafts, status) = (*viewer == Viewer::Admin, status.map(EventStatus::as_str));
        let rows = self.query(sql, &[after, limit, &with_drafts, &status, starts_after, name]).await?;
        let found = rows.iter().filter(|row| row.get("is_match"));
        let stopped_at = rows.last().filter(|row| row.get("ends_search")).map(|row| row.get("event_id"));
        Ok(EventPage { events: found.map(event).collect::<Result<_, _>>()?, stopped_at })
    }

    /// One event, drafts included, with its sections.
    pub(crate) async fn event_with_sections(&self, event_id: i64) -> Result<Option<EventWithSections>, DbError> {
        let sql = select_events!(
            ", section_no, code, section_name, price_minor, capacity, available, revision, row_labels, row_first_seats \
            from rowlock.event_with_sections($1)"
        );
        let rows = self.query(sql, &[&event_id]).await?;
        let Some(event) = rows.first().map(event).transpose()? else { return Ok(None) };
        let sections: Vec<_> = rows.iter().map(section).collect();
        let section_nos = sections.iter().map(|section| (section.code.clone(), section.section_no)).collect();
        let layout = EventLayout { event_id, currency: event.currency.clone(), sections, section_nos, is_public: event.is_public() };
        Ok(Some(EventWithSections { event, layout, counts: rows.iter().map(SectionCount::from).collect() }))
    }
}

/// An event and its sections at one moment.
#[derive(Debug)]
pub(crate) struct EventWithSections {
    /// Its settings.
    pub event: Event,
    /// The part of it that never changes.
    pub layout: EventLayout,
    /// What changes in its sections, by number.
    pub counts: Vec<SectionCount>,
}

fn event(row: &Row) -> Result<Event, DbError> {
    Ok(Event {
        event_id: row.get("event_id"),
        name: row.get("name"),
        venue: row.get("venue"),
        starts_at: row.get("starts_at"),
        on_sale_at: row.get("on_sale_at"),
        off_sale_at: row.get("off_sale_at"),
        status: status(row.get("status"))?,
        opened_at: row.get("opened_at"),
        window_ms: row.get("window_ms"),
        seats_per_customer: row.get("seats_per_customer"),
        unpaid_orders_max: row.get("unpaid_orders_max"),
        unpaid_window_ms: row.get("unpaid_window_ms"),
        cooldown_ms: row.get("cooldown_ms"),
        currency: row.get("currency"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    })
}

fn status(name: &str) -> Result<EventStatus, DbError> {
    EventStatus::from_name(name).ok_or_else(|| DbError::Internal(format!("unknown event status {name}")))
}

fn section(row: &Row) -> SectionLayout {
    let labels: Vec<String> = row.get("row_labels");
    let first_seats: Vec<i32> = row.get("row_first_seats");
    SectionLayout {
        section_no: row.get("section_no"),
        code: row.get("code"),
        name: row.get("section_name"),
        price_minor: row.get("price_minor"),
        capacity: row.get("capacity"),
        rows: labels.into_iter().zip(first_seats).map(|(label, first_seat)| SectionRow { label, first_seat }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_by_its_name_and_an_unknown_one_is_an_error() {
        for known in [EventStatus::Draft, EventStatus::Open, EventStatus::Paused, EventStatus::Closed] {
            assert_eq!(status(known.as_str()).ok(), Some(known));
        }
        assert!(matches!(status("Open"), Err(DbError::Internal(cause)) if cause == "unknown event status Open"));
    }
}
