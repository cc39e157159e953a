//! Rowlock sells numbered seats to everyone at once, and never sells one twice.
//!
//! PostgreSQL decides everything, in stored functions ([`db`]); Redis is disposable ([`cache`], [`expiry`]);
//! the HTTP contract lives in [`api`]; [`server`] puts them together.

pub mod api;
pub mod app;
pub mod auth;
pub mod bench;
pub mod cache;
pub mod charts;
pub mod commands;
pub mod config;
mod connections;
pub mod db;
pub mod domain;
pub mod embedded;
pub mod expiry;
pub mod metrics;
pub mod redis_link;
pub mod rush;
pub mod server;
pub mod stack;
