//! What buyers read again and again, kept for a moment, and what never changes, kept for longer.
//!
//! No read is more than 500 ms behind PostgreSQL: memory keeps an answer 200 ms, Redis keeps a summary 200 ms, and the time that a load
//! took counts (`aged`). A storm of readers makes one load, in each server and (through Redis) in all.

mod aged;
mod catalogue;
mod encoded_body;
mod seat_maps;
mod summaries;

pub use catalogue::Catalogue;
pub use encoded_body::{Body, Encoding};
pub use seat_maps::SeatMaps;
pub use summaries::Summaries;

use std::time::Duration;

use aged::{Aged, WhileFresh};

/// How long a server's memory keeps what changes with every claim.
const MEMORY_TTL: Duration = Duration::from_millis(200);
