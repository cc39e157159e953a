//! The text of a summary in Redis: its key, its revision and when its read began on the first line, then the JSON.
//!
//! How long Redis has had a text says nothing about its age: a Redis that hangs may put it there long after the read.

use std::time::Duration;

use time::OffsetDateTime;

use super::Summary;
use crate::domain::EventLayout;

/// How long ago the read of an accepted text may have begun: what a load, its time in Redis and the way there may take.
const AGE_MAX_MS: i128 = 300;
/// How far the writer's clock may be ahead.
const AHEAD_MAX_MS: i128 = 50;

/// A summary that was found in Redis.
pub(super) struct SharedText {
    pub(super) revision: i64,
    pub(super) json: String,
    /// By the writer's clock, in Unix milliseconds.
    read_at_ms: i128,
}

/// The text for Redis. It names its key, and so its database: under another key, nobody takes it for what belongs there.
pub(super) fn written(key: &str, revision: i64, read_at: OffsetDateTime, json: &str) -> String {
    format!("{}\n{json}", first_line(key, revision, unix_ms(read_at)))
}

impl SharedText {
    /// What is under a key; `None`: it is not of the form in which servers write it for this event.
    pub(super) fn read(key: &str, bytes: &[u8], layout: &EventLayout) -> Option<Self> {
        let (first, json) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
        let read_at_ms: i128 = first.rsplit_once(' ')?.1.parse().ok()?;
        let summary: Summary<'_> = serde_json::from_str(json).ok()?;
        let found = Self { revision: summary.revision, json: summary.json(), read_at_ms };
        let is_ours = summary.is_of(layout) && first == first_line(key, found.revision, read_at_ms) && found.json == json;
        is_ours.then_some(found)
    }

    /// How old it is; `None`: too old, or its read has yet to begin. Clocks that differ cost a read of PostgreSQL, no more.
    pub(super) fn age(&self, now: OffsetDateTime) -> Option<Duration> {
        let age_ms = unix_ms(now).checked_sub(self.read_at_ms).filter(|age_ms| (-AHEAD_MAX_MS..=AGE_MAX_MS).contains(age_ms))?;
        Some(Duration::from_millis(u64::try_from(age_ms).unwrap_or(0)))
    }
}

fn first_line(key: &str, revision: i64, read_at_ms: i128) -> String {
    format!("{key} {revision} {read_at_ms}")
}

fn unix_ms(at: OffsetDateTime) -> i128 {
    at.unix_timestamp_nanos() / 1_000_000
}
