//! What goes into the operations on events.

use poem_openapi::Object;
use poem_openapi::types::{MaybeUndefined, ToJSON};
use serde_json::{Value, json};
use time::macros::datetime;

use crate::api::events::new_sections::{SectionIn, sections_json};
use crate::http::body::input;
use crate::problem::Problem;
use crate::types::{CooldownMs, Currency, EventStatusChange, Name, SeatLimit, Time, UnpaidOrdersMax, Venue, Whole, WindowMs, example};

/// A new event. It is created as a draft: open it to put it on sale.
#[derive(Debug, Object)]
#[oai(rename = "NewEvent", deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(crate) struct EventIn {
    /// Its name.
    pub name: Name,
    /// Where it takes place.
    pub venue: Option<Venue>,
    /// When the concert begins, if known.
    pub starts_at: Option<Time>,
    /// Claims succeed from this time on; if absent, as soon as the event is open.
    pub on_sale_at: Option<Time>,
    /// Claims fail from this time on; if absent, only once the event is closed. It must be after `on_sale_at`.
    pub off_sale_at: Option<Time>,
    /// How long a pending order holds its seats, in milliseconds; 10 s if absent.
    pub window_ms: Option<WindowMs>,
    /// How many seats one customer may have, held and bought together, over all orders; 10 if absent.
    pub seats_per_customer: Option<SeatLimit>,
    /// How many orders a customer may let end unpaid, expired or cancelled, within `unpaid_window_ms` and since the last that was paid for.
    /// Then claims are refused with `cooldown`; 5 orders if absent.
    pub unpaid_orders_max: Option<UnpaidOrdersMax>,
    /// How long an order that ended unpaid counts, in milliseconds; 10 minutes if absent, or, if that is longer, `unpaid_orders_max` + 1
    /// payment windows, at most 24 hours; it changes with those settings.
    pub unpaid_window_ms: Option<WindowMs>,
    /// How long the cooldown lasts after the last order that ended unpaid, in milliseconds; 0 means that there is none; 2 minutes if absent.
    pub cooldown_ms: Option<CooldownMs>,
    /// The currency of every price, the ISO 4217 code of a currency in use.
    pub currency: Currency,
    /// Its sections, with 1 to 1,000,000 seats and at most 20,000 rows in all.
    #[oai(validator(min_items = 1, max_items = 500))]
    pub sections: Vec<SectionIn>,
}
input!(EventIn, bytes_max = large_body_max_bytes);

impl EventIn {
    /// The event as the database expects it.
    ///
    /// # Errors
    /// `invalid_request` naming the field.
    pub(crate) fn to_db(&self) -> Result<Value, Problem> {
        let mut event = self.to_json().expect("an event can be written");
        event["sections"] = sections_json(&self.sections, &self.currency.0)?.into();
        Ok(event)
    }
}

example!(EventIn {
    name: "Spring Tour, Taipei".into(),
    venue: Some("Taipei Arena".into()),
    starts_at: Some(Time(datetime!(2026-11-22 11:30 UTC))),
    on_sale_at: Some(Time(datetime!(2026-09-01 04:00 UTC))),
    off_sale_at: None,
    window_ms: Some(Whole(10_000)),
    seats_per_customer: Some(Whole(4)),
    unpaid_orders_max: None,
    unpaid_window_ms: None,
    cooldown_ms: None,
    currency: Currency("TWD".into()),
    sections: vec![SectionIn::example()],
});

/// A change to an event: fields that are absent stay as they are. Pending orders keep their deadlines.
#[derive(Debug, Default, Object)]
#[oai(rename = "EventChange", deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(crate) struct EventPatch {
    /// `open` puts it on sale, `paused` stops claims for the time being, `closed` ends the sale for good.
    pub status: Option<EventStatusChange>,
    /// Its name.
    pub name: Option<Name>,
    /// Where it takes place.
    pub venue: Option<Venue>,
    /// When the concert begins; null if not known.
    #[oai(nullable)]
    pub starts_at: MaybeUndefined<Time>,
    /// Claims succeed from this time on; if null, as soon as the event is open.
    #[oai(nullable)]
    pub on_sale_at: MaybeUndefined<Time>,
    /// Claims fail from this time on; if null, only once the event is closed. It must be after `on_sale_at`.
    #[oai(nullable)]
    pub off_sale_at: MaybeUndefined<Time>,
    /// How long a pending order holds its seats, in milliseconds.
    pub window_ms: Option<WindowMs>,
    /// How many seats one customer may have, held and bought together, over all orders.
    pub seats_per_customer: Option<SeatLimit>,
    /// How many orders a customer may let end unpaid, expired or cancelled, within `unpaid_window_ms` and since the last that was paid for.
    /// Then claims are refused with `cooldown`.
    pub unpaid_orders_max: Option<UnpaidOrdersMax>,
    /// How long an order that ended unpaid counts, in milliseconds; null restores the default, which follows `window_ms` and
    /// `unpaid_orders_max`.
    #[oai(nullable)]
    pub unpaid_window_ms: MaybeUndefined<WindowMs>,
    /// How long the cooldown lasts after the last order that ended unpaid, in milliseconds; 0 means that there is none.
    pub cooldown_ms: Option<CooldownMs>,
}
input!(EventPatch);

impl EventPatch {
    /// What changes, as the database expects it.
    pub(crate) fn to_db(&self) -> Value {
        let time = |time: &MaybeUndefined<Time>| time.as_opt_ref().map(|time| json!(time));
        let changes = [
            ("status", self.status.and_then(|status| status.to_json())),
            ("name", self.name.as_ref().map(|name| json!(name))),
            ("venue", self.venue.as_ref().map(|venue| json!(venue))),
            ("starts_at", time(&self.starts_at)),
            ("on_sale_at", time(&self.on_sale_at)),
            ("off_sale_at", time(&self.off_sale_at)),
            ("window_ms", self.window_ms.map(|window_ms| json!(window_ms))),
            ("seats_per_customer", self.seats_per_customer.map(|seats| json!(seats))),
            ("unpaid_orders_max", self.unpaid_orders_max.map(|orders| json!(orders))),
            ("unpaid_window_ms", self.unpaid_window_ms.as_opt_ref().map(|window_ms| json!(window_ms))),
            ("cooldown_ms", self.cooldown_ms.map(|cooldown_ms| json!(cooldown_ms))),
        ];
        changes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

example!(EventPatch { status: Some(EventStatusChange::Open), window_ms: Some(Whole(15_000)), ..Self::default() });

#[cfg(test)]
mod tests {
    use poem_openapi::types::ParseFromJSON;

    use poem_openapi::types::Example;

    use super::*;

    #[test]
    fn a_patch_changes_only_what_it_names_and_null_clears_what_it_may() {
        let change = json!({"status": "open", "window_ms": 2000, "on_sale_at": null, "off_sale_at": null, "unpaid_window_ms": null});
        assert_eq!(EventPatch::parse_from_json(Some(change.clone())).unwrap().to_db(), change);
    }

    #[test]
    fn the_database_gets_what_it_expects() {
        let event = EventIn::example().to_db().unwrap();
        assert_eq!(event["on_sale_at"], "2026-09-01T04:00:00.000Z");
        assert_eq!(event["sections"][0]["rows"].as_array().unwrap().len(), 20);
        assert_eq!(event["currency"], "TWD");
    }
}
