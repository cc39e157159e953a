//! The way to Redis, which may be off, down or empty at any moment: every call is short, and a failure is "nothing found". Two things
//! live there: summaries for a moment ([`RedisLink`]), and the expiry queue ([`ExpiryQueue`]).

mod expiry_queue;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, FromRedisValue, Pipeline, RedisResult, Script};
use anyhow::Context;

pub use expiry_queue::{Batch, ExpiryQueue, Lease};

/// The longest a call may take before it counts as failed.
const CALL_MAX: Duration = Duration::from_millis(250);
/// After a failure nobody asks again for so long: a dead Redis must not cost every reader a timeout.
const REST_MS: u64 = 100;

/// How Redis is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisHealth {
    /// It answers.
    Up,
    /// It does not answer.
    Down,
    /// The server was started without it.
    Off,
}

/// A shared connection to Redis, or none.
#[derive(Clone)]
pub struct RedisLink {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    manager: ConnectionManager,
    prefix: String,
    began: Instant,
    /// Milliseconds since `began` before which nobody asks.
    rest_until_ms: AtomicU64,
    is_down: AtomicBool,
}

impl RedisLink {
    /// No Redis: everything goes to PostgreSQL.
    pub fn off() -> Self {
        Self { inner: None }
    }

    /// Connects in the background and keeps trying; `rediss://` uses TLS. Keys begin with `prefix`.
    ///
    /// # Errors
    /// When the URL cannot be read.
    pub fn new(redis_url: &str, prefix: &str) -> anyhow::Result<Self> {
        let client = Client::open(redis_url).ok().context("the Redis URL cannot be read")?;
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
            began: Instant::now(),
            rest_until_ms: AtomicU64::new(0),
            is_down: AtomicBool::new(false),
        };
        Ok(Self { inner: Some(Arc::new(inner)) })
    }

    /// Whether the server was started with Redis.
    pub fn is_on(&self) -> bool {
        self.inner.is_some()
    }

    /// Asks Redis how it is.
    pub async fn health(&self) -> RedisHealth {
        if self.inner.is_none() {
            return RedisHealth::Off;
        }
        match self.attempt(|mut manager, _| async move { ::redis::cmd("PING").query_async::<String>(&mut manager).await }).await {
            Some(_) => RedisHealth::Up,
            None => RedisHealth::Down,
        }
    }

    /// The text under a key.
    pub async fn get(&self, key: &str) -> Option<String> {
        self.attempt(|mut manager, prefix| async move {
            ::redis::cmd("GET").arg(format!("{prefix}:{key}")).query_async::<Option<String>>(&mut manager).await
        })
        .await?
    }

    /// Keeps a text under a key for so many milliseconds, in the background.
    pub fn set_px(&self, key: &str, text: &str, ttl_ms: u64) {
        let (link, key, text) = (self.clone(), key.to_owned(), text.to_owned());
        tokio::spawn(async move {
            link.attempt(|mut manager, prefix| async move {
                let mut set = ::redis::cmd("SET");
                set.arg(format!("{prefix}:{key}")).arg(text).arg("PX").arg(ttl_ms).query_async::<()>(&mut manager).await
            })
            .await
        });
    }

    /// Sets a key unless it is set; says whether it was this call that set it, or nothing when Redis cannot be asked.
    pub async fn set_nx_px(&self, key: &str, ttl_ms: u64) -> Option<bool> {
        let set: Option<String> = self
            .attempt(|mut manager, prefix| async move {
                let mut set = ::redis::cmd("SET");
                set.arg(format!("{prefix}:{key}")).arg(1).arg("NX").arg("PX").arg(ttl_ms).query_async(&mut manager).await
            })
            .await?;
        Some(set.is_some())
    }

    /// Runs many commands in one round trip; says whether Redis took them.
    pub async fn pipeline(&self, build: impl FnOnce(&str) -> Pipeline) -> bool {
        self.attempt(|mut manager, prefix| async move { build(&prefix).query_async::<()>(&mut manager).await }).await.is_some()
    }

    /// Runs a script on one key. All keys of a prefix share a hash tag, so that a cluster keeps them together.
    pub async fn script<T: FromRedisValue>(&self, script: &Script, key: &str, args: &[String]) -> Option<T> {
        self.attempt(|mut manager, prefix| async move {
            let mut call = script.prepare_invoke();
            call.key(tagged(&prefix, key));
            args.iter().for_each(|arg| {
                call.arg(arg);
            });
            call.invoke_async(&mut manager).await
        })
        .await
    }

    async fn attempt<T, F: Future<Output = RedisResult<T>>>(&self, call: impl FnOnce(ConnectionManager, String) -> F) -> Option<T> {
        let inner = self.inner.as_ref()?;
        let now_ms = || u64::try_from(inner.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if now_ms() < inner.rest_until_ms.load(Ordering::Relaxed) {
            return None;
        }
        let outcome = tokio::time::timeout(CALL_MAX, call(inner.manager.clone(), inner.prefix.clone())).await;
        let error = match outcome {
            Ok(Ok(answer)) => {
                if inner.is_down.swap(false, Ordering::Relaxed) {
                    tracing::info!("Redis answers again");
                }
                return Some(answer);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        // Once for each outage, not for each reader.
        if !inner.is_down.swap(true, Ordering::Relaxed) {
            tracing::warn!(error, "Redis does not answer; doing without it");
        }
        inner.rest_until_ms.store(now_ms() + REST_MS, Ordering::Relaxed);
        None
    }
}

/// A key of the expiry queue.
fn tagged(prefix: &str, key: &str) -> String {
    format!("{{{prefix}}}:{key}")
}
