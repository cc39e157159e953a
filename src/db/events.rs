//! Creating, changing and reading events.

use std::time::Duration;

use tokio_postgres::Row;

use super::{Db, DbError};
use crate::domain::{Event, EventCreation, EventLayout, SectionLayout, SectionRow};

/// A house of a million seats takes seconds.
const CREATE_MAX: Duration = Duration::from_secs(60);

impl Db {
    /// Creates a draft event with its sections and seats, for the API key of that id; at most once for an idempotency key of it.
    ///
    /// # Errors
    /// `invalid_request` with the field at fault as detail.
    pub async fn create_event(
        &self,
        event: &serde_json::Value,
        api_key_id: i64,
        idempotency_key: Option<&str>,
    ) -> Result<EventCreation, DbError> {
        let sql = "select outcome, event_id from rowlock.create_event($1, $2, $3)";
        let rows = self.query_within(CREATE_MAX, sql, &[event, &api_key_id, &idempotency_key]).await?;
        let row = rows.first().ok_or_else(|| DbError::Internal("no id of a new event".to_owned()))?;
        let event_id = row.get("event_id");
        match row.get::<_, &str>("outcome") {
            "created" => Ok(EventCreation::Created(event_id)),
            "replayed" => Ok(EventCreation::Replayed(event_id)),
            "idempotency_key_reused" => Ok(EventCreation::IdempotencyKeyReused),
            other => Err(DbError::Internal(format!("create_event answered {other}"))),
        }
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

    /// What never changes about an event.
    pub async fn event_layout(&self, event_id: i64) -> Result<Option<EventLayout>, DbError> {
        let Some(event) = self.get_event(event_id).await? else { return Ok(None) };
        let rows = self.query("select * from rowlock.event_layout($1)", &[&event_id]).await?;
        let sections: Vec<_> = rows.iter().map(section).collect();
        let section_nos = sections.iter().map(|section| (section.code.clone(), section.section_no)).collect();
        Ok(Some(EventLayout { event_id, currency: event.currency, sections, section_nos }))
    }
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
        name: row.get("name"),
        price_minor: row.get("price_minor"),
        capacity: row.get("capacity"),
        rows: labels.into_iter().zip(first_seats).map(|(label, first_seat)| SectionRow { label, first_seat }).collect(),
    }
}
