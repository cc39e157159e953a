//! Rowlock sells numbered seats to everyone at once, and never sells one twice.
//!
//! PostgreSQL decides everything, in stored functions ([`db`]); Redis is disposable ([`redis`]). Claims and payments go through
//! [`lanes`], reads through [`reads`]; the HTTP contract lives in `api`; [`server`] puts them together.

#![warn(unreachable_pub)]

mod api;
mod app;
pub mod auth;
mod background;
mod budget;
mod client_address;
pub mod commands;
pub mod config;
pub mod db;
mod document;
pub mod domain;
pub mod flags;
mod http;
mod lanes;
mod log_limit;
pub mod metrics;
mod off_runtime;
pub mod open_files;
mod per_customer;
mod pool_turns;
pub mod problem;
mod quoting;
mod rate_limits;
mod readiness;
mod reads;
pub mod redis;
mod routes;
mod secrets;
pub mod server;
pub mod signal;
mod strict_json;
pub mod types;
mod url_parameters;
pub mod web;

pub use document::{operations, spec};
