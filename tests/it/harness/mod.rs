//! What every test needs: a server on a fresh database, people who call it, and ways to wait without sleeping.
//!
//! ```ignore
//! let server = TestServer::start().await;
//! let event = server.small_event(&[("A", 1000, 10)]).await;
//! let order = server.customer("alice").claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
//! assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid");
//! server.assert_invariants().await;
//! ```

mod abandoned;
mod builder;
mod cluster;
mod database;
pub mod docker;
mod document;
mod event;
mod gate;
mod http;
mod people;
mod programs;
mod raw;
mod reaper;
mod redis;
mod scratch;
mod server;
mod skip;
mod wait;

pub use abandoned::Abandoned;
pub use cluster::{Cluster, own_postgres};
pub use database::{HOLD_CLAIMS, TestDatabase};
pub use document::{Document, Operation, entries};
pub use event::{EventHandle, event_json};
pub use gate::{Stops, at_the_gate, build_gate, open_gate};
pub use http::{Answer, Caller};
pub use people::{Customer, Gateway};
pub use programs::postgres_program;
pub use raw::{Raw, RawAnswer};
pub use redis::RedisMode;
pub use scratch::Scratch;
pub use server::{JWT_SECRET, TestServer, WEBHOOK_SECRET};
pub use skip::skip;
pub use wait::{PATIENCE, eventually, patience_left, rivals};
