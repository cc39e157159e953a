//! Rowlock's integration tests: a real server over HTTP on a real PostgreSQL and a real Redis.
//!
//! `ROWLOCK_TEST_DATABASE_URL` names a cluster to use, with a superuser; without it the tests start a private one from the
//! binaries of this machine, or in containers where there are none (`ROWLOCK_TEST_BACKEND=docker` insists on containers).

mod drift;
mod harness;

mod admin;
mod auth;
mod bad_input;
mod batches;
mod behind_a_proxy;
mod bench_routes;
mod best_available;
mod browser;
mod claims;
mod clients;
mod commands;
mod concurrency;
mod contract;
mod database;
mod documents;
mod events;
mod expiry;
mod fairness;
mod faults;
mod floods;
mod health;
mod layers;
mod model;
mod orders;
mod other_sellers;
mod pages;
mod payment_races;
mod payments;
mod psql;
mod readme;
mod reads;
mod sessions;
mod stored;
