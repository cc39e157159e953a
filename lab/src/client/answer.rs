//! Answers, read piece by piece as they come.

#[cfg(test)]
mod tests;

use std::mem::{self, MaybeUninit};

use bytes::Bytes;
use httparse::{Header, ParserConfig, Response, Status};
use hyper::StatusCode;

use super::Lost;

/// No head, and no line between two chunks, may be longer.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 100;
/// A body that says it is larger grows as it comes.
const BODY_ROOM_MAX: u64 = 1024 * 1024;

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// The `Retry-After` header, in seconds.
    pub retry_after_s: Option<u32>,
    /// Whether the body is compressed with zstd.
    pub zstd: bool,
    /// The body as it came.
    pub body: Bytes,
}

/// An answer that is complete.
#[derive(Debug)]
pub(super) struct Whole {
    pub answer: Answer,
    /// The connection may carry another request.
    pub is_reusable: bool,
}

/// An answer on its way in.
#[derive(Default)]
pub(super) struct Incoming {
    expected: Expected,
    head: Option<Head>,
    /// The beginning of what cannot be read before more of it has come.
    unread: Vec<u8>,
    body: Vec<u8>,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expected {
    #[default]
    Head,
    /// This many bytes, the last of the body.
    Rest(u64),
    ChunkSize,
    /// This many bytes of this chunk.
    Chunk(u64),
    ChunkEnd,
    Trailers,
    /// All there is until the server closes.
    UntilClose,
    Nothing,
}

/// What a head says, as far as anybody here wants to know.
struct Head {
    status: StatusCode,
    retry_after_s: Option<u32>,
    zstd: bool,
    keeps_alive: bool,
}

impl Incoming {
    /// Takes the bytes that came; returns the answer when they complete it.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Option<Whole>, Lost> {
        if self.unread.is_empty() {
            let used = self.read(bytes)?;
            self.unread.extend_from_slice(&bytes[used..]);
        } else {
            self.unread.extend_from_slice(bytes);
            let mut joined = mem::take(&mut self.unread);
            let used = self.read(&joined)?;
            joined.drain(..used);
            self.unread = joined;
        }
        if self.expected != Expected::Nothing && self.unread.len() > HEAD_BYTES_MAX {
            return Err(Lost::because("an answer with an endless head"));
        }
        Ok(self.whole())
    }

    /// The server closed: that may be the end of the answer.
    pub fn end(&mut self) -> Option<Whole> {
        if self.expected != Expected::UntilClose {
            return None;
        }
        self.expected = Expected::Nothing;
        self.whole().map(|whole| Whole { is_reusable: false, ..whole })
    }

    fn whole(&mut self) -> Option<Whole> {
        let head = if self.expected == Expected::Nothing { self.head.take()? } else { return None };
        let Head { status, retry_after_s, zstd, keeps_alive } = head;
        // Bytes after the answer belong to no request.
        let is_reusable = keeps_alive && self.unread.is_empty();
        Some(Whole { answer: Answer { status, retry_after_s, zstd, body: mem::take(&mut self.body).into() }, is_reusable })
    }

    /// Reads as far as it can, and returns how far that is.
    fn read(&mut self, input: &[u8]) -> Result<usize, Lost> {
        let mut used = 0;
        while let Some(step) = self.step(&input[used..])? {
            used += step;
        }
        Ok(used)
    }

