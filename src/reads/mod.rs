//! Caches of what buyers read again and again: briefly for what changes, longer for what never does.
//!
//! No read is more than 500 ms behind PostgreSQL, and the time that a load took counts. An answer is read anew after 200 ms, a map of seats
//! after 400 ms, by one of its readers, while the others still get the old one (`answer_cache`); Redis keeps a summary for 200 ms. Only while
//! PostgreSQL does not answer are older answers given. However many readers there are, each server loads once, and through Redis all
//! servers together load once.

mod answer_cache;
mod catalogue;
mod encoded_body;
mod seat_maps;
mod summaries;

pub(crate) use answer_cache::Aged;
pub(crate) use catalogue::Catalogue;
pub(crate) use encoded_body::{CachedBody, Encoding};
pub(crate) use seat_maps::SeatMaps;
pub(crate) use summaries::Summaries;

use std::time::Duration;

use answer_cache::{AnswerCache, CacheSettings};

/// How long somebody waits for what they read, if there is no older answer to give: a PostgreSQL that hangs must not make readers hang.
pub(crate) const READ_MAX: Duration = Duration::from_millis(2_500);
/// How long before counts, which change with every claim, are read anew.
const COUNTS_TTL: Duration = Duration::from_millis(200);
/// The same for the seats of a section or an event, which cost more: however often somebody claims and cancels, a map is made and sent anew
/// no more than two or three times a second.
const MAPS_TTL: Duration = Duration::from_millis(400);
