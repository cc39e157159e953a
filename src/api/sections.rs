//! Sections, their seats, and all seats of an event: bodies that are ready in the cache.

use std::sync::Arc;

use poem::Request;
use poem_openapi::param::{Header, Path};
use poem_openapi::{Object, OpenApi};
use serde::Serialize;

use crate::api::{Tag, layout_of};
use crate::app::SharedApp;
use crate::domain::SeatStatus;
use crate::http::credentials::MaybeAdmin;
use crate::http::refusals::{ADMIN, EVENT, Refusal, refusals};
use crate::http::replies::{CachedJson, answer};
use crate::http::stale::MaybeStale;
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::reads::{Aged, CachedBody};
use crate::types::{Capacity, CurrencyCode, EventId, Label, Name, Price, Revision, SeatCount, SeatNo, SectionCode, Text, Whole, example};

/// The operations on sections and seats.
pub(crate) struct SectionsApi {
    pub app: SharedApp,
}

refusals! {
    ListSections = ADMIN, EVENT;
    ListSeats = ADMIN, EVENT, &[Code::SectionNotFound];
    GetAvailability = ADMIN, EVENT;
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Seats")]
impl SectionsApi {
    /// List the sections of an event
    ///
    /// Returns each section's price and number of available seats, at most 500 ms old; less than 1 KB for ten sections.
    #[oai(path = "/events/:event_id/sections", method = "get", operation_id = "listSections")]
    async fn list_sections(
        &self,
        request: &Request,
        admin: MaybeAdmin,
        /// Id of the event.
        event_id: Path<EventId>,
        /// The `ETag` of the response that you have.
        #[oai(name = "If-None-Match")]
        _if_none_match: Header<Option<String>>,
    ) -> Result<MaybeStale<CachedJson<SectionList>>, Refusal<ListSections>> {
        let unknown = || Problem::plain(Code::EventNotFound);
        if let Some(read) = self.app.summaries.in_memory(event_id.0.0).await {
            return cached_json(read, request, unknown).await;
        }
        // The catalogue remembers unknown ids: a flood of them must not reach Redis and the database.
        let layout = self.app.catalogue.layout(event_id.0.0, admin.viewer(), Some(&self.app.summaries)).await?;
        let read = self.app.summaries.get(&*layout.ok_or_else(unknown)?).await?;
        cached_json(read, request, unknown).await
    }

    /// List the seats of a section
    ///
    /// Returns every seat with its row, price and status, at most 500 ms old. The status is a snapshot; only a claim decides.
    #[oai(path = "/events/:event_id/sections/:section/seats", method = "get", operation_id = "listSeats")]
    async fn list_seats(
        &self,
        request: &Request,
        admin: MaybeAdmin,
        /// Id of the event.
        event_id: Path<EventId>,
        /// Code of the section.
        section: Path<SectionCode>,
        /// The `ETag` of the response that you have.
        #[oai(name = "If-None-Match")]
        _if_none_match: Header<Option<String>>,
    ) -> Result<MaybeStale<CachedJson<SeatList>>, Refusal<ListSeats>> {
        let layout = layout_of(&self.app, event_id.0, admin.viewer()).await?;
        let unknown = || Problem::new(Code::SectionNotFound, "the event has no section with this code");
        let section = layout.section_by_code(&section.0.0).ok_or_else(unknown)?;
        cached_json(self.app.seat_maps.section(&layout, section).await?, request, unknown).await
    }

    /// Read the availability of all seats
    ///
    /// Returns two bits per seat, at most 500 ms old: 2.5 KB for 10,000 seats, before base64 and compression.
    #[oai(path = "/events/:event_id/availability", method = "get", operation_id = "getAvailability")]
    async fn get_availability(
        &self,
        request: &Request,
        admin: MaybeAdmin,
        /// Id of the event.
        event_id: Path<EventId>,
        /// The `ETag` of the response that you have.
        #[oai(name = "If-None-Match")]
        _if_none_match: Header<Option<String>>,
    ) -> Result<MaybeStale<CachedJson<Availability>>, Refusal<GetAvailability>> {
        let layout = layout_of(&self.app, event_id.0, admin.viewer()).await?;
        cached_json(self.app.seat_maps.availability(&layout).await?, request, || Problem::plain(Code::EventNotFound)).await
    }
}

/// The answer with what was read, or that there is no such thing.
async fn cached_json<T, R>(
    read: Aged<Option<Arc<CachedBody>>>,
    request: &Request,
    unknown: impl FnOnce() -> Problem,
) -> Result<MaybeStale<CachedJson<T>>, Refusal<R>> {
    let age = read.stale_age();
    let body = read.value.ok_or_else(unknown)?;
    Ok(MaybeStale { response: CachedJson::new(&body, request.headers()).await, age })
}

/// The sections of an event and how many of their seats are available.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct SectionList {
    /// Id of the event.
    pub event_id: EventId,
    /// Increases with every change to any seat.
    pub revision: Revision,
    /// The sections, in the order in which the event was created.
    #[oai(validator(min_items = 1, max_items = 500))]
    pub sections: Vec<Section>,
}

