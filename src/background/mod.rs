//! What a server does in the background.

pub(crate) mod expiry;
pub(crate) mod pruning;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

use crate::metrics::Metrics;

/// Pause before a task that panicked is started again.
const RESTART_PAUSE: Duration = Duration::from_millis(200);

/// Restarts a task that panics, until it ends by itself.
pub(crate) async fn outlive_panics<F: Future<Output = ()>>(metrics: impl AsRef<Metrics>, task: impl Fn() -> F) {
    while AssertUnwindSafe(task()).catch_unwind().await.is_err() {
        metrics.as_ref().panicked();
        tracing::error!("a background task panicked; restarting it");
        tokio::time::sleep(RESTART_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::metrics::Readings;

    #[tokio::test]
    async fn a_task_that_panicked_is_counted_and_started_again_and_one_that_ended_is_not() {
        let (starts, begun, metrics) = (AtomicUsize::new(0), std::time::Instant::now(), Arc::new(Metrics::new()));
        let task = || async {
            assert!(starts.fetch_add(1, Ordering::Relaxed) > 0, "planted");
        };
        outlive_panics(Arc::clone(&metrics), task).await;
        assert_eq!(starts.load(Ordering::Relaxed), 2);
        assert!((RESTART_PAUSE..Duration::from_secs(1)).contains(&begun.elapsed()), "after {:?}", begun.elapsed());
        assert!(metrics.encode(Readings::default()).contains("\nrowlock_panics_total 1\n"));
    }
}
