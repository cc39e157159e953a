//! One keep-alive HTTP/1.1 connection, as lean as it can be: a socket, and nothing kept between an answer and the next request.
//!
//! Ten thousand of them share two cores with the server they load. A general client keeps buffers of 8 KB both ways for each of
//! them, and hands every request from task to task; here a request is one write of bytes that were ready, and an answer one read
//! into a buffer that all connections of a thread use in turn.

mod answer;
mod call;
#[cfg(test)]
mod tests;

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use hyper::{Method, Uri, header::HeaderValue};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpSocket, TcpStream},
};

use self::answer::{Incoming, Whole};
pub use self::{answer::Answer, call::Call};

/// As much as a socket mostly has at once.
const SCRATCH_BYTES: usize = 64 * 1024;
/// Connections that one source address may have to one target: the ephemeral ports of Linux are 28,232 by default.
const CONNECTIONS_PER_SOURCE: usize = 20_000;
/// How long a connection may take to open: a full accept queue drops the first packet, which is sent again after 1, 3, 7 s.
const OPEN_PATIENCE: Duration = Duration::from_secs(20);

/// Whether a server at `url` says that it is ready.
pub async fn is_ready(url: &str) -> bool {
    let asking = async {
        let target = Target::resolve(url).await?;
        let call = Call::draft(&target, &Method::GET, "/readyz").empty()?;
        anyhow::Ok(Connection::open(&target, 0).await?.send(&call).await?.status.is_success())
    };
    asking.await.unwrap_or(false)
}

/// The server the requests go to.
#[derive(Clone, Debug)]
pub struct Target {
    address: SocketAddr,
    host: HeaderValue,
}

impl Target {
    /// Reads `http://host[:port]` and looks the host up.
    ///
    /// # Errors
    /// When the URL is another kind of URL or the host is unknown.
    pub async fn resolve(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("{url:?} is not a URL"))?;
        ensure!(uri.scheme_str() == Some("http"), "{url:?}: the rush speaks plain HTTP, so the URL must begin with http://");
        ensure!(matches!(uri.path(), "" | "/") && uri.query().is_none(), "{url:?}: only http://host:port, without a path");
        let authority = uri.authority().with_context(|| format!("{url:?} names no host"))?;
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let mut addresses = tokio::net::lookup_host((host.as_str(), authority.port_u16().unwrap_or(80))).await?;
        let Some(address) = addresses.next() else { bail!("{host:?} has no address") };
        Ok(Self { address, host: HeaderValue::from_str(authority.as_str())? })
    }

    /// The value of the `Host` header.
    pub fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// The source address of the `index`th connection: several when one would run out of ports, which only Linux's loopback offers.
    fn source(&self, index: usize) -> Option<Ipv4Addr> {
        let spread = cfg!(target_os = "linux") && self.address.is_ipv4() && self.address.ip().is_loopback();
        let block = u8::try_from(index / CONNECTIONS_PER_SOURCE).ok()?;
        (spread && block > 0).then(|| Ipv4Addr::new(127, 0, 1, block))
    }
}

/// The connection broke: whether the request was carried out is unknown.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the connection broke: {0}")]
pub struct Lost(String);

impl Lost {
    fn because(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<httparse::Error> for Lost {
    fn from(error: httparse::Error) -> Self {
        Self(error.to_string())
    }
}

/// One connection, opened again when it was lost.
pub struct Connection {
    target: Target,
    index: usize,
    stream: Option<TcpStream>,
}

impl Connection {
    /// Opens the `index`th connection to `target`.
    ///
    /// # Errors
    /// When the server does not accept it in time, or this machine has no port or descriptor left.
    pub async fn open(target: &Target, index: usize) -> anyhow::Result<Self> {
        let mut connection = Self { target: target.clone(), index, stream: None };
        connection.stream = Some(connection.connect().await?);
        Ok(connection)
    }

    /// Sends one request and waits for the whole answer.
    ///
    /// # Errors
    /// When the connection breaks before the answer is complete; the next call opens another.
    pub async fn send(&mut self, call: &Call) -> Result<Answer, Lost> {
        // Taken out, so that a caller who waits no longer leaves no connection behind on which a stale answer comes.
        let stream = match self.stream.take() {
            Some(stream) if is_idle(&stream) => stream,
            _ => self.connect().await?,
        };
        let mut exchange = Exchange::new(stream, call);
        let whole = poll_fn(|cx| exchange.poll(cx)).await?;
        if whole.is_reusable && exchange.unsent.is_empty() {
            self.stream = Some(exchange.stream);
        }
        Ok(whole.answer)
    }

    async fn connect(&self) -> Result<TcpStream, Lost> {
        let socket = if self.target.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(source) = self.target.source(self.index) {
            socket.bind((IpAddr::V4(source), 0).into())?;
        }
        socket.set_nodelay(true)?;
        let opening = tokio::time::timeout(OPEN_PATIENCE, socket.connect(self.target.address)).await;
        Ok(opening.map_err(io::Error::from)??)
    }
}

/// Whether the server has neither closed nor said anything unasked; no system call unless something came.
fn is_idle(stream: &TcpStream) -> bool {
    matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

thread_local! {
    /// What is read before it is taken apart: one for a thread, since no task waits while it uses it.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_BYTES]);
}

/// A request on its way out and its answer on its way in.
struct Exchange<'a> {
    stream: TcpStream,
    unsent: &'a [u8],
    /// Why no more of the request can be sent.
    broken: Option<io::Error>,
    incoming: Incoming,
}

impl<'a> Exchange<'a> {
    fn new(stream: TcpStream, call: &'a Call) -> Self {
        Self { stream, unsent: call.bytes(), broken: None, incoming: Incoming::default() }
    }

    /// Sends and reads as far as both go: a server may answer, and close, before it has read all of a request.
    fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<Whole, Lost>> {
        while !self.unsent.is_empty() && self.broken.is_none() {
            match Pin::new(&mut self.stream).poll_write(cx, self.unsent) {
                Poll::Ready(Ok(0)) => self.broken = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => self.unsent = &self.unsent[count..],
                Poll::Ready(Err(error)) => self.broken = Some(error),
                Poll::Pending => break,
            }
        }
        loop {
            if let Some(whole) = ready!(SCRATCH.with_borrow_mut(|scratch| self.poll_read(cx, scratch)))? {
                return Poll::Ready(Ok(whole));
            }
        }
    }

    fn poll_read(&mut self, cx: &mut TaskContext<'_>, scratch: &mut [u8]) -> Poll<Result<Option<Whole>, Lost>> {
        let mut buffer = ReadBuf::new(scratch);
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
        Poll::Ready(match read {
            Ok(()) if !buffer.filled().is_empty() => self.incoming.take(buffer.filled()),
            Ok(()) => match self.incoming.end() {
                Some(whole) => Ok(Some(whole)),
                None => Err(self.broken.take().map_or_else(|| Lost::because("closed before the answer was complete"), Lost::from)),
            },
            Err(error) => Err(self.broken.take().unwrap_or(error).into()),
        })
    }
}
