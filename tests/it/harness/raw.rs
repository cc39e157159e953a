//! A client that sends bytes as it likes, where an HTTP library would not.

use std::time::Duration;

use pretty_assertions::assert_eq;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::server::TestServer;
use super::wait::PATIENCE;

pub struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Raw {
    pub async fn connect(server: &TestServer) -> Self {
        let stream = TcpStream::connect(server.url.trim_start_matches("http://")).await.expect("a connection");
        Self { stream, read: Vec::new() }
    }

    /// From another address of this machine, such as 127.0.0.2.
    pub async fn connect_from(local: &str, server: &TestServer) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(format!("{local}:0").parse().expect("an address")).expect("an address of this machine");
        let remote = server.url.trim_start_matches("http://").parse().expect("an address");
        Self { stream: socket.connect(remote).await.expect("a connection"), read: Vec::new() }
    }

    /// With so little space that the kernel keeps no more than 64 KB for this client, however much it keeps for others.
    pub async fn connect_narrowly(server: &TestServer) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(32 * 1024).expect("space");
        let remote = server.url.trim_start_matches("http://").parse().expect("an address");
        Self { stream: socket.connect(remote).await.expect("a connection"), read: Vec::new() }
    }

    /// Sends as much as the server still takes.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.ok();
    }

    /// The next answer, which must come.
    pub async fn answer(&mut self) -> RawAnswer {
        tokio::time::timeout(PATIENCE, self.next()).await.expect("no answer in time").expect("an answer")
    }

    /// The next answer; `None`: the server closed the connection without one.
    pub async fn next(&mut self) -> Option<RawAnswer> {
        loop {
            if let Some((answer, bytes)) = RawAnswer::parse(&self.read) {
                self.read.drain(..bytes);
                return Some(answer);
            }
            if self.stream.read_buf(&mut self.read).await.ok()? == 0 {
                return None;
            }
        }
    }

    /// Reads exactly this many more bytes; fails if they do not come.
    pub async fn take(&mut self, bytes: usize) {
        let enough = self.read.len() + bytes;
        let reading = async {
            while self.read.len() < enough {
                let most = enough - self.read.len();
                let read = (&mut self.stream).take(most as u64).read_buf(&mut self.read).await.expect("an open connection");
                assert_ne!(read, 0, "the connection was closed");
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("nothing more came");
    }

    /// Waits until the server closes the connection, without another byte.
    pub async fn closed(&mut self) {
        let rest = tokio::time::timeout(PATIENCE, self.next()).await.expect("it is still open");
        assert!(rest.is_none() && self.read.is_empty(), "something came: {}", String::from_utf8_lossy(&self.read));
    }

    /// Whether the connection is open and nothing has come.
    pub async fn is_silent(&self) -> bool {
        let seen = tokio::time::timeout(Duration::from_millis(1), self.stream.peek(&mut [0])).await;
        seen.is_err()
    }
}

#[derive(Debug)]
pub struct RawAnswer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl RawAnswer {
    /// The first answer in these bytes, and how many of them it takes.
    fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let head_bytes = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&bytes[..head_bytes]).into_owned();
        let status = head.get(9..12).and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("not HTTP: {head}"));
        let mut answer = Self { status, head, body: Vec::new() };
        let body_bytes: usize = answer.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        answer.body = bytes.get(head_bytes..head_bytes + body_bytes)?.to_vec();
        Some((answer, head_bytes + body_bytes))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The body of an answer that must be exactly this problem, as a complete one as any.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.header("content-type")), (status, Some("application/problem+json")), "{self:?}");
        let body: Value = serde_json::from_slice(&self.body).expect("JSON");
        assert_eq!((body["code"].as_str(), body["status"].as_u64()), (Some(code), Some(status.into())), "{body}");
        assert_eq!(body["type"], format!("/errors#{code}"));
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"));
        assert!(body["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{body}");
        assert!(self.header("date").is_some_and(|date| date.ends_with(" GMT")), "{self:?}");
        body
    }
}
