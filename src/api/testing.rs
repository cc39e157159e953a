//! An event for the unit tests of this module: section A with 100 seats in one row, B with 60 in rows of 50.

use std::collections::HashMap;

use time::macros::datetime;

use crate::domain::{Event, EventLayout, EventStatus, SectionLayout, SectionRow};

pub(super) fn layout() -> EventLayout {
    let row = |label: &str, first_seat| SectionRow { label: label.into(), first_seat };
    let section = |section_no, code: &str, capacity, rows| SectionLayout {
        section_no,
        code: code.into(),
        name: format!("Section {code}"),
        price_minor: 100,
        capacity,
        rows,
    };
    EventLayout {
        event_id: 7,
        currency: "TWD".into(),
        sections: vec![section(1, "A", 100, vec![row("1", 1)]), section(2, "B", 60, vec![row("1", 1), row("2", 51)])],
        section_nos: HashMap::from([("A".into(), 1), ("B".into(), 2)]),
        is_public: true,
    }
}

pub(super) fn event() -> Event {
    Event {
        event_id: 7,
        name: "Concert".into(),
        venue: String::new(),
        starts_at: None,
        on_sale_at: None,
        off_sale_at: None,
        status: EventStatus::Open,
        opened_at: Some(datetime!(2026-08-01 09:00 UTC)),
        window_ms: 10_000,
        seats_per_customer: 4,
        unpaid_orders_max: 5,
        unpaid_window_ms: 600_000,
        cooldown_ms: 120_000,
        currency: "TWD".into(),
        created_at: datetime!(2026-08-01 08:00 UTC),
        updated_at: datetime!(2026-08-01 08:00 UTC),
    }
}
