//! Connections: accepting them, serving them over HTTP/1.1 one request after another, and closing them.
//!
//! The framework's own server watches idle connections with a second task for each, which every read and write wakes. Here ten thousand
//! buyers come at once, so a connection is one task, its timers are hyper's, and the memory for a request is freed before the next one.

mod activity;
mod bare_answer;
mod conversation;
mod head_timer;
mod limits;
mod open_connections;
mod throttle;
mod watched;

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use poem::{Request, Response};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::metrics::{Metrics, RefusedConnection};
use crate::problem::Problem;
use crate::problem::code::Code;
use conversation::{Serving, converse};
pub(crate) use limits::ConnectionLimits;
use open_connections::OpenConnections;
use throttle::Throttle;

/// Connections that the kernel may queue until they are accepted; ten thousand buyers come at once.
const BACKLOG: i32 = 16_384;
/// The longest the head of a request may take from its first byte to its last, and the longest a client may leave an answer unread.
pub(crate) const STALLED_MAX: Duration = Duration::from_secs(75);
/// The largest head of a request, and the most of an answer that waits in memory for its client, in bytes. While it waits for more of a
/// head or a body, a connection may have reserved as much.
const BUFFER_MAX_BYTES: usize = 16 * 1024;
/// Pause after the system refused a connection, most likely because file descriptors ran out.
const REFUSED_PAUSE: Duration = Duration::from_millis(20);

/// How long a server waits for its clients.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionTimeouts {
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
    metrics: Arc<Metrics>,
}

/// Answers any request; boxed, so that an idle connection reserves no memory for one.
pub(crate) trait Routes: Fn(Request) -> BoxFuture<'static, Response> + Send + Sync + 'static {}

impl<R: Fn(Request) -> BoxFuture<'static, Response> + Send + Sync + 'static> Routes for R {}

impl Connections {
    /// Listens; nothing is accepted yet.
    pub(crate) fn listen(address: SocketAddr, limits: ConnectionLimits, metrics: Arc<Metrics>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        // Accepted connections inherit this.
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from_std(socket.into())?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, limits, metrics })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn limits(&self) -> ConnectionLimits {
        self.limits
    }

    /// Serves until `stop`; then accepts no more connections, gives requests in progress up to `drain` to finish, and closes the rest.
    pub(crate) async fn serve<R: Routes>(self, routes: R, stop: CancellationToken, timeouts: ConnectionTimeouts) {
        let Self { listener, address, limits, metrics } = self;
        let open = OpenConnections::new(limits, Arc::clone(&metrics));
        let server = Arc::new(Serving::new(routes, address, timeouts));
        let (mut refusals, mut failures) = (Throttle::default(), Throttle::default());
        let mut stopped = pin!(stop.cancelled());
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stopped => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, remote)) => match open.admit(remote.ip()).await {
                    Ok(admitted) => drop(tokio::spawn(converse(Arc::clone(&server), stream, remote, admitted))),
                    Err(why) => {
                        metrics.connection_refused(why);
                        if let Some(count) = refusals.admits() {
                            log_refused(why, count, limits);
                        }
                        turn_away(stream);
                    }
                },
                Err(error) => {
                    metrics.connection_refused(RefusedConnection::Failed);
                    if let Some(count) = failures.admits() {
                        tracing::warn!(%error, count, "cannot accept connections");
                    }
                    tokio::time::sleep(REFUSED_PAUSE).await;
                }
            }
        }
        drop(listener);
        open.ask_all(activity::Request::Finish);
        if tokio::time::timeout(timeouts.drain, open.all_ended()).await.is_err() {
            tracing::warn!(drain_s = timeouts.drain.as_secs(), "requests in progress took too long; closing their connections");
        }
        open.ask_all(activity::Request::End);
    }
}

fn log_refused(why: RefusedConnection, count: u64, limits: ConnectionLimits) {
    let ConnectionLimits { connections_max, per_address_max, .. } = limits;
    match why {
        RefusedConnection::AddressFull => tracing::warn!(
            count,
            per_address_max,
            "refused connections of an address that has too many, none of them idle. If it is a load balancer: raise \
             --connections-per-address-max"
        ),
        _ => tracing::warn!(
            count,
            connections_max,
            "refused connections, because none of those that are open is idle. If this continues: raise --connections-max, or add a server"
        ),
    }
}

/// Answers 503 to a client for whom there is no room, as far as that takes no time, and closes its connection.
fn turn_away(stream: TcpStream) {
    let Ok(mut stream) = stream.into_std() else { return };
    // What has arrived is read: to close a connection with unread bytes would break it, and the client might not see the answer.
    let _request = stream.read(&mut [0; 4096]);
    let problem = Problem::plain(Code::Overloaded).with_detail("too many connections are open; nothing was done");
    let _answer = stream.write(&bare_answer::written(problem).0);
}

#[cfg(test)]
mod tests;
