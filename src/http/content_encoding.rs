//! Compressed request bodies: decoded up to the operation's body limit and no further, so that a few bytes never become gigabytes.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use poem::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use poem::http::{HeaderMap, HeaderValue};

use crate::budget::{Exceeded, Share};
use crate::off_runtime::off_runtime_if_large;
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::quoting::quoted;

/// The codings that a body may have, as `Accept-Encoding` lists them (RFC 7694).
pub(crate) const ACCEPTED: &str = "gzip, deflate, br, zstd";
/// The largest window of a zstd stream, as a power of two: what RFC 9659 allows on the web. The format alone would allow 2 GB.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// How much is decoded at a time.
const PIECE_BYTES: usize = 8192;
/// The first seven bits of a brotli stream with a window of up to 1 GB, which is not the `br` of HTTP (RFC 7932, 9.1).
const BROTLI_LARGE_WINDOW: u8 = 0x11;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    /// In the zlib format, as HTTP means it (RFC 9110, 8.4.1.2).
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// The body, decoded; the limit of `bytes_max` bytes applies to the result, too, and `share` holds it.
pub(crate) async fn decoded(headers: &HeaderMap, bytes: Bytes, bytes_max: usize, mut share: Share) -> Result<(Bytes, Share), Problem> {
    let Some(coding) = coding(headers)? else { return Ok((bytes, share)) };
    off_runtime_if_large(bytes_max, move || Ok((decode(coding, &bytes, bytes_max, &mut share)?, share))).await
}

/// The coding that the headers name, if any.
fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Problem> {
    let unknown = |name: &str| {
        let name = quoted(name);
        let detail = format!("the content coding {name} is not supported: send the body uncompressed, or with one of {ACCEPTED}");
        Problem::new(Code::UnsupportedMediaType, detail).with_header(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED))
    };
    let mut named = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        named.extend(value.to_str().map_err(|_| unknown("that was sent"))?.split(',').map(str::trim));
    }
    named.retain(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"));
    match named.as_slice() {
        [] => Ok(None),
        [name] => Coding::from_name(name).map(Some).ok_or_else(|| unknown(name)),
        // Nobody needs two codings, and a bomb compressed twice is a thousand times as large.
        several => Err(unknown(&several.join(", "))),
    }
}

/// Why a body cannot be decoded.
enum Failure {
    Broken(io::Error),
    NoMemory(Exceeded),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

fn decode(coding: Coding, bytes: &[u8], bytes_max: usize, share: &mut Share) -> Result<Bytes, Problem> {
    let failed = |failure| match failure {
        Failure::Broken(error) => Problem::invalid("body", format!("is not valid {}: {error}", coding.name())),
        Failure::NoMemory(exceeded) => exceeded.into(),
    };
    let plain = match coding {
        Coding::Gzip => ungzip(bytes, bytes_max, share),
        Coding::Deflate => inflate(bytes, bytes_max, share),
        Coding::Brotli => unbrotli(bytes, bytes_max, share),
        Coding::Zstd => unzstd(bytes, bytes_max, share),
    };
    match plain.map_err(failed)? {
        plain if plain.len() <= bytes_max => Ok(plain.into()),
        _ => Err(Problem::new(Code::BodyTooLarge, format!("the body may have at most {bytes_max} bytes when decoded"))),
    }
}

/// Reads up to one byte more than `bytes_max`, enough to detect that the limit is exceeded. Memory is held for what comes, not for what might.
fn read_within(decoder: &mut impl Read, bytes_max: usize, share: &mut Share) -> Result<Vec<u8>, Failure> {
    let mut decoder = decoder.take(u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1));
    let (mut plain, mut piece) = (Vec::new(), [0; PIECE_BYTES]);
    loop {
        let bytes = decoder.read(&mut piece)?;
        if bytes == 0 {
            return Ok(plain);
        }
        share.gather(&mut plain, &piece[..bytes], bytes_max).map_err(Failure::NoMemory)?;
    }
}

/// Checks that the stream ended where the body ends, unless it was cut off at the limit.
fn expect_end(plain: Vec<u8>, bytes_max: usize, is_at_end: bool) -> Result<Vec<u8>, Failure> {
    if is_at_end || plain.len() > bytes_max {
        Ok(plain)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "there is data after its end").into())
    }
}

/// Consecutive members are one body (RFC 1952, 2.2); the decoder refuses anything else after the last one.
fn ungzip(bytes: &[u8], bytes_max: usize, share: &mut Share) -> Result<Vec<u8>, Failure> {
    read_within(&mut MultiGzDecoder::new(bytes), bytes_max, share)
}

fn inflate(bytes: &[u8], bytes_max: usize, share: &mut Share) -> Result<Vec<u8>, Failure> {
    let mut decoder = ZlibDecoder::new(bytes);
    let plain = read_within(&mut decoder, bytes_max, share)?;
    expect_end(plain, bytes_max, decoder.into_inner().is_empty())
}

fn unbrotli(bytes: &[u8], bytes_max: usize, share: &mut Share) -> Result<Vec<u8>, Failure> {
    if bytes.first().is_some_and(|first| first & 0x7f == BROTLI_LARGE_WINDOW) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its window is too large").into());
    }
    let mut decoder = brotli::Decompressor::new(bytes, 4096);
    let plain = read_within(&mut decoder, bytes_max, share)?;
    // After the end, the decoder refuses what it has already read and leaves the rest unread.
    let is_at_end = matches!(decoder.read(&mut [0]), Ok(0)) && decoder.into_inner().is_empty();
    expect_end(plain, bytes_max, is_at_end)
}

/// Consecutive frames are one body (RFC 8878, 3.1); the decoder refuses anything else after the last one.
fn unzstd(bytes: &[u8], bytes_max: usize, share: &mut Share) -> Result<Vec<u8>, Failure> {
    if bytes.is_empty() {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    read_within(&mut decoder, bytes_max, share)
}

#[cfg(test)]
mod tests;
