//! Waiting for conditions instead of fixed times, and starting rivals at the same moment.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Barrier;

/// Long enough for anything that should happen at all, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// The same once a long wait has failed in this run: what works at all works within seconds.
const PATIENCE_WHEN_BROKEN: Duration = Duration::from_secs(10);
/// After so many waits in vain, the tests that follow are not tried.
const WAITS_IN_VAIN_MAX: usize = 12;
const PAUSE: Duration = Duration::from_millis(10);

/// A broken build should fail in minutes, not in minutes per test. Nothing is lost by giving up early: the run has already failed.
static WAITS_IN_VAIN: AtomicUsize = AtomicUsize::new(0);

/// `patience`, or less of it if a wait has failed in this run.
pub fn patience_left(patience: Duration) -> Duration {
    patience_after(WAITS_IN_VAIN.load(Ordering::Relaxed), patience)
}

fn patience_after(waits_in_vain: usize, patience: Duration) -> Duration {
    if waits_in_vain == 0 { patience } else { patience.min(PATIENCE_WHEN_BROKEN) }
}

/// Counts a wait in vain, unless it was a short one, which says little about other tests.
pub(super) fn waited_in_vain(patience: Duration) {
    if patience >= PATIENCE_WHEN_BROKEN {
        WAITS_IN_VAIN.fetch_add(1, Ordering::Relaxed);
    }
}

/// Fails a test that begins in a run in which many others have waited in vain.
pub(super) fn try_no_more_if_broken() {
    let waits_in_vain = WAITS_IN_VAIN.load(Ordering::Relaxed);
    assert!(!is_hopeless(waits_in_vain), "not tried: this run has waited in vain {waits_in_vain} times; look at its first failures");
}

fn is_hopeless(waits_in_vain: usize) -> bool {
    waits_in_vain >= WAITS_IN_VAIN_MAX
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

#[test]
fn a_broken_run_loses_its_patience_and_at_last_gives_up() {
    let short = Duration::from_secs(1);
    assert_eq!([PATIENCE, short].map(|patience| patience_after(0, patience)), [PATIENCE, short]);
    assert_eq!([PATIENCE, short].map(|patience| patience_after(1, patience)), [PATIENCE_WHEN_BROKEN, short]);
    assert!(!is_hopeless(WAITS_IN_VAIN_MAX - 1) && is_hopeless(WAITS_IN_VAIN_MAX));
}
