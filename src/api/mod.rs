//! The resources of the API: a room each, with the types that go in and out beside the operations.

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

use poem_openapi::Tags;

use crate::app::SharedApp;

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

/// The chapters of the documentation.
#[derive(Tags)]
pub(crate) enum Tag {
    /// Concerts on sale, and their settings.
    Events,
    /// What is to be had: sections, seats, the whole house.
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
    /// The chapters in the order a buyer meets them.
    pub(crate) const ORDER: [&'static str; 6] = ["Events", "Seats", "Orders", "Payments", "Admin", "Operations"];
}
