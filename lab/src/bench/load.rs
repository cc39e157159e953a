//! The highest load that a number of connections can make: each sends a request, waits for the answer, and sends the next.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use hdrhistogram::Histogram;
use tokio::{sync::watch, task::JoinSet};

use crate::client::{Connection, Target};

/// Connections opened at the same time: well below the accept queues of common systems.
const OPENING_AT_ONCE: usize = 256;

/// What a connection does again and again.
pub trait Work: Send + Sync + 'static {
    /// Does the work of that number, from 0, once over the connection.
    fn once(&self, connection: &mut Connection, number: usize) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// When a load ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After this many are done: a connection takes the next number as soon as it is free.
    Done(usize),
    /// Every connection has done one, of its own number.
    Once,
    /// After this much time.
    Elapsed(Duration),
}

/// How a load went.
pub struct Outcome {
    /// How many were done.
    pub done: u64,
    /// From the start of all connections to the last answer.
    pub took: Duration,
    /// How long each took, in microseconds.
    pub micros: Histogram<u64>,
}

impl Outcome {
    /// How many were done per second.
    pub fn per_second(&self) -> f64 {
        self.done as f64 / self.took.as_secs_f64().max(1e-6)
    }

    /// The time within which that share was done, in milliseconds.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        self.micros.value_at_quantile(share) as f64 / 1000.0
    }
}

/// Opens `count` connections.
///
/// # Errors
/// When one cannot be opened.
pub async fn connect(target: &Target, count: usize) -> anyhow::Result<Vec<Connection>> {
    let opening = stream::iter(0..count).map(|index| Connection::open(target, index)).buffer_unordered(OPENING_AT_ONCE);
    opening.try_collect().await.with_context(|| format!("cannot open {count} connections"))
}

/// Has all connections start at the same moment and work until the end; returns them for the next load.
///
/// # Errors
/// When any piece of work fails: a figure with failures in it would say nothing.
pub async fn closed_loop<W: Work>(connections: Vec<Connection>, until: Until, work: Arc<W>) -> anyhow::Result<(Vec<Connection>, Outcome)> {
    let (gate, _) = watch::channel(None::<Instant>);
    let next = Arc::new(AtomicUsize::new(0));
    let mut working = JoinSet::new();
    let count = connections.len();
    for (index, connection) in connections.into_iter().enumerate() {
        let (work, next, mut opened) = (work.clone(), next.clone(), gate.subscribe());
        working.spawn(async move {
            let started_at = opened.wait_for(Option::is_some).await.ok().and_then(|moment| *moment).context("nobody started")?;
            one_connection(connection, index, until, &*work, &next, started_at).await
        });
    }
    let started_at = Instant::now();
    gate.send_replace(Some(started_at));
    let (mut connections, mut micros, mut last) = (Vec::with_capacity(count), Histogram::new(3)?, started_at);
    while let Some(worked) = working.join_next().await {
        let (connection, times, done_at) = worked.context("a connection's task panicked")??;
        connections.push(connection);
        for time in times {
            micros.record(u64::from(time))?;
        }
        last = last.max(done_at);
    }
    Ok((connections, Outcome { done: micros.len(), took: last - started_at, micros }))
}

/// Works on one connection; returns how long each piece took, in microseconds, and when the last was done.
async fn one_connection(
    mut connection: Connection,
    index: usize,
    until: Until,
    work: &impl Work,
    next: &AtomicUsize,
    started_at: Instant,
) -> anyhow::Result<(Connection, Vec<u32>, Instant)> {
    let (mut times, mut done_at) = (Vec::new(), started_at);
    loop {
        let number = match until {
            Until::Once if times.is_empty() => index,
            Until::Once => break,
            Until::Done(_) | Until::Elapsed(_) => next.fetch_add(1, Ordering::Relaxed),
        };
        let over = match until {
            Until::Once => false,
            Until::Done(count) => number >= count,
            Until::Elapsed(time) => started_at.elapsed() >= time,
        };
        if over {
            break;
        }
        let asked_at = Instant::now();
        work.once(&mut connection, number).await?;
        done_at = Instant::now();
        times.push(u32::try_from((done_at - asked_at).as_micros()).unwrap_or(u32::MAX));
    }
    Ok((connection, times, done_at))
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Mutex;

    use tokio::net::TcpListener;

    use super::*;

    /// Remembers which numbers were done; nothing is sent.
    #[derive(Default)]
    pub struct Remembers(Mutex<Vec<usize>>);

    impl Work for Remembers {
        async fn once(&self, _: &mut Connection, number: usize) -> anyhow::Result<()> {
            self.0.lock().expect("the numbers").push(number);
            tokio::task::yield_now().await;
            Ok(())
        }
    }

    impl Remembers {
        pub fn sorted(&self) -> Vec<usize> {
            let mut numbers = self.0.lock().expect("the numbers").clone();
            numbers.sort_unstable();
            numbers
        }
    }

    pub async fn connections(count: usize) -> (TcpListener, Vec<Connection>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let target = Target::resolve(&format!("http://{}", listener.local_addr().expect("an address"))).await.expect("a target");
        (listener, connect(&target, count).await.expect("connections"))
    }

    #[tokio::test]
    async fn each_number_is_done_once_by_whoever_is_free() {
        let (_listener, connections) = connections(7).await;
        let work = Arc::new(Remembers::default());
        let (connections, outcome) = closed_loop(connections, Until::Done(100), work.clone()).await.expect("done");
        assert_eq!(work.sorted(), (0..100).collect::<Vec<_>>());
        assert_eq!((connections.len(), outcome.done, outcome.micros.len()), (7, 100, 100));
        assert!(outcome.per_second() > 0.0 && outcome.took > Duration::ZERO);
    }

    #[tokio::test]
    async fn each_connection_does_its_own_number_once() {
        let (_listener, connections) = connections(5).await;
        let work = Arc::new(Remembers::default());
        let (_, outcome) = closed_loop(connections, Until::Once, work.clone()).await.expect("done");
        assert_eq!((work.sorted(), outcome.done), (vec![0, 1, 2, 3, 4], 5));
    }

    #[tokio::test]
    async fn a_failure_ends_the_load() {
        struct Fails;
        impl Work for Fails {
            async fn once(&self, _: &mut Connection, number: usize) -> anyhow::Result<()> {
                anyhow::ensure!(number < 3, "the fourth fails");
                Ok(())
            }
        }
        let (_listener, connections) = connections(2).await;
        let failed = closed_loop(connections, Until::Elapsed(Duration::from_secs(60)), Arc::new(Fails)).await;
        assert!(failed.is_err_and(|error| error.to_string().contains("the fourth")));
    }
}