/// One section and how many of its seats are available.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct Section {
    /// Its code.
    pub section: SectionCode,
    /// Its name.
    pub name: Name,
    /// Price of each seat in minor units of the currency.
    pub price_minor: Price,
    /// ISO 4217 code.
    pub currency: CurrencyCode,
    /// How many seats it has.
    pub capacity: Capacity,
    /// How many of them are available.
    pub available: SeatCount,
}

/// The seats of a section.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct SeatList {
    /// Id of the event.
    pub event_id: EventId,
    /// Code of the section.
    pub section: SectionCode,
    /// Increases with every change to a seat of the section.
    pub revision: Revision,
    /// The seats by number, from 1.
    #[oai(validator(min_items = 1, max_items = 1000000))]
    pub seats: Vec<Seat>,
}

/// One seat.
#[derive(Debug, Object, Serialize)]
#[oai(example, skip_serializing_if_is_none)]
pub(crate) struct Seat {
    /// Its number within the section.
    pub seat: SeatNo,
    /// The label of its row.
    pub row: Label,
    /// Reserved for seats with a label of their own: absent today, since the number is the label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    /// Its price in minor units of the event's currency.
    pub price_minor: Price,
    /// Its status.
    pub status: SeatStatus,
}

/// All seats of an event, two bits per seat.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct Availability {
    /// Id of the event.
    pub event_id: EventId,
    /// Increases with every change to any seat.
    pub revision: Revision,
    /// The sections, in the order in which the event was created.
    #[oai(validator(min_items = 1, max_items = 500))]
    pub sections: Vec<SectionAvailability>,
}

/// The seats of a section, two bits each.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct SectionAvailability {
    /// Code of the section.
    pub section: SectionCode,
    /// Increases with every change to a seat of the section.
    pub revision: Revision,
    /// How many seats it has.
    pub capacity: Capacity,
    /// Base64 of two bits per seat, four seats per byte, seat 1 in the lowest bits of the first byte: 0 available, 1 held, 2 sold,
    /// 3 blocked.
    // A million seats take 250,000 bytes.
    pub seats: Text<4, 333_336>,
}

answer!(SectionList = "The sections.");
answer!(SeatList = "The seats.");
answer!(Availability = "The availability of all seats.");

example!(SectionList { event_id: EventId(7), revision: Whole(4711), sections: vec![Section::example()] });

example!(Section {
    section: SectionCode("A".into()),
    name: "Floor A".into(),
    price_minor: Whole(280_000),
    currency: CurrencyCode("TWD".into()),
    capacity: Whole(1000),
    available: Whole(388),
});

example!(SeatList { event_id: EventId(7), section: SectionCode("A".into()), revision: Whole(512), seats: vec![Seat::example()] });

example!(Seat { seat: Whole(12), row: "1".into(), label: None, price_minor: Whole(280_000), status: SeatStatus::Available });

example!(Availability { event_id: EventId(7), revision: Whole(4711), sections: vec![SectionAvailability::example()] });

// Five seats: available, held, sold, blocked, available.
example!(SectionAvailability { section: SectionCode("A".into()), revision: Whole(512), capacity: Whole(5), seats: "5AA=".into() });
