//! What breaks in real life: Redis, connections, PostgreSQL, the server itself. No answer may be wrong.

mod callers;
mod connections;
mod first_migration;
mod leadership;
mod ledger;
mod lock_table;
mod lost_calls;
mod network;
mod outage_log;
mod outages;
pub mod own_cluster;
mod redis;
mod shutdown;
