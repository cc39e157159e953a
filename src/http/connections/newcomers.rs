//! Clients that have just connected: those for whom there is room are served, some wait for it, and the others are turned away.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::conversation::{Serving, converse};
use super::limits::NEWCOMERS_WAITING_MAX;
use super::open_connections::{NoRoom, OpenConnections};
use super::{ConnectionLimits, Routes, bare_answer};
use crate::log_limit::LogLimit;
use crate::metrics::{Metrics, RefusedConnection};
use crate::problem::Problem;
use crate::problem::code::Code;

/// Advice is logged at once, and then once in so long.
const ADVICE_PAUSE: Duration = Duration::from_secs(10);

pub(super) struct Newcomers<R> {
    pub(super) open: Arc<OpenConnections>,
    server: Arc<Serving<R>>,
    limits: ConnectionLimits,
    metrics: Arc<Metrics>,
    /// One permit for each that may wait for room.
    may_wait: Semaphore,
    advice: [LogLimit; 2],
    failures: LogLimit,
}

impl<R: Routes> Newcomers<R> {
    pub(super) fn new(server: Serving<R>, limits: ConnectionLimits, metrics: Arc<Metrics>) -> Self {
        let limit = || LogLimit::new(1, ADVICE_PAUSE);
        Self {
            open: OpenConnections::new(limits, Arc::clone(&metrics)),
            server: Arc::new(server),
            limits,
            metrics,
            may_wait: Semaphore::new(NEWCOMERS_WAITING_MAX),
            advice: [limit(), limit()],
            failures: limit(),
        }
    }

    /// Sees to a client, on a task of its own if that may take time.
    pub(super) fn meet(self: &Arc<Self>, stream: TcpStream, remote: SocketAddr) {
        match self.open.admit(remote.ip()) {
            Ok(admitted) => {
                tokio::spawn(self.counting_panics(converse(Arc::clone(&self.server), stream, remote, admitted)));
            }
            Err(NoRoom { why, is_passing: true }) if self.may_wait.available_permits() > 0 => {
                let newcomers = Arc::clone(self);
                tokio::spawn(self.counting_panics(async move { newcomers.wait(stream, remote, why).await }));
            }
            Err(NoRoom { why, .. }) => self.turn_away(stream, why),
        }
    }

    /// A panic costs the connection it happened in; requests have caught their own. No `async`, which would make the task larger.
    fn counting_panics<F: Future<Output = ()>>(&self, task: F) -> impl Future<Output = ()> + use<F, R> {
        let metrics = Arc::clone(&self.metrics);
        AssertUnwindSafe(task).catch_unwind().map(move |ended| {
            if ended.is_err() {
                metrics.panicked();
            }
        })
    }

    /// Others are on their way out: serves the client as soon as one of them has gone.
    async fn wait(&self, stream: TcpStream, remote: SocketAddr, why: RefusedConnection) {
        let Ok(permit) = self.may_wait.try_acquire() else { return self.turn_away(stream, why) };
        let admitted = self.open.admit_soon(remote.ip()).await;
        drop(permit);
        match admitted {
            // Boxed: it would be part of this task, too.
            Ok(admitted) => Box::pin(converse(Arc::clone(&self.server), stream, remote, admitted)).await,
            Err(NoRoom { why, .. }) => self.turn_away(stream, why),
        }
    }

    /// Answers 503 to a client for whom there is no room, as far as that takes no time, and closes its connection.
    fn turn_away(&self, stream: TcpStream, why: RefusedConnection) {
        self.metrics.connection_refused(why);
        self.advise(why);
        let Ok(mut stream) = stream.into_std() else { return };
        // What has arrived is read: to close a connection with unread bytes would break it, and the client might not see the answer.
        let _request = stream.read(&mut [0; 4096]);
        let problem = Problem::plain(Code::Overloaded).with_detail("too many connections are open; nothing was done");
        let _answer = stream.write(&bare_answer::written(problem, &self.server.refusals));
    }

    fn advise(&self, why: RefusedConnection) {
        let ConnectionLimits { connections_max, per_address_max, .. } = self.limits;
        let is_of_address = why == RefusedConnection::AddressFull;
        let summary = move |left_out| tracing::warn!(left_out, is_of_address, "more connections were refused than were logged");
        if !self.advice[usize::from(is_of_address)].admits(summary) {
            return;
        }
        if is_of_address {
            tracing::warn!(
                per_address_max,
                "refused a connection of an address that has too many, none of them idle. If it is a load balancer: raise \
                 --connections-per-address-max"
            );
        } else {
            tracing::warn!(
                connections_max,
                "refused a connection, because all open connections are busy. If this continues: raise --connections-max, or add a server"
            );
        }
    }

    /// The system has no connection for a client.
    pub(super) fn miss(&self, error: &std::io::Error) {
        self.metrics.connection_refused(RefusedConnection::Failed);
        if self.failures.admits(|left_out| tracing::warn!(left_out, "more connections could not be accepted than were logged")) {
            tracing::warn!(%error, "cannot accept connections");
        }
    }
}