    /// Reads the next part; `None` if there is too little of it.
    fn step(&mut self, input: &[u8]) -> Result<Option<usize>, Lost> {
        match self.expected {
            Expected::Nothing => Ok(None),
            _ if input.is_empty() => Ok(None),
            Expected::Head => self.read_head(input),
            Expected::Rest(left) => {
                let (count, left) = self.append(input, left);
                self.expected = rest(left);
                Ok(Some(count))
            }
            Expected::ChunkSize => {
                let parsed = httparse::parse_chunk_size(input).map_err(|_| Lost::because("a chunk of no size"))?;
                let Status::Complete((length, size)) = parsed else { return Ok(None) };
                self.expected = if size == 0 { Expected::Trailers } else { Expected::Chunk(size) };
                Ok(Some(length))
            }
            Expected::Chunk(left) => {
                let (count, left) = self.append(input, left);
                self.expected = if left == 0 { Expected::ChunkEnd } else { Expected::Chunk(left) };
                Ok(Some(count))
            }
            Expected::ChunkEnd => {
                let Some(end) = input.get(..2) else { return Ok(None) };
                if end != b"\r\n" {
                    return Err(Lost::because("a chunk longer than its size"));
                }
                self.expected = Expected::ChunkSize;
                Ok(Some(2))
            }
            Expected::Trailers => {
                let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
                let Status::Complete((length, _)) = httparse::parse_headers(input, &mut headers)? else { return Ok(None) };
                self.expected = Expected::Nothing;
                Ok(Some(length))
            }
            Expected::UntilClose => {
                self.body.extend_from_slice(input);
                Ok(Some(input.len()))
            }
        }
    }

    /// Adds to the body what belongs to it; returns how much that was, and how much is left.
    fn append(&mut self, input: &[u8], left: u64) -> (usize, u64) {
        let count = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        self.body.extend_from_slice(&input[..count]);
        (count, left - count as u64)
    }

    fn read_head(&mut self, input: &[u8]) -> Result<Option<usize>, Lost> {
        let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
        let mut response = Response::new(&mut []);
        let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut response, input, &mut headers)?;
        let Status::Complete(length) = parsed else { return Ok(None) };
        let status = StatusCode::from_u16(response.code.unwrap_or_default()).map_err(|_| Lost::because("an answer of no status"))?;
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Lost::because("a change of protocols that nobody asked for"));
        }
        if status.is_informational() {
            // The answer is still to come.
            return Ok(Some(length));
        }
        let (head, expected) = Head::of(status, response.version == Some(1), response.headers)?;
        if let Expected::Rest(length) = expected {
            self.body.reserve_exact(length.min(BODY_ROOM_MAX) as usize);
        }
        (self.head, self.expected) = (Some(head), expected);
        Ok(Some(length))
    }
}

impl Head {
    /// What the headers say, and what comes behind them.
    fn of(status: StatusCode, is_http_1_1: bool, headers: &[Header]) -> Result<(Self, Expected), Lost> {
        let mut head = Self { status, retry_after_s: None, zstd: false, keeps_alive: is_http_1_1 };
        let (mut length, mut coding, mut closes) = (None, None, false);
        for Header { name, value } in headers {
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if is("content-length") {
                let given = decimal(value).ok_or_else(|| Lost::because("a length that is no number"))?;
                if length.replace(given).is_some_and(|earlier| earlier != given) {
                    return Err(Lost::because("two lengths"));
                }
            } else if is("transfer-encoding") {
                coding = value.rsplit(|byte| *byte == b',').next();
            } else if is("connection") {
                closes |= names(value, "close");
                head.keeps_alive |= names(value, "keep-alive");
            } else if is("retry-after") {
                head.retry_after_s = decimal(value).and_then(|seconds| seconds.try_into().ok());
            } else if is("content-encoding") {
                head.zstd = value.eq_ignore_ascii_case(b"zstd");
            }
        }
        head.keeps_alive &= !closes;
        let expected = match (coding, length) {
            _ if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED => Expected::Nothing,
            (Some(coding), _) if names(coding, "chunked") => Expected::ChunkSize,
            (None, Some(length)) => rest(length),
            _ => Expected::UntilClose,
        };
        Ok((head, expected))
    }
}

fn rest(length: u64) -> Expected {
    if length == 0 { Expected::Nothing } else { Expected::Rest(length) }
}

/// Whether a list of words has that one.
fn names(list: &[u8], word: &str) -> bool {
    list.split(|byte| *byte == b',').any(|entry| entry.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

fn decimal(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}
