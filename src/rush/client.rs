//! One keep-alive HTTP/1.1 connection, as lean as hyper allows: the buyer's own task drives it, no second task, no pool.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::{Pin, pin},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    body::Incoming,
    client::conn::http1,
    header::{CONTENT_ENCODING, HOST, HeaderValue, RETRY_AFTER},
};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream};

/// Connections that one source address may have to one target: the ephemeral ports of Linux are 28,232 by default.
const CONNECTIONS_PER_SOURCE: usize = 20_000;
/// How long a connection may take to open: a full accept queue drops the first packet, which is sent again after 1, 3, 7 s.
const OPEN_PATIENCE: Duration = Duration::from_secs(20);

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
        let uri: Uri = url.parse().with_context(|| format!("{url:?} is no URL"))?;
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

/// A request that may have to be sent again: copies are cheap.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// All headers, `Host` included.
    pub headers: HeaderMap,
    /// The body; empty for a GET.
    pub body: Bytes,
}

impl Call {
    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The `Retry-After` header, in seconds.
    pub retry_after_s: Option<u32>,
    /// Whether the body is compressed with zstd.
    pub zstd: bool,
    /// The body as it came.
    pub body: Bytes,
}

/// The connection broke: whether the request was carried out is unknown.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the connection broke: {0}")]
pub struct Lost(String);

struct Live {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Pin<Box<http1::Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
}

/// One connection, opened again when it was lost.
pub struct Connection {
    target: Target,
    index: usize,
    live: Option<Live>,
}

impl Connection {
    /// Opens the `index`th connection to `target`.
    ///
    /// # Errors
    /// When the server does not accept it in time, or this machine has no port or descriptor left.
    pub async fn open(target: &Target, index: usize) -> anyhow::Result<Self> {
        let mut connection = Self { target: target.clone(), index, live: None };
        connection.live = Some(connection.connect().await.map_err(anyhow::Error::from)?);
        Ok(connection)
    }

    /// Sends one request and waits for the whole answer.
    ///
    /// # Errors
    /// When the connection breaks before the answer is complete; the next call opens another.
    pub async fn send(&mut self, call: &Call) -> Result<Answer, Lost> {
        let mut live = match self.live.take() {
            Some(live) if !live.sender.is_closed() => live,
            _ => self.connect().await?,
        };
        let Live { sender, driver } = &mut live;
        let mut open = true;
        let answer = {
            let mut exchange = pin!(exchange(sender, call));
            tokio::select! {
                biased;
                answer = &mut exchange => answer,
                _ = driver => {
                    // Closed by the server, maybe right behind a complete answer.
                    open = false;
                    exchange.await
                }
            }
        };
        if open && answer.is_ok() {
            self.live = Some(live);
        }
        answer.map_err(|error| Lost(error.to_string()))
    }

    async fn connect(&self) -> Result<Live, Lost> {
        let lost = |error: &dyn std::error::Error| Lost(error.to_string());
        let socket = if self.target.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(|e| lost(&e))?;
        if let Some(source) = self.target.source(self.index) {
            socket.bind((IpAddr::V4(source), 0).into()).map_err(|e| lost(&e))?;
        }
        socket.set_nodelay(true).map_err(|e| lost(&e))?;
        let opening = tokio::time::timeout(OPEN_PATIENCE, socket.connect(self.target.address)).await;
        let stream = opening.map_err(|e| lost(&e))?.map_err(|e| lost(&e))?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| lost(&e))?;
        Ok(Live { sender, driver: Box::pin(driver) })
    }
}

async fn exchange(sender: &mut http1::SendRequest<Full<Bytes>>, call: &Call) -> hyper::Result<Answer> {
    sender.ready().await?;
    let response: Response<Incoming> = sender.send_request(call.request()).await?;
    let (head, body) = response.into_parts();
    let retry_after = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Ok(Answer {
        status: head.status,
        retry_after_s: retry_after.and_then(|seconds| seconds.parse().ok()),
        zstd: head.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "zstd"),
        body: body.collect().await?.to_bytes(),
    })
}

/// The headers every request carries.
pub fn common_headers(target: &Target) -> HeaderMap {
    HeaderMap::from_iter([(HOST, target.host().clone())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_plain_http_without_a_path_is_a_target() {
        for url in ["https://localhost:1", "http://localhost:1/v1", "localhost:1", ""] {
            assert!(Target::resolve(url).await.is_err(), "{url}");
        }
        let target = Target::resolve("http://127.0.0.1:8080").await.expect("a target");
        assert_eq!(target.host(), "127.0.0.1:8080");
        assert_eq!(target.source(0), None);
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn many_connections_come_from_several_addresses() {
        let target = Target::resolve("http://127.0.0.1:8080").await.expect("a target");
        assert_eq!(target.source(CONNECTIONS_PER_SOURCE - 1), None);
        assert_eq!(target.source(CONNECTIONS_PER_SOURCE), Some(Ipv4Addr::new(127, 0, 1, 1)));
    }
}
