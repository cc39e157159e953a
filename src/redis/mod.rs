//! Access to Redis, which may be off, down or empty at any moment: every call is short, and a failure counts as "nothing found". Redis
//! keeps two things: cached summaries ([`RedisLink`]) and the expiry queue ([`ExpiryQueue`]).

mod condition;
mod expiry_queue;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, FromRedisValue, Pipeline, RedisResult, Script};
use anyhow::{Context, bail};

use crate::db::Identity;
use crate::url_parameters;
use condition::{Condition, Watch, is_any_of};
pub use expiry_queue::{Deadline, ExpiryQueue, Lease};

/// The longest a call may take before it counts as failed.
const CALL_MAX: Duration = Duration::from_millis(250);
/// After a failure, nobody calls Redis for this long: if it is down, that must not cost every reader a timeout.
const REST_MS: u64 = 100;
/// What the health check writes, and for how long it stays.
const PROBE_KEY: &str = "probe";
const PROBE_TTL_MS: u64 = 1_000;

/// The parser's own message could repeat the password.
const UNREADABLE: &str = "the Redis URL (--redis-url, REDIS_URL) cannot be read: it must be redis://user:password@host:port/db, or rediss:// \
                          for TLS; user, password, port and db may be left out, and special characters are percent-encoded (@ as %40, / as %2F)";

/// A shared connection to Redis, or none.
#[derive(Clone)]
pub struct RedisLink {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    manager: ConnectionManager,
    prefix: String,
    /// The database whose servers use the keys.
    identity: Identity,
    began: Instant,
    /// Milliseconds since `began` before which nobody calls Redis.
    rest_until_ms: AtomicU64,
    watch: Watch,
}

/// What a call proves when it succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// That Redis answers.
    Read,
    /// That it takes writes, too.
    Write,
}

impl RedisLink {
    /// No Redis: everything goes to PostgreSQL.
    pub(crate) fn off() -> Self {
        Self { inner: None }
    }

