//! Events as tests describe them.

use serde_json::{Value, json};

/// An event that was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventHandle {
    pub id: i64,
}

impl EventHandle {
    /// Its path, for example `/v1/events/7`.
    pub fn path(self) -> String {
        format!("/v1/events/{}", self.id)
    }

    /// A path below it: `event.at("sections")` is `/v1/events/7/sections`.
    pub fn at(self, rest: &str) -> String {
        format!("/v1/events/{}/{rest}", self.id)
    }
}

/// A request for an event with these sections (code, price of a seat, seats), which a test can change: 10 s to pay, 1,000 seats per
/// customer, rows of 10 seats.
pub fn event_json(sections: &[(&str, i64, i32)]) -> Value {
    let sections: Vec<_> = sections
        .iter()
        .map(|(code, price_minor, seats)| {
            json!({"section": code, "name": format!("Section {code}"), "price_minor": price_minor, "seats": seats, "row_length": 10})
        })
        .collect();
    json!({"name": "Concert", "venue": "Arena", "window_ms": 10_000, "seats_per_customer": 1000, "currency": "TWD", "sections": sections})
}
