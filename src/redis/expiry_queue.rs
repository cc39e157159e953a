//! The expiry queue: a Redis sorted set of deadlines, one for all orders that were claimed together.
//!
//! The orders of one call have the same deadline, so ten thousand claims make about a hundred entries. A payment changes none of them: an
//! entry stays until its deadline, and whoever takes it then asks PostgreSQL which of its orders are still pending. The queue is a
//! convenience, never a record: the sweep finds what is lost, and an extra entry finds nothing pending. So no buyer ever waits for Redis
//! here.

use std::sync::LazyLock;

use ::redis::{Pipeline, Script};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::RedisLink;

const KEY: &str = "expiry";
/// Entries that may wait for Redis; further ones are dropped, and the sweep finds their orders.
const ENTRIES_MAX: usize = 100_000;
/// How long Redis keeps the queue after the last entry: an hour more than the longest payment window.
const QUEUE_TTL_MS: u64 = 25 * 3_600_000;
/// Maximum number of entries in one command.
const COMMAND_MAX: usize = 1_000;

/// Leases due entries, up to a number of orders, by moving their score ahead: the worker removes them in time, or they come due again. The
/// clock is that of Redis, the same for every server. Anything but a sorted set is deleted, and one that would stay forever will not. Returns
/// the time until the next entry is due, or -1 for none, followed by the leased entries.
static LEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local kind = redis.call('TYPE', KEYS[1]).ok
        if kind ~= 'zset' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end
        if kind == 'zset' and redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
        local answer, orders = {'-1'}, 0
        for _, entry in ipairs(due) do
            if orders >= tonumber(ARGV[1]) then break end
            redis.call('ZADD', KEYS[1], now + ARGV[2], entry)
            answer[#answer + 1] = entry
            orders = orders + (tonumber(string.match(entry, ':(%d+)$')) or 1)
        end
        local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
        if #first > 0 then answer[1] = string.format('%.0f', math.max(0, first[2] - now)) end
        return answer",
    )
});

/// The clock of Redis decides here, too: a server with a wrong clock would make entries due at once, again and again.
static POSTPONE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'XX', now + ARGV[1], ARGV[i]) end",
    )
});

/// The deadline of orders of one event that were claimed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Their event.
    pub event_id: i64,
    /// The first of them by id, by which PostgreSQL knows the deadline.
    pub first_order_id: Uuid,
    /// How many they were.
    pub orders: usize,
}

impl Deadline {
    /// Its entry in the sorted set.
    fn entry(self) -> String {
        format!("{}:{}:{}", self.event_id, self.first_order_id, self.orders)
    }

    /// The deadline of an entry; `None`: no server wrote it.
    fn of(entry: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(entry).ok()?.split(':');
        let deadline = Self {
            event_id: words.next()?.parse().ok()?,
            first_order_id: Uuid::try_parse(words.next()?).ok()?,
            orders: words.next()?.parse().ok()?,
        };
        // An entry in a different spelling could not be removed.
        (deadline.entry().as_bytes() == entry).then_some(deadline)
    }
}

/// The result of a lease.
pub struct Lease {
    /// What is due.
    pub deadlines: Vec<Deadline>,
    /// Milliseconds until the next entry comes due.
    pub next_in_ms: Option<u64>,
}

/// A handle to the queue; without Redis it accepts entries and keeps none.
#[derive(Clone)]
pub struct ExpiryQueue {
    redis: RedisLink,
    entries: mpsc::Sender<(i64, String)>,
}

impl ExpiryQueue {
    /// A queue in Redis. Must be called within a runtime: a task writes the entries and ends with the last handle.
    pub fn new(redis: RedisLink) -> Self {
        let (entries, receiver) = mpsc::channel(ENTRIES_MAX);
        tokio::spawn(write_entries(redis.clone(), receiver));
        Self { redis, entries }
    }

    /// Whether there is a Redis for the queue.
    pub(crate) fn is_on(&self) -> bool {
        self.redis.is_on()
    }

    /// Whether the Redis behind it takes writes; `None` without Redis.
    pub(crate) async fn takes_writes(&self) -> Option<bool> {
        self.redis.takes_writes().await
    }

