//! What the operations on events answer.

use poem_openapi::Object;
use serde::Serialize;
use time::macros::datetime;

use crate::db::EventPage;
use crate::domain::{Event, EventLayout, EventStatus, SectionLayout};
use crate::http::replies::{Answer, answer};
use crate::types::{
    Capacity, CooldownMs, CurrencyCode, EventId, Name, Price, SeatLimit, SectionCode, Time, UnpaidOrdersMax, Venue, Whole, WindowMs,
    example,
};

/// One concert session.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "Event", example, skip_serializing_if_is_none)]
pub(crate) struct EventOut {
    /// Its id.
    pub event_id: EventId,
    /// Its name.
    pub name: Name,
    /// Where it takes place; may be empty.
    pub venue: Venue,
    /// When the concert begins, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Time>,
    /// Claims succeed from this time on; if absent, as soon as the event is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_sale_at: Option<Time>,
    /// Claims fail from this time on; if absent, only once the event is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_sale_at: Option<Time>,
    /// Its status.
    pub status: EventStatus,
    /// How long a pending order holds its seats, in milliseconds.
    pub window_ms: WindowMs,
    /// How many seats one customer may have, held and bought together, over all orders.
    pub seats_per_customer: SeatLimit,
    /// How many orders a customer may let end unpaid, expired or cancelled, within `unpaid_window_ms` and since the last that was paid for.
    /// Then claims are refused with `cooldown`.
    pub unpaid_orders_max: UnpaidOrdersMax,
    /// How long an order that ended unpaid counts, in milliseconds.
    pub unpaid_window_ms: WindowMs,
    /// How long the cooldown lasts after the last order that ended unpaid, in milliseconds; 0 means that there is none.
    pub cooldown_ms: CooldownMs,
    /// The currency of every price, an ISO 4217 code.
    pub currency: CurrencyCode,
    /// When it was created.
    pub created_at: Time,
    /// When its settings last changed.
    pub updated_at: Time,
    /// Its sections; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(validator(min_items = 1, max_items = 500))]
    pub sections: Option<Vec<EventSection>>,
}

/// The part of a section that never changes.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct EventSection {
    /// Its code.
    pub section: SectionCode,
    /// Its name.
    pub name: Name,
    /// Price of each seat in minor units of the event's currency.
    pub price_minor: Price,
    /// How many seats it has, numbered from 1.
    pub capacity: Capacity,
}

/// A page of events.
#[derive(Debug, Object, Serialize)]
#[oai(example, skip_serializing_if_is_none)]
pub(crate) struct EventList {
    /// The events, soonest first; events without `starts_at` come last.
    #[oai(validator(max_items = 100))]
    pub events: Vec<EventOut>,
    /// Send it as `after` to read the next page; absent on the last page. With `name`, a page may have a `next` although it is not full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<EventId>,
}

impl Answer for EventOut {
    const MEANING: &'static str = "The event.";
    const LOCATION: &'static str = "/v1/events/7";
    const REPLAYS: bool = true;
}

answer!(EventList = "A page of events.");

impl EventOut {
    /// An event with its sections, or without in a list.
    pub(crate) fn new(event: &Event, layout: Option<&EventLayout>) -> Self {
        Self {
            event_id: EventId(event.event_id),
            name: event.name.as_str().into(),
            venue: event.venue.as_str().into(),
            starts_at: event.starts_at.map(Time),
            on_sale_at: event.on_sale_at.map(Time),
            off_sale_at: event.off_sale_at.map(Time),
            status: event.status,
            window_ms: Whole(event.window_ms),
            seats_per_customer: Whole(event.seats_per_customer),
            unpaid_orders_max: Whole(event.unpaid_orders_max),
            unpaid_window_ms: Whole(event.unpaid_window_ms),
            cooldown_ms: Whole(event.cooldown_ms),
            currency: CurrencyCode(event.currency.clone()),
            created_at: Time(event.created_at),
            updated_at: Time(event.updated_at),
            sections: layout.map(|layout| layout.sections.iter().map(EventSection::from).collect()),
        }
    }
}

impl EventList {
    /// A page of at most `limit` events. `page` was read with one more, which shows whether there is another page.
    pub(crate) fn page(mut page: EventPage, limit: i32) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let is_full = page.events.len() > limit;
        page.events.truncate(limit);
        let next = if is_full { page.events.last().map(|event| event.event_id) } else { page.stopped_at };
        let events = page.events.iter().map(|event| EventOut::new(event, None)).collect();
        Self { events, next: next.map(EventId) }
    }
}

impl From<&SectionLayout> for EventSection {
    fn from(section: &SectionLayout) -> Self {
        Self {
            section: SectionCode(section.code.clone()),
            name: section.name.as_str().into(),
            price_minor: Whole(section.price_minor),
            capacity: Whole(section.capacity),
        }
    }
}

example!(EventSection { section: SectionCode("A".into()), name: "Floor A".into(), price_minor: Whole(280_000), capacity: Whole(1000) });

example!(EventOut {
    event_id: EventId(7),
    name: "Spring Tour, Taipei".into(),
    venue: "Taipei Arena".into(),
    starts_at: Some(Time(datetime!(2026-11-22 11:30 UTC))),
    on_sale_at: Some(Time(datetime!(2026-09-01 04:00 UTC))),
    off_sale_at: Some(Time(datetime!(2026-11-22 11:00 UTC))),
    status: EventStatus::Open,
    window_ms: Whole(10_000),
    seats_per_customer: Whole(4),
    unpaid_orders_max: Whole(5),
    unpaid_window_ms: Whole(600_000),
    cooldown_ms: Whole(120_000),
    currency: CurrencyCode("TWD".into()),
    created_at: Time(datetime!(2026-08-01 08:00 UTC)),
    updated_at: Time(datetime!(2026-08-01 08:00 UTC)),
    sections: Some(vec![EventSection::example()]),
});

example!(EventList { events: vec![EventOut { sections: None, ..EventOut::example() }], next: Some(EventId(7)) });

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::event;

    #[test]
    fn a_page_ends_where_it_is_full_or_where_the_search_stopped() {
        let page = |count: i64, stopped_at| {
            let events = (1..=count).map(|event_id| Event { event_id, ..event() }).collect();
            let page = EventList::page(EventPage { events, stopped_at }, 2);
            (page.events.len(), page.next.map(|next| next.0))
        };
        assert_eq!(page(3, None), (2, Some(2)));
        assert_eq!(page(3, Some(9)), (2, Some(2)));
        assert_eq!(page(2, None), (2, None));
        assert_eq!(page(1, Some(9)), (1, Some(9)));
        assert_eq!(page(0, Some(9)), (0, Some(9)));
    }
}
