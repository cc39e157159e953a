//! The expiry queue: a Redis sorted set of pending orders by deadline.
//!
//! It is a convenience, never a record: an entry that is lost is found by the sweep, and one too many finds its order
//! no longer pending. So nothing here waits for Redis on a buyer's path.

use std::mem::discriminant;
use std::sync::LazyLock;

use redis::{Pipeline, Script};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::redis_link::{RedisHealth, RedisLink, tagged};

const KEY: &str = "expiry";
/// Changes that may wait for Redis; more are dropped, and the sweep finds what they meant.
const CHANGES_MAX: usize = 100_000;
/// Changes that one round trip carries.
const PIPELINE_MAX: usize = 1_000;

/// Leases due entries by pushing their score ahead: whoever leased them removes them in time, or they come due again.
/// The clock is Redis' own, the same for every server. Answers the time until the next entry is due, or -1 for none,
/// followed by member and lag in milliseconds of each entry leased.
static LEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
        local answer = {'-1'}
        for i = 1, #due, 2 do
            redis.call('ZADD', KEYS[1], now + ARGV[2], due[i])
            answer[#answer + 1] = due[i]
            answer[#answer + 1] = tostring(now - due[i + 1])
        end
        local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
        if #first > 0 then answer[1] = string.format('%.0f', math.max(0, first[2] - now)) end
        return answer",
    )
});

/// Redis' clock decides here too: a server whose clock is off would make entries due at once, over and over.
static POSTPONE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        return redis.call('ZADD', KEYS[1], 'XX', now + ARGV[1], ARGV[2])",
    )
});

/// Members are bytes: what others put into the set need not be text.
enum Change {
    Push { member: Vec<u8>, due_ms: i64 },
    Remove { member: Vec<u8> },
}

/// An entry this worker has leased.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leased {
    pub(super) event_id: i64,
    pub(super) order_id: Uuid,
    /// How long it has been due, in milliseconds.
    pub(super) lag_ms: u64,
}

/// What a lease brought.
pub(super) struct Lease {
    pub(super) entries: Vec<Leased>,
    /// Milliseconds until the next entry comes due.
    pub(super) next_in_ms: Option<u64>,
}

/// A handle to the queue; without Redis it takes everything and keeps nothing.
#[derive(Clone)]
pub struct ExpiryQueue {
    redis: RedisLink,
    changes: mpsc::Sender<Change>,
}

impl ExpiryQueue {
    /// A queue over Redis. Must be called within a runtime: changes are written by a task that ends with the last handle.
    pub fn new(redis: RedisLink) -> Self {
        let (changes, receiver) = mpsc::channel(CHANGES_MAX);
        tokio::spawn(write_changes(redis.clone(), receiver));
        Self { redis, changes }
    }

    /// Whether there is a Redis to queue in.
    pub fn is_on(&self) -> bool {
        self.redis.is_on()
    }

    /// How the Redis behind it is doing.
    pub async fn health(&self) -> RedisHealth {
        self.redis.health().await
    }

    /// Adds an order, due at `due_ms` (Unix milliseconds). Never waits.
    pub fn push(&self, event_id: i64, order_id: Uuid, due_ms: i64) {
        self.change(Change::Push { member: member(event_id, order_id).into(), due_ms });
    }

    /// Removes an order that was paid or ended. Never waits.
    pub fn remove(&self, event_id: i64, order_id: Uuid) {
        self.change(Change::Remove { member: member(event_id, order_id).into() });
    }

    fn change(&self, change: Change) {
        if self.redis.is_on() && self.changes.try_send(change).is_err() {
            tracing::debug!("the expiry queue's writer is behind; the sweep will find this order");
        }
    }

    /// Takes up to `limit` due entries for `lease_ms`; `None` when Redis cannot be asked.
    pub(super) async fn lease(&self, limit: usize, lease_ms: i64) -> Option<Lease> {
        let answer: Vec<Vec<u8>> = self.redis.script(&LEASE, KEY, &[limit.to_string(), lease_ms.to_string()]).await?;
        let (next, pairs) = answer.split_first()?;
        let (entries, broken) = leased(pairs);
        if !broken.is_empty() {
            tracing::warn!(entries = broken.len(), "dropping entries of the expiry queue that cannot be read");
            broken.into_iter().for_each(|member| self.change(Change::Remove { member }));
        }
        Some(Lease { entries, next_in_ms: std::str::from_utf8(next).ok()?.parse().ok() })
    }

    /// Makes an entry, if it is still there, due again in so many milliseconds of Redis' clock.
    pub(super) async fn postpone(&self, event_id: i64, order_id: Uuid, in_ms: i32) {
        self.redis.script::<i64>(&POSTPONE, KEY, &[in_ms.to_string(), member(event_id, order_id)]).await;
    }
}

fn member(event_id: i64, order_id: Uuid) -> String {
    format!("{event_id}:{order_id}")
}

/// Members and lags in turn; what cannot be read was not written by us.
fn leased(pairs: &[Vec<u8>]) -> (Vec<Leased>, Vec<Vec<u8>>) {
    let (mut entries, mut broken) = (Vec::new(), Vec::new());
    for pair in pairs.chunks_exact(2) {
        match entry(&pair[0], &pair[1]) {
            Some(entry) => entries.push(entry),
            None => broken.push(pair[0].clone()),
        }
    }
    (entries, broken)
}

fn entry(member: &[u8], lag_ms: &[u8]) -> Option<Leased> {
    let (event_id, order_id) = std::str::from_utf8(member).ok()?.split_once(':')?;
    let lag_ms: f64 = std::str::from_utf8(lag_ms).ok()?.parse().unwrap_or(0.0);
    Some(Leased { event_id: event_id.parse().ok()?, order_id: Uuid::try_parse(order_id).ok()?, lag_ms: lag_ms.max(0.0) as u64 })
}

/// Carries changes to Redis in their order, as many in one round trip as have gathered.
async fn write_changes(redis: RedisLink, mut changes: mpsc::Receiver<Change>) {
    let mut batch = Vec::with_capacity(PIPELINE_MAX);
    while changes.recv_many(&mut batch, PIPELINE_MAX).await > 0 {
        let taken = redis.pipeline(|prefix| pipeline(&tagged(prefix, KEY), &batch)).await;
        if !taken {
            tracing::debug!(changes = batch.len(), "Redis did not take changes of the expiry queue; the sweep makes up for them");
        }
        batch.clear();
    }
}

/// One command for all neighbours of one kind: a rush of claims, and of payments, is a few commands for Redis instead of thousands.
fn pipeline(key: &str, batch: &[Change]) -> Pipeline {
    let mut pipeline = redis::pipe();
    for run in batch.chunk_by(|one, next| discriminant(one) == discriminant(next)) {
        pipeline.cmd(if matches!(run[0], Change::Push { .. }) { "ZADD" } else { "ZREM" }).arg(key).ignore();
        for change in run {
            match change {
                Change::Push { member, due_ms } => pipeline.arg(due_ms).arg(member),
                Change::Remove { member } => pipeline.arg(member),
            };
        }
    }
    pipeline
}
