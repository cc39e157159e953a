//! Connections: accepting them, serving them over HTTP/1.1 one request after another, and closing them.
//!
//! The framework's own server watches idle connections with a second task for each, which every read and write wakes. Here ten thousand
//! buyers come at once, so a connection is one task, its timers are hyper's, and the memory for a request is freed before the next one.

mod activity;
mod answers_in_flight;
mod bare_answer;
mod client_body;
mod conversation;
mod head_timer;
mod idle;
mod limits;
mod newcomers;
mod open_connections;
mod watched;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use poem::{Request, Response};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use activity::Demand;
use answers_in_flight::AnswersInFlight;
use conversation::Serving;
pub(crate) use limits::ConnectionLimits;
use newcomers::Newcomers;

/// Connections that the kernel may queue until they are accepted; ten thousand buyers come at once.
const BACKLOG: i32 = 16_384;
/// The longest the head of a request may take from its first byte to its last, and the longest a client may leave an answer unread.
pub(crate) const STALLED_MAX: Duration = Duration::from_secs(75);
/// The largest head of a request, and the largest answer that may wait in memory for its client without being counted, in bytes. While it
/// waits for more of a head or a body, a connection may have reserved as much.
const BUFFER_MAX_BYTES: usize = 16 * 1024;
/// What the kernel may keep of answers that a client does not read, in bytes; it counts its own records, too, and grants twice as much:
/// 4 GB for 16,384 clients. By itself it would keep up to 4 MB for each. With a quarter of it, only one segment would be under way to a
/// client on the same machine, whose kernel acknowledges a second one at once, but a single one only after 40 ms.
const SEND_BUFFER_BYTES: usize = 128 * 1024;
/// Pause after the system refused a connection, most likely because file descriptors ran out.
const REFUSED_PAUSE: Duration = Duration::from_millis(20);

/// How long a server waits for its clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionTimeouts {
    /// For the first byte of a request. A rush keeps its buyers' connections open between two requests, and a load balancer that reuses a
    /// connection just as it is closed answers its client 502.
    pub(crate) idle_max: Duration,
    /// For the rest of a head, and for a client to read its answer: usually [`STALLED_MAX`].
    pub(crate) stalled_max: Duration,
    /// For requests in progress, once the server is stopping.
    pub(crate) drain: Duration,
}

pub(crate) struct Connections {
    listener: TcpListener,
    address: SocketAddr,
    limits: ConnectionLimits,
    answers: Arc<AnswersInFlight>,
    metrics: Arc<Metrics>,
}

/// Answers any request; boxed, so that an idle connection reserves no memory for one.
pub(crate) trait Routes: Fn(Request) -> BoxFuture<'static, Response> + Send + Sync + 'static {}

impl<R: Fn(Request) -> BoxFuture<'static, Response> + Send + Sync + 'static> Routes for R {}

impl Connections {
    /// Listens; nothing is accepted yet. Answers may take `answers_max_bytes` of memory until their clients have taken them.
    pub(crate) fn listen(
        address: SocketAddr,
        limits: ConnectionLimits,
        answers_max_bytes: usize,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        // Accepted connections inherit these.
        socket.set_tcp_nodelay(true)?;
        socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from_std(socket.into())?;
        let address = listener.local_addr()?;
        let answers = AnswersInFlight::new(answers_max_bytes, Arc::clone(&metrics));
        Ok(Self { listener, address, limits, answers, metrics })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn limits(&self) -> ConnectionLimits {
        self.limits
    }

    /// Serves until `stop`; then accepts no more connections, gives requests in progress up to `drain` to finish, and closes the rest.
    pub(crate) async fn serve<R: Routes>(self, routes: R, stop: CancellationToken, timeouts: ConnectionTimeouts) {
        let Self { listener, address, limits, answers, metrics } = self;
        let newcomers = Arc::new(Newcomers::new(Serving::new(routes, address, timeouts, answers), limits, metrics));
        let mut stopped = pin!(stop.cancelled());
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stopped => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, remote)) => newcomers.meet(stream, remote),
                Err(error) => {
                    newcomers.miss(&error);
                    tokio::time::sleep(REFUSED_PAUSE).await;
                }
            }
        }
        drop(listener);
        newcomers.open.close();
        newcomers.open.ask_all(Demand::Finish);
        if tokio::time::timeout(timeouts.drain, newcomers.open.all_ended()).await.is_err() {
            tracing::warn!(drain_s = timeouts.drain.as_secs(), "requests in progress took too long; closing their connections");
        }
        newcomers.open.ask_all(Demand::End);
    }
}

#[cfg(test)]
mod tests;
