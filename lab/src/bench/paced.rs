//! Load at a steady pace, whatever else takes the cores.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::task::JoinSet;

use super::load::Work;
use crate::client::Connection;

/// Has the connections work for `time` at a steady rate of `per_second` in total; returns how many were done. They are fewer if the
/// connections cannot keep that pace: nothing is begun after the time.
///
/// # Errors
/// When any piece of work fails.
pub async fn paced<W: Work>(connections: Vec<Connection>, per_second: usize, time: Duration, work: Arc<W>) -> anyhow::Result<u64> {
    let begun = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let mut working = JoinSet::new();
    for mut connection in connections {
        let (work, next) = (work.clone(), next.clone());
        working.spawn(async move {
            let mut done = 0;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let due = Duration::from_secs_f64(number as f64 / per_second as f64);
                tokio::time::sleep_until((begun + due.min(time)).into()).await;
                if begun.elapsed() >= time {
                    return anyhow::Ok(done);
                }
                work.once(&mut connection, number).await?;
                done += 1;
            }
        });
    }
    let mut done = 0;
    while let Some(worked) = working.join_next().await {
        done += worked.context("a connection's task panicked")??;
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::load::tests::{Remembers, connections};

    #[tokio::test]
    async fn a_pace_is_kept_and_ends_with_its_time() {
        let (_listener, connections) = connections(3).await;
        let (work, begun) = (Arc::new(Remembers::default()), Instant::now());
        let done = paced(connections, 2, Duration::from_millis(1_400), work.clone()).await.expect("done");
        assert_eq!((done, work.sorted()), (3, (0..3).collect()));
        assert!(begun.elapsed() >= Duration::from_millis(1_400));
    }

    #[tokio::test]
    async fn what_cannot_keep_the_pace_begins_nothing_after_the_time() {
        /// Takes as long as all of the work may.
        struct Slow;
        impl Work for Slow {
            async fn once(&self, _: &mut Connection, _: usize) -> anyhow::Result<()> {
                tokio::time::sleep(Duration::from_millis(400)).await;
                Ok(())
            }
        }
        let (_listener, connections) = connections(3).await;
        let done = paced(connections, 1_000, Duration::from_millis(400), Arc::new(Slow)).await.expect("done");
        assert!(done <= 3, "{done} were done");
    }
}
