//! The HTTP contract: one file a resource, with the types that go in and out beside it.
//!
//! A request passes [`shell`] (its id, errors, headers), then the framework's router, then its operation, which extracts who calls
//! ([`security`]), parameters ([`params`]) and the body ([`json`], checked against its [`schema`]), and answers with one of
//! [`replies`] or a [`refusal`]. What can go wrong stands in one table, [`code`].

mod admin;
mod admin_types;
mod bench;
mod claim;
pub mod code;
mod conversions;
mod distinct;
mod document;
mod event_types;
mod events;
mod health;
mod house;
mod json;
mod later;
mod order_types;
mod orders;
mod pages;
mod params;
mod payments;
pub mod problem;
mod refusal;
mod replies;
mod schema;
mod seat_selection;
mod sections;
mod security;
mod shell;
#[cfg(test)]
mod testing;
mod values;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use poem::{IntoEndpoint, Request, Response};
use poem_openapi::Tags;

use crate::app::App;

pub use document::{operations, spec};

/// All operations, in the order a buyer meets them.
type Apis = (
    events::EventsApi,
    sections::SectionsApi,
    orders::OrdersApi,
    payments::PaymentsApi,
    admin::AdminApi,
    health::HealthApi,
    pages::PagesApi,
);

/// Everything the server answers: `/v1/**`, `/livez`, `/readyz`, `/metrics`, `/`, `/docs`, `/errors` and `/openapi.json`; with
/// `bench_routes` also `/bench/**`, by which the server is measured.
pub fn routes(app: Arc<App>, bench_routes: bool) -> impl Fn(Request) -> BoxFuture<'static, Response> + Send + Sync + 'static {
    let apis: Apis = (
        events::EventsApi { app: app.clone() },
        sections::SectionsApi { app: app.clone() },
        orders::OrdersApi { app: app.clone() },
        payments::PaymentsApi { app: app.clone() },
        admin::AdminApi { app: app.clone() },
        health::HealthApi { app: app.clone() },
        pages::PagesApi { app: app.clone() },
    );
    let endpoint = if bench_routes {
        document::service((apis, bench::BenchApi { app: app.clone() })).into_endpoint()
    } else {
        document::service(apis).into_endpoint()
    };
    let shell = Arc::new(shell::Shell::new(endpoint, Some(app)));
    move |request| Box::pin(Arc::clone(&shell).answer(request))
}

/// The chapters of the documentation.
#[derive(Tags)]
enum Tag {
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
    const ORDER: [&'static str; 6] = ["Events", "Seats", "Orders", "Payments", "Admin", "Operations"];
}
