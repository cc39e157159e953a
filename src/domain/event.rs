//! The event, its sections and their rows.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::SeatRef;
use super::named::named;

named! {
    /// Status of an event: a `draft` is being prepared; seats are sold only while it is `open`; a `paused` one can be opened again;
    /// `closed` is final.
    pub(crate) enum EventStatus {
        /// Being prepared; only admins see it.
        Draft = "draft",
        /// On sale.
        Open = "open",
        /// Claims are stopped for the time being.
        Paused = "paused",
        /// The sale has ended for good.
        Closed = "closed",
    }
}

/// An event's settings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// Its id.
    pub event_id: i64,
    /// Its name.
    pub name: String,
    /// Where it takes place; may be empty.
    pub venue: String,
    /// When the concert begins.
    pub starts_at: Option<OffsetDateTime>,
    /// Claims succeed from this time on; `None`: as soon as it is open.
    pub on_sale_at: Option<OffsetDateTime>,
    /// Claims fail from this time on; `None`: only once it is closed.
    pub off_sale_at: Option<OffsetDateTime>,
    /// Its status.
    pub status: EventStatus,
    /// When it was first opened; `None`: never.
    pub opened_at: Option<OffsetDateTime>,
    /// How long a pending order holds its seats, in milliseconds.
    pub window_ms: i32,
    /// How many seats one customer may have, held and bought together.
    pub seats_per_customer: i32,
    /// How many orders a customer may let end unpaid, since the last that was paid for, before the cooldown.
    pub unpaid_orders_max: i32,
    /// How long an order that ended unpaid counts, in milliseconds.
    pub unpaid_window_ms: i32,
    /// How long a customer cannot claim who has let that many end unpaid, in milliseconds; 0: no cooldown.
    pub cooldown_ms: i32,
    /// ISO 4217 code.
    pub currency: String,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When its settings last changed.
    pub updated_at: OffsetDateTime,
}

/// Who asks about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Viewer {
    /// Anyone: an event that was never opened does not exist for them.
    Public,
    /// An admin, who sees every event.
    Admin,
}

impl Event {
    /// Whether it was ever opened. This never changes back: no event becomes a draft again.
    pub(crate) fn is_public(&self) -> bool {
        self.opened_at.is_some()
    }

    /// Whether it exists for this viewer.
    pub(crate) fn is_shown_to(&self, viewer: Viewer) -> bool {
        viewer == Viewer::Admin || self.is_public()
    }
}

/// What became of a request for a new event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventCreation {
    /// The event of that id is new.
    Created(i64),
    /// Its idempotency key was used before with the same request, which created that event.
    Replayed(i64),
    /// Its idempotency key was used before with a different request.
    IdempotencyKeyReused,
}

/// The part of an event that never changes: its currency, sections and rows. Cached as long as it is used.
#[derive(Clone, Debug)]
pub(crate) struct EventLayout {
    /// The event.
    pub event_id: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Its sections; section number `n` is at index `n - 1`.
    pub sections: Vec<SectionLayout>,
    /// From a section's code to its number.
    pub section_nos: HashMap<String, i32>,
    /// Whether the event was public when this was read: otherwise no summary of it is cached.
    pub is_public: bool,
}

impl EventLayout {
    /// The section with that number.
    pub(crate) fn section(&self, section_no: i32) -> Option<&SectionLayout> {
        usize::try_from(section_no).ok()?.checked_sub(1).and_then(|index| self.sections.get(index))
    }

    /// The section and the row of a seat.
    ///
    /// # Errors
    /// When the event has no such seat: then the database breaks its promises, and no name or price may be made up.
    pub(crate) fn place_of(&self, seat: SeatRef) -> Result<(&SectionLayout, &str), UnknownSeat> {
        let section = self.section(seat.section_no);
        let place = section.and_then(|section| Some((section, section.row_of(seat.seat_no)?)));
        place.ok_or(UnknownSeat { event_id: self.event_id, seat })
    }

    /// The section with that code.
    pub(crate) fn section_by_code(&self, code: &str) -> Option<&SectionLayout> {
        self.section(*self.section_nos.get(code)?)
    }
}

/// A seat that its event does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the layout of event {event_id} has no seat {} in section number {}", .seat.seat_no, .seat.section_no)]
pub(crate) struct UnknownSeat {
    /// The event.
    pub event_id: i64,
    /// The seat.
    pub seat: SeatRef,
}

/// The part of a section that never changes.
#[derive(Clone, Debug)]
pub(crate) struct SectionLayout {
    /// Its number, from 1.
    pub section_no: i32,
    /// Its code in the API, for example `A`.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Price of each seat in minor units.
    pub price_minor: i64,
    /// How many seats it has, numbered from 1.
    pub capacity: i32,
    /// Its rows, by first seat.
    pub rows: Vec<SectionRow>,
}

impl SectionLayout {
    /// The label of the seat's row; `None` when the section has no such seat.
    pub(crate) fn row_of(&self, seat_no: i32) -> Option<&str> {
        if seat_no < 1 || seat_no > self.capacity {
            return None;
        }
        let after = self.rows.partition_point(|row| row.first_seat <= seat_no);
        self.rows.get(after.checked_sub(1)?).map(|row| row.label.as_str())
    }
}

/// One row of seats.
#[derive(Clone, Debug)]
pub(crate) struct SectionRow {
    /// Its label.
    pub label: String,
    /// Number of its first seat within the section.
    pub first_seat: i32,
}
