//! Creating, changing and reading events.

use std::time::Duration;

use tokio_postgres::Row;

use super::{Db, DbError, SectionCount};
use crate::domain::{Event, EventLayout, SectionLayout, SectionRow};

/// A house of a million seats takes seconds.
const CREATE_MAX: Duration = Duration::from_secs(60);

impl Db {
    /// Creates a draft event with its sections and seats; answers its id.
    ///
    /// # Errors
    /// `invalid_request` with the field at fault as detail.
    pub async fn create_event(&self, event: &serde_json::Value) -> Result<i64, DbError> {
        let rows = self.query_within(CREATE_MAX, "select rowlock.create_event($1)", &[event]).await?;
        rows.first().map(|row| row.get(0)).ok_or_else(|| DbError::Internal("no id of a new event".to_owned()))
    }

    /// Changes an event's settings; running orders keep their deadlines.
    ///
    /// # Errors
    /// `event_not_found`, `invalid_request`.
    pub async fn change_event(&self, event_id: i64, change: &serde_json::Value) -> Result<(), DbError> {
        self.query("select rowlock.change_event($1, $2)", &[&event_id, change]).await.map(drop)
    }

    /// Puts an event on sale.
    ///
    /// # Errors
    /// `event_not_found`; `event_conflict` when it is closed.
    pub async fn open_event(&self, event_id: i64) -> Result<(), DbError> {
        self.query("select rowlock.open_event($1)", &[&event_id]).await.map(drop)
    }

    /// Stops claims for a while.
    ///
    /// # Errors
    /// `event_not_found`; `event_conflict` unless it is open.
    pub async fn pause_event(&self, event_id: i64) -> Result<(), DbError> {
        self.query("select rowlock.pause_event($1)", &[&event_id]).await.map(drop)
    }

    /// Ends the sale for good.
    ///
    /// # Errors
    /// `event_not_found`.
    pub async fn close_event(&self, event_id: i64) -> Result<(), DbError> {
        self.query("select rowlock.close_event($1)", &[&event_id]).await.map(drop)
    }

    /// One event, drafts included.
    pub async fn get_event(&self, event_id: i64) -> Result<Option<Event>, DbError> {
        let rows = self.query("select * from rowlock.get_event($1)", &[&event_id]).await?;
        Ok(rows.first().map(event))
    }

    /// Up to `limit` events after that id, by id; drafts are left out.
    pub async fn list_events(&self, after: i64, limit: i32) -> Result<Vec<Event>, DbError> {
        let rows = self.query("select * from rowlock.list_events($1, $2)", &[&after, &limit]).await?;
        Ok(rows.iter().map(event).collect())
    }

    /// One event, drafts included, with its sections.
    pub async fn event_with_sections(&self, event_id: i64) -> Result<Option<EventWithSections>, DbError> {
        let rows = self.query("select * from rowlock.event_with_sections($1)", &[&event_id]).await?;
        let Some(event) = rows.first().map(event) else { return Ok(None) };
        let sections: Vec<_> = rows.iter().map(section).collect();
        let section_nos = sections.iter().map(|section| (section.code.clone(), section.section_no)).collect();
        let layout = EventLayout { event_id, currency: event.currency.clone(), sections, section_nos };
        Ok(Some(EventWithSections { event, layout, counts: rows.iter().map(count).collect() }))
    }
}

/// An event and its sections at one moment.
#[derive(Debug)]
pub struct EventWithSections {
    /// Its settings.
    pub event: Event,
    /// What never changes about it.
    pub layout: EventLayout,
    /// How many seats its sections have on sale, by number.
    pub counts: Vec<SectionCount>,
}

fn event(row: &Row) -> Event {
    Event {
        event_id: row.get("event_id"),
        name: row.get("name"),
        venue: row.get("venue"),
        starts_at: row.get("starts_at"),
        on_sale_at: row.get("on_sale_at"),
        status: row.get("status"),
        window_ms: row.get("window_ms"),
        seats_per_customer: row.get("seats_per_customer"),
        currency: row.get("currency"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    }
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

fn count(row: &Row) -> SectionCount {
    SectionCount {
        section_no: row.get("section_no"),
        code: row.get("code"),
        name: row.get("section_name"),
        price_minor: row.get("price_minor"),
        currency: row.get("currency"),
        capacity: row.get("capacity"),
        available: row.get("available"),
        revision: row.get("revision"),
    }
}