    /// Connects in the background and keeps trying; `rediss://` uses TLS. Keys begin with `prefix` and the id of the database, so that
    /// several databases can share a Redis; until that is known, nothing but the health check calls it.
    ///
    /// # Errors
    /// When the URL cannot be read, or has a parameter that would be ignored.
    pub fn new(redis_url: &str, prefix: &str, identity: Identity) -> anyhow::Result<Self> {
        check_parameters(redis_url)?;
        let client = Client::open(redis_url).ok().context(UNREADABLE)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CALL_MAX))
            .set_response_timeout(Some(CALL_MAX))
            .set_number_of_retries(1)
            .set_min_delay(Duration::from_millis(20))
            .set_max_delay(Duration::from_millis(50));
        let manager = ConnectionManager::new_lazy_with_config(client, config).context("cannot prepare for Redis")?;
        let inner = Inner {
            manager,
            prefix: prefix.to_owned(),
            identity,
            began: Instant::now(),
            rest_until_ms: AtomicU64::new(0),
            watch: Watch::default(),
        };
        Ok(Self { inner: Some(Arc::new(inner)) })
    }

    /// Whether the server was started with Redis.
    pub(crate) fn is_on(&self) -> bool {
        self.inner.is_some()
    }

    /// Checks Redis with a small write: a replica, or a Redis whose memory or disk is full, would answer a read but is of no use. `None`
    /// without Redis.
    pub(crate) async fn takes_writes(&self) -> Option<bool> {
        let inner = self.inner.as_ref()?;
        // Nobody reads it, so it needs no database.
        Some(self.set(format!("{}:{PROBE_KEY}", inner.prefix), "1", PROBE_TTL_MS, false).await.is_some())
    }

    /// The whole name of a key; `None` without Redis, or until it is known which database this is.
    pub(crate) fn key(&self, name: &str) -> Option<String> {
        Some(format!("{}:{name}", self.scope()?))
    }

    /// The whole name of a key of the expiry queue. They share a hash tag, so that a cluster keeps them together.
    fn tagged_key(&self, name: &str) -> Option<String> {
        Some(format!("{{{}}}:{name}", self.scope()?))
    }

    fn scope(&self) -> Option<String> {
        let inner = self.inner.as_ref()?;
        Some(format!("{}:{}", inner.prefix, inner.identity.get()?.simple()))
    }

    /// The bytes under a key (by its whole name, as everywhere here). A Redis that refuses writes is not asked: its data may be old, and nobody
    /// can replace it.
    pub(crate) async fn get(&self, key: &str) -> Option<Vec<u8>> {
        if self.inner.as_ref()?.watch.condition() == Condition::RefusesWrites {
            return None;
        }
        let get = |mut manager| async move { ::redis::cmd("GET").arg(key).query_async::<Option<Vec<u8>>>(&mut manager).await };
        self.attempt(Access::Read, get).await?
    }

    /// Stores a text under a key for this many milliseconds, in the background.
    pub(crate) fn set_px(&self, key: String, text: String, ttl_ms: u64) {
        let link = self.clone();
        tokio::spawn(async move {
            link.set(key, &text, ttl_ms, false).await;
        });
    }

    /// Sets a key unless it is set; returns whether this call set it, or `None` when Redis cannot be asked.
    pub(crate) async fn set_nx_px(&self, key: String, ttl_ms: u64) -> Option<bool> {
        Some(self.set(key, "1", ttl_ms, true).await?.is_some())
    }

    /// Sets a key for that many milliseconds, or only if it is not set; the inner `None` means that it was set.
    async fn set(&self, key: String, text: &str, ttl_ms: u64, only_new: bool) -> Option<Option<String>> {
        self.attempt(Access::Write, |mut manager| async move {
            let mut set = ::redis::cmd("SET");
            set.arg(key).arg(text).arg("PX").arg(ttl_ms);
            if only_new {
                set.arg("NX");
            }
            set.query_async(&mut manager).await
        })
        .await
    }

    /// Runs many writing commands on a key of the expiry queue in one round trip; returns whether Redis accepted them.
    async fn pipeline(&self, name: &str, build: impl FnOnce(&str) -> Pipeline) -> bool {
        let Some(key) = self.tagged_key(name) else { return false };
        let call = |mut manager| async move { build(&key).query_async::<()>(&mut manager).await };
        self.attempt(Access::Write, call).await.is_some()
    }

    /// Runs a script on a key of the expiry queue, which may find nothing to write.
    async fn script<T: FromRedisValue>(&self, script: &Script, name: &str, args: &[String]) -> Option<T> {
        let key = self.tagged_key(name)?;
        self.attempt(Access::Read, |mut manager| async move {
            let mut call = script.prepare_invoke();
            call.key(key);
            args.iter().for_each(|arg| {
                call.arg(arg);
            });
            call.invoke_async(&mut manager).await
        })
        .await
    }

    async fn attempt<T, F: Future<Output = RedisResult<T>>>(&self, access: Access, call: impl FnOnce(ConnectionManager) -> F) -> Option<T> {
        let inner = self.inner.as_ref()?;
        let now_ms = || u64::try_from(inner.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if now_ms() < inner.rest_until_ms.load(Ordering::Relaxed) {
            return None;
        }
        match tokio::time::timeout(CALL_MAX, call(inner.manager.clone())).await {
            Ok(Ok(answer)) => {
                inner.watch.succeeded(access);
                return Some(answer);
            }
            // A foreign value under our key, which the next write replaces: Redis itself is well.
            Ok(Err(error)) if is_any_of(&error, &["WRONGTYPE"]) => return None,
            Ok(Err(error)) => inner.watch.failed(&error),
            Err(_) => inner.watch.did_not_answer("no answer in time"),
        }
        inner.rest_until_ms.store(now_ms() + REST_MS, Ordering::Relaxed);
        None
    }
}

/// Refuses a URL with a parameter that the parser would ignore.
fn check_parameters(redis_url: &str) -> anyhow::Result<()> {
    let url = ::redis::parse_redis_url(redis_url).context(UNREADABLE)?;
    let known: &[&str] = if url.scheme().ends_with("unix") { &["db", "pass", "protocol", "user"] } else { &["protocol"] };
    let unknown = url.query_pairs().map(|(name, _)| name).find(|name| !known.contains(&&**name));
    if let Some(name) = unknown {
        let said = url_parameters::unknown(redis_url, &name, known);
        bail!("the Redis URL (--redis-url, REDIS_URL) has a parameter that Rowlock does not know{said}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn a_parameter_that_would_be_ignored_is_named() {
        for good in ["redis://u:p@h:1/2", "rediss://h?protocol=resp3", "unix:///redis.sock?db=1&user=u&pass=p&protocol=3"] {
            check_parameters(good).unwrap_or_else(|error| panic!("{good}: {error}"));
        }
        let refused = |url: &str| check_parameters(url).expect_err(url).to_string();
        let fault = "the Redis URL (--redis-url, REDIS_URL) has a parameter that Rowlock does not know";
        assert_eq!(
            refused("redis://u:hunter2@h?protcol=resp3"),
            format!("{fault}, \"protcol\" (did you mean protocol?): after the ? it takes protocol")
        );
        assert_eq!(refused("redis://h/2?db=1"), format!("{fault}, \"db\": after the ? it takes protocol"));
        assert_eq!(refused("redis://u:6379?hunter2=1@h"), format!("{fault}: after the ? it takes protocol"));
        assert_eq!(refused("mysql://u:hunter2@h"), UNREADABLE);
    }
}
