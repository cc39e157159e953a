//! What operators do in psql: the cookbook as it is printed, changes that are written down and reach the servers, histories, what readers
//! are not shown, and what PostgreSQL itself refuses each login.

mod actions;
mod caches;
mod cookbook;
mod exports;
mod histories;
pub mod logins;
mod pseudonyms;
mod refunds;
mod seats;
mod walls;

/// A small sale with everything in it; its operator is called olivia.
const SALE: &str = include_str!("psql/sale.sql");
