//! Caches of what buyers read again and again: briefly for what changes, longer for what never does.
//!
//! No read is more than 500 ms behind PostgreSQL: memory keeps an answer for 200 ms, Redis keeps a summary for 200 ms, and the time that a
//! load took counts (`aged`). However many readers there are, each server loads once, and through Redis all servers together load once.

mod aged;
mod catalogue;
mod encoded_body;
mod seat_maps;
mod summaries;

pub(crate) use catalogue::Catalogue;
pub(crate) use encoded_body::{CachedBody, Encoding};
pub(crate) use seat_maps::SeatMaps;
pub(crate) use summaries::Summaries;

use std::time::Duration;

use aged::{Aged, WhileFresh};

/// How long a server caches what changes with every claim.
const MEMORY_TTL: Duration = Duration::from_millis(200);
