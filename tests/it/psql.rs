//! What operators do in psql: the cookbook as printed, changes that are recorded and reach the servers, histories, what readers do not
//! see, and what PostgreSQL itself refuses to each login.

mod actions;
mod api_actions;
mod caches;
mod cookbook;
mod exports;
mod forgeries;
mod histories;
mod limits;
pub mod logins;
mod pseudonyms;
mod refunds;
mod releases;
mod seats;
mod walls;

/// A small sale with everything in it; its operator is called olivia.
const SALE: &str = include_str!("psql/sale.sql");