    /// Adds a deadline, which is at `due_ms` (Unix milliseconds). Never waits.
    pub fn push(&self, deadline: Deadline, due_ms: i64) {
        if self.redis.is_on() && self.entries.try_send((due_ms, deadline.entry())).is_err() {
            tracing::debug!("the expiry queue's writer is behind; the sweep will find these orders");
        }
    }

    /// Leases due entries with about this many orders for `lease_ms`; `None` when Redis cannot be asked.
    pub(crate) async fn lease(&self, orders: usize, lease_ms: i64) -> Option<Lease> {
        let answer: Vec<Vec<u8>> =
            self.redis.script(&LEASE, KEY, &[orders.to_string(), lease_ms.to_string(), QUEUE_TTL_MS.to_string()]).await?;
        let (next, entries) = answer.split_first()?;
        let (mut deadlines, mut broken) = (Vec::with_capacity(entries.len()), Vec::new());
        for entry in entries {
            match Deadline::of(entry) {
                Some(deadline) => deadlines.push(deadline),
                None => broken.push(entry.as_slice()),
            }
        }
        if !broken.is_empty() {
            tracing::warn!(entries = broken.len(), "dropping unreadable entries of the expiry queue");
            self.remove_entries(&broken).await;
        }
        Some(Lease { deadlines, next_in_ms: std::str::from_utf8(next).ok()?.parse().ok() })
    }

    /// Removes entries that are done.
    pub(crate) async fn remove(&self, deadlines: &[Deadline]) {
        self.remove_entries(&deadlines.iter().map(|deadline| deadline.entry()).collect::<Vec<_>>()).await;
    }

    /// Makes entries that still exist due again in this many milliseconds, by the clock of Redis.
    pub(crate) async fn postpone(&self, deadlines: &[Deadline], in_ms: i32) {
        let args: Vec<String> = std::iter::once(in_ms.to_string()).chain(deadlines.iter().map(|deadline| deadline.entry())).collect();
        self.redis.script::<()>(&POSTPONE, KEY, &args).await;
    }

    async fn remove_entries<T: AsRef<[u8]>>(&self, entries: &[T]) {
        self.redis
            .pipeline(KEY, |key| {
                let mut pipeline = ::redis::pipe();
                pipeline.cmd("ZREM").arg(key).ignore();
                entries.iter().for_each(|entry| {
                    pipeline.arg(entry.as_ref());
                });
                pipeline
            })
            .await;
    }
}

/// Writes entries to Redis, as many in one command as have gathered.
async fn write_entries(redis: RedisLink, mut entries: mpsc::Receiver<(i64, String)>) {
    let mut gathered = Vec::new();
    while entries.recv_many(&mut gathered, COMMAND_MAX).await > 0 {
        if !redis.pipeline(KEY, |key| added(key, &gathered)).await {
            tracing::debug!(entries = gathered.len(), "Redis did not accept entries of the expiry queue; the sweep will find their orders");
        }
        gathered.clear();
    }
}

fn added(key: &str, entries: &[(i64, String)]) -> Pipeline {
    let mut pipeline = ::redis::pipe();
    pipeline.cmd("ZADD").arg(key).ignore();
    for (due_ms, entry) in entries {
        pipeline.arg(due_ms).arg(entry);
    }
    pipeline.cmd("PEXPIRE").arg(key).arg(QUEUE_TTL_MS).ignore();
    pipeline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written_and_nothing_else_is() {
        let deadline = Deadline { event_id: 7, first_order_id: Uuid::from_u128(9), orders: 128 };
        assert_eq!(deadline.entry(), "7:00000000-0000-0000-0000-000000000009:128");
        assert_eq!(Deadline::of(deadline.entry().as_bytes()), Some(deadline));
        let id = deadline.first_order_id;
        let strangers = [
            String::new(),
            ":".to_owned(),
            format!("7:{id}"),
            format!("7:{id}:"),
            format!("7:{id}:1:1"),
            format!("07:{id}:1"),
            format!("7:{}:1", id.simple()),
            format!("7:{id}:-1"),
            format!("99999999999999999999:{id}:1"),
        ];
        for entry in strangers {
            assert_eq!(Deadline::of(entry.as_bytes()), None, "{entry}");
        }
        assert_eq!(Deadline::of(b"\xff\xfe"), None);
    }
}
