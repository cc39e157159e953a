//! Caches of what buyers read again and again: briefly for what changes, longer for what never does.
//!
//! No read is more than 500 ms behind PostgreSQL: memory keeps an answer for 200 ms, a map of seats for 400 ms, Redis keeps a summary for
//! 200 ms, and the time that a load took counts (`kept`). Only while PostgreSQL does not answer are older answers given. However many
//! readers there are, each server loads once, and through Redis all servers together load once.

mod catalogue;
mod encoded_body;
mod kept;
mod seat_maps;
mod summaries;

pub(crate) use catalogue::Catalogue;
pub(crate) use encoded_body::{CachedBody, Encoding};
pub(crate) use kept::Aged;
pub(crate) use seat_maps::SeatMaps;
pub(crate) use summaries::Summaries;

use std::time::Duration;

use kept::{Kept, KeptSettings};

/// How long somebody waits for what they read, if there is no older answer to give: a PostgreSQL that hangs must not make readers hang.
pub(crate) const READ_MAX: Duration = Duration::from_millis(2_500);
/// How long a server caches counts, which change with every claim.
const COUNTS_TTL: Duration = Duration::from_millis(200);
/// The same for the seats of a section or an event, which cost more: however often somebody claims and cancels, a map is made and sent anew
/// no more than two or three times a second.
const MAPS_TTL: Duration = Duration::from_millis(400);
