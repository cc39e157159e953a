//! Connections: accepting them, serving them over HTTP/1.1 one request after another, and closing them.
//!
//! The framework's own server watches idle connections with a second task for each, which every read and write wakes. Here ten thousand
//! buyers come at once, so a connection is one task, its timers are hyper's, and the memory for a request is freed before the next one.

mod head_timer;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body_util::combinators;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Request, Response};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use head_timer::HeadTimer;

/// Connections that the kernel may queue until they are accepted; ten thousand buyers come at once.
const BACKLOG: i32 = 16_384;
/// The longest the head of a request may take from its first byte to its last, and the longest a client may leave an answer unread.
pub(crate) const STALLED_MAX: Duration = Duration::from_secs(75);
/// The largest head of a request, and the most of an answer that waits in memory for its client, in bytes.
const BUFFER_MAX_BYTES: usize = 64 * 1024;
/// Pause after the system refused a connection, most likely because file descriptors ran out.
const REFUSED_PAUSE: Duration = Duration::from_millis(20);

/// An answer's body as the framework hands it over.
type BoxBody = combinators::BoxBody<Bytes, io::Error>;

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
}

impl Connections {
    /// Listens; nothing is accepted yet.
    pub(crate) fn listen(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        // Accepted connections inherit this.
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from_std(socket.into())?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`; then accepts no more connections, gives requests in progress up to `drain` to finish, and closes the rest.
    pub(crate) async fn serve<R: Routes>(self, routes: R, stop: CancellationToken, timeouts: ConnectionTimeouts) {
        let Self { listener, address } = self;
        let (graceful, cut) = (GracefulShutdown::new(), CancellationToken::new());
        let server = Arc::new(Serving { routes, local: LocalAddr(Addr::SocketAddr(address)), http: http(timeouts), timeouts });
        let mut stopped = pin!(stop.cancelled());
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stopped => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, remote)) => {
                    tokio::spawn(converse(Arc::clone(&server), stream, remote, graceful.watcher(), cut.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(REFUSED_PAUSE).await;
                }
            }
        }
        drop(listener);
        if tokio::time::timeout(timeouts.drain, graceful.shutdown()).await.is_err() {
            tracing::warn!(drain_s = timeouts.drain.as_secs(), "requests in progress took too long; closing their connections");
        }
        cut.cancel();
    }
}

/// hyper has one timeout for the first byte of a head and for the whole head; the timer of each connection tells the two apart.
fn http(timeouts: ConnectionTimeouts) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.header_read_timeout(timeouts.idle_max).max_buf_size(BUFFER_MAX_BYTES);
    http
}

/// Answers any request; boxed, so that an idle connection reserves no memory for one.
pub(crate) trait Routes: Fn(Request) -> BoxFuture<'static, Response> + Send + Sync + 'static {}

impl<R: Fn(Request) -> BoxFuture<'static, Response> + Send + Sync + 'static> Routes for R {}

/// What all connections share.
struct Serving<R> {
    routes: R,
    local: LocalAddr,
    http: http1::Builder,
    timeouts: ConnectionTimeouts,
}

impl<R: Routes> Serving<R> {
    fn answer(&self, request: hyper::Request<Incoming>, remote: SocketAddr) -> BoxFuture<'static, Response> {
        (self.routes)((request, self.local.clone(), RemoteAddr(Addr::SocketAddr(remote)), Scheme::HTTP).into())
    }
}

/// Serves one connection until it ends.
fn converse<R: Routes>(
    server: Arc<Serving<R>>,
    stream: TcpStream,
    remote: SocketAddr,
    watcher: Watcher,
    cut: CancellationToken,
) -> impl Future<Output = ()> + Send {
    let timer = HeadTimer::new(server.timeouts.stalled_max);
    let mut stream = TimeoutStream::new(timer.watch(stream));
    stream.set_write_timeout(Some(server.timeouts.stalled_max));
    let mut http = server.http.clone();
    http.timer(timer);
    let service = service_fn(move |request| {
        server.answer(request, remote).map(|answer| Ok::<_, Infallible>(hyper::Response::<BoxBody>::from(answer)))
    });
    let conversation = watcher.watch(http.serve_connection(TokioIo::new(Box::pin(stream)), service));
    async move {
        tokio::select! {
            ended = conversation => {
                // Clients come and go as they like, so how a connection ended does not matter.
                if let Err(error) = ended {
                    tracing::debug!(%remote, %error, "a connection ended early");
                }
            }
            () = cut.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests;
