//! The resources of the API, one file or folder each, with their types beside the operations.

pub(crate) mod admin;
#[cfg(feature = "bench-routes")]
pub(crate) mod bench;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod orders;
pub(crate) mod payments;
pub(crate) mod sections;
#[cfg(test)]
pub(crate) mod testing;

use std::sync::Arc;

use poem_openapi::Tags;

use crate::app::{App, SharedApp};
use crate::domain::{EventLayout, Viewer};
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::types::EventId;

/// All documented operations, in the order a buyer meets them.
pub(crate) type Apis =
    (events::EventsApi, sections::SectionsApi, orders::OrdersApi, payments::PaymentsApi, admin::AdminApi, health::HealthApi);

/// The operations, ready to serve.
pub(crate) fn all(app: &SharedApp) -> Apis {
    (
        events::EventsApi { app: app.clone() },
        sections::SectionsApi { app: app.clone() },
        orders::OrdersApi { app: app.clone() },
        payments::PaymentsApi { app: app.clone() },
        admin::AdminApi { app: app.clone() },
        health::HealthApi { app: app.clone() },
    )
}

/// The layout of an event.
///
/// # Errors
/// `event_not_found` when there is no such event for this viewer.
async fn layout_of(app: &App, event_id: EventId, viewer: Viewer) -> Result<Arc<EventLayout>, Problem> {
    app.catalogue.layout(event_id.0, viewer, None).await?.ok_or_else(|| Problem::plain(Code::EventNotFound))
}

/// The tags of the documentation.
#[derive(Tags)]
pub(crate) enum Tag {
    /// Concerts on sale, and their settings.
    Events,
    /// What is available: sections, their seats, and all seats of an event at once.
    Seats,
    /// A customer's own orders: claim, read, cancel.
    Orders,
    /// The payment gateway's signed notices.
    Payments,
    /// The box office: sales, orders, refunds, dead letters, blocked seats.
    Admin,
    /// Health and metrics, for operators.
    Operations,
}

impl Tag {
    /// The tags in the order a buyer meets them.
    pub(crate) const ORDER: [&'static str; 6] = ["Events", "Seats", "Orders", "Payments", "Admin", "Operations"];
}
