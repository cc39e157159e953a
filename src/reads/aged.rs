//! What was read, with its age: nothing is cached for longer than a read may be behind.

use std::time::{Duration, Instant};

use moka::Expiry;

/// How far a read may be behind PostgreSQL.
const AGE_MAX: Duration = Duration::from_millis(500);

/// What was read, and when the read began: it may be as old as that.
#[derive(Clone)]
pub(crate) struct Aged<T> {
    pub value: T,
    pub begun: Instant,
}

impl<T> Aged<T> {
    /// Runs this read.
    pub(crate) async fn read<E>(load: impl Future<Output = Result<T, E>>) -> Result<Self, E> {
        let begun = Instant::now();
        Ok(Self { value: load.await?, begun })
    }

    fn left(&self, now: Instant) -> Duration {
        AGE_MAX.saturating_sub(now.saturating_duration_since(self.begun))
    }
}

/// Expires an entry early if loading it took long: only those who waited for it get it.
pub(crate) struct WhileFresh;

impl<K, T> Expiry<K, Aged<T>> for WhileFresh {
    fn expire_after_create(&self, _: &K, aged: &Aged<T>, now: Instant) -> Option<Duration> {
        Some(aged.left(now))
    }

    fn expire_after_update(&self, _: &K, aged: &Aged<T>, now: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(aged.left(now))
    }
}

#[cfg(test)]
mod tests {
    use moka::future::Cache;

    use super::*;

    #[tokio::test]
    async fn what_took_long_to_load_is_kept_the_shorter_and_at_last_not_at_all() {
        let cache = Cache::builder().time_to_live(Duration::from_secs(60)).expire_after(WhileFresh).build();
        let loaded_in = |ms| Aged { value: ms, begun: Instant::now().checked_sub(Duration::from_millis(ms)).expect("an uptime") };
        for key in ["new", "changed"] {
            cache.insert(key, loaded_in(600)).await;
            assert!(cache.get(key).await.is_none(), "older than a read may be");
            cache.insert(key, loaded_in(0)).await;
            assert!(cache.get(key).await.is_some());
            cache.insert(key, loaded_in(100)).await;
            assert!(cache.get(key).await.is_some());
        }
        tokio::time::sleep(Duration::from_millis(420)).await;
        assert!(cache.get("new").await.is_none(), "kept for the rest of its time only");
    }
}
