//! Waiting for conditions instead of fixed times, and starting rivals at the same moment.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Barrier;

/// Long enough for anything that should happen at all, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// The same once a long wait has failed in this run.
const PATIENCE_WHEN_BROKEN: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

static BROKEN: AtomicBool = AtomicBool::new(false);

/// `patience`, unless a long wait has failed in this run: what works at all works within seconds, and a broken build should fail in
/// minutes, not in minutes per test. The run has already failed, so nothing is lost by giving up early.
pub fn patience_left(patience: Duration) -> Duration {
    if BROKEN.load(Ordering::Relaxed) { patience.min(PATIENCE_WHEN_BROKEN) } else { patience }
}

/// Shortens all later waits after a long wait has failed.
pub(super) fn waited_in_vain(patience: Duration) {
    if patience > PATIENCE_WHEN_BROKEN {
        BROKEN.store(true, Ordering::Relaxed);
    }
}

/// The result of checking a condition: `false` or `None` means not yet.
pub trait Look {
    /// What is there once the condition holds.
    type Found;

    /// It, if the condition holds.
    fn found(self) -> Option<Self::Found>;
}

impl Look for bool {
    type Found = ();

    fn found(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Look for Option<T> {
    type Found = T;

    fn found(self) -> Option<T> {
        self
    }
}

/// Checks repeatedly until the condition holds, and fails the test if `patience` ends first.
#[track_caller]
pub fn eventually<L: Look, F: Future<Output = L>>(patience: Duration, mut look: impl FnMut() -> F) -> impl Future<Output = L::Found> {
    let caller = Location::caller();
    async move {
        let (begun, patience) = (Instant::now(), patience_left(patience));
        loop {
            if let Some(found) = look().await.found() {
                return found;
            }
            if begun.elapsed() >= patience {
                waited_in_vain(patience);
                panic!("{caller}: the condition does not hold after {} ms", patience.as_millis());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Runs `count` tasks that all start at the same moment, and returns their results in order.
pub async fn rivals<T, F>(count: usize, mut task: impl FnMut(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(count));
    let started: Vec<_> = (0..count)
        .map(|index| {
            let (barrier, task) = (Arc::clone(&barrier), task(index));
            tokio::spawn(async move {
                barrier.wait().await;
                task.await
            })
        })
        .collect();
    let mut answers = Vec::with_capacity(count);
    for task in started {
        answers.push(task.await.expect("a rival's task"));
    }
    answers
}
