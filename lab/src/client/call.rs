//! A request as the bytes that go over the wire: written once, however often it is sent.

use std::{fmt, io::Write};

use anyhow::ensure;
use bytes::Bytes;
use hyper::Method;

use super::Target;

/// Room for a head with a customer's token, so that it is written without growing.
const HEAD_ROOM: usize = 640;

/// A request that may have to be sent again: copies are cheap.
#[derive(Clone)]
pub struct Call {
    bytes: Bytes,
}

impl Call {
    /// Begins a request with its method, its path (and query) and the `Host`.
    pub fn draft(target: &Target, method: &Method, path: &str) -> Draft {
        let mut bytes = Vec::with_capacity(HEAD_ROOM);
        for part in [method.as_str(), " ", path, " HTTP/1.1\r\nhost: "] {
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes.extend_from_slice(target.host.as_bytes());
        bytes.extend_from_slice(b"\r\n");
        // Answers to HEAD and CONNECT end differently, and nothing here needs them.
        let is_framed = *method != Method::HEAD && *method != Method::CONNECT;
        Draft { bytes, is_sound: is_framed && path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()) }
    }

    /// The very same request to another path.
    ///
    /// # Errors
    /// When the path has characters that are not allowed in one.
    pub fn at(&self, path: &str) -> anyhow::Result<Self> {
        ensure!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()), "{path:?} is not a path");
        let mut words = self.bytes.splitn(3, |byte| *byte == b' ');
        let (method, _, rest) = (words.next().unwrap_or_default(), words.next(), words.next().unwrap_or_default());
        Ok(Self { bytes: [method, path.as_bytes(), rest].join(&b' ').into() })
    }

    /// Head and body.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The request line and the headers, and the body.
    #[cfg(test)]
    pub fn head_and_body(&self) -> (&str, &str) {
        let text = std::str::from_utf8(&self.bytes).expect("a request in UTF-8");
        text.split_once("\r\n\r\n").expect("the end of the head")
    }
}

impl fmt::Debug for Call {
    /// Not its headers: they hold tokens and keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({self})")
    }
}

impl fmt::Display for Call {
    /// The method and the path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.bytes.split(|byte| *byte == b' ').take(2).map(String::from_utf8_lossy);
        f.write_str(&words.collect::<Vec<_>>().join(" "))
    }
}

/// A request whose head is being written.
pub struct Draft {
    bytes: Vec<u8>,
    /// Whether its path and headers have only allowed characters, and answers to its method can be read.
    is_sound: bool,
}

impl Draft {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.is_sound &= name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        self.is_sound &= value.iter().all(|byte| !byte.is_ascii_control());
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            self.bytes.extend_from_slice(part);
        }
        self
    }

    /// Ends a request that has no body.
    ///
    /// # Errors
    /// When the path or a header has characters that none may have, or the method is one whose answers cannot be read here.
    pub fn empty(mut self) -> anyhow::Result<Call> {
        self.bytes.extend_from_slice(b"\r\n");
        self.end()
    }

    /// Ends a request whose body is JSON.
    ///
    /// # Errors
    /// As without a body.
    pub fn json(mut self, body: &str) -> anyhow::Result<Call> {
        write!(self.bytes, "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
        self.end()
    }

    fn end(self) -> anyhow::Result<Call> {
        let call = Call { bytes: self.bytes.into() };
        ensure!(self.is_sound, "{call}: this request cannot be sent");
        Ok(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn target() -> Target {
        Target::resolve("http://127.0.0.1:8080").await.expect("a target")
    }

    #[tokio::test]
    async fn a_call_is_the_bytes_of_its_request() {
        let target = target().await;
        let call = Call::draft(&target, &Method::GET, "/v1/events?limit=1").header("accept-encoding", "zstd").empty().expect("a call");
        assert_eq!(call.bytes(), b"GET /v1/events?limit=1 HTTP/1.1\r\nhost: 127.0.0.1:8080\r\naccept-encoding: zstd\r\n\r\n");
        assert_eq!(call.to_string(), "GET /v1/events?limit=1");
        let call = Call::draft(&target, &Method::POST, "/v1/payments").json(r#"{"é":1}"#).expect("a call");
        let head = "POST /v1/payments HTTP/1.1\r\nhost: 127.0.0.1:8080\r\ncontent-type: application/json\r\ncontent-length: 8";
        assert_eq!(call.head_and_body(), (head, r#"{"é":1}"#));
    }

    #[tokio::test]
    async fn a_call_goes_to_another_path_with_all_it_has() {
        let call = Call::draft(&target().await, &Method::POST, "/v1/payments").header("x", "a b").json("{ }").expect("a call");
        let moved = call.at("/bench/no-op").expect("a call");
        assert_eq!(moved.to_string(), "POST /bench/no-op");
        let rest = |call: &Call| call.bytes().iter().skip_while(|byte| **byte != b'\r').copied().collect::<Vec<_>>();
        assert_eq!(rest(&moved), rest(&call));
        assert!(call.at("/a b").is_err() && call.at("v1").is_err());
    }

    #[tokio::test]
    async fn nothing_is_smuggled_into_a_head() {
        let target = target().await;
        for path in ["", "v1", "/a b", "/a\r\nx: y", "/é"] {
            assert!(Call::draft(&target, &Method::GET, path).empty().is_err(), "{path:?}");
        }
        for (name, value) in [("x", "1\r\ny: 2"), ("x", "\0"), ("x: 1\r\ny", "2"), ("x y", "1")] {
            assert!(Call::draft(&target, &Method::GET, "/").header(name, value).empty().is_err(), "{name:?}: {value:?}");
        }
        assert!(Call::draft(&target, &Method::HEAD, "/").empty().is_err());
    }

    #[tokio::test]
    async fn a_call_is_shown_without_its_token() {
        let call = Call::draft(&target().await, &Method::GET, "/v1/events").header("authorization", "Bearer secret").empty();
        assert_eq!(format!("{:?}", call.expect("a call")), "Call(GET /v1/events)");
    }
}
