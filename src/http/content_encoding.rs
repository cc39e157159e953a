//! Compressed request bodies: decoded up to the operation's body limit and no further, so that a few bytes never become gigabytes.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use poem::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use poem::http::{HeaderMap, HeaderValue};

use crate::problem::Problem;
use crate::problem::code::Code;
use crate::reads::SMALL_BYTES;

/// The codings that a body may have, as `Accept-Encoding` lists them (RFC 7694).
pub(crate) const ACCEPTED: &str = "gzip, deflate, br, zstd";
/// The largest window of a zstd stream, as a power of two: what RFC 9659 allows on the web. The format alone would allow 2 GB.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
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

/// The body, decoded; the limit of `bytes_max` bytes applies to the result, too.
pub(crate) async fn decoded(headers: &HeaderMap, bytes: Bytes, bytes_max: usize) -> Result<Bytes, Problem> {
    let Some(coding) = coding(headers)? else { return Ok(bytes) };
    if bytes_max <= SMALL_BYTES {
        return decode(coding, &bytes, bytes_max);
    }
    let decoding = tokio::task::spawn_blocking(move || decode(coding, &bytes, bytes_max));
    decoding.await.unwrap_or_else(|error| Err(Problem::internal(error.to_string())))
}

/// Whether the body has to be decoded.
pub(crate) fn is_coded(headers: &HeaderMap) -> bool {
    coding(headers).is_ok_and(|coding| coding.is_some())
}

/// The coding that the headers name, if any.
fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Problem> {
    if !headers.contains_key(CONTENT_ENCODING) {
        return Ok(None);
    }
    let unknown = |name: &str| {
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

fn decode(coding: Coding, bytes: &[u8], bytes_max: usize) -> Result<Bytes, Problem> {
    let broken = |error: io::Error| Problem::invalid("body", format!("is not valid {}: {error}", coding.name()));
    let plain = match coding {
        Coding::Gzip => ungzip(bytes, bytes_max),
        Coding::Deflate => inflate(bytes, bytes_max),
        Coding::Brotli => unbrotli(bytes, bytes_max),
        Coding::Zstd => unzstd(bytes, bytes_max),
    };
    match plain.map_err(broken)? {
        plain if plain.len() <= bytes_max => Ok(plain.into()),
        _ => Err(Problem::new(Code::BodyTooLarge, format!("the body may have at most {bytes_max} bytes when decoded"))),
    }
}

/// Reads up to one byte more than `bytes_max`, enough to detect that the limit is exceeded.
fn read_within(decoder: &mut impl Read, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    decoder.take(u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1)).read_to_end(&mut plain)?;
    Ok(plain)
}

/// Checks that the stream ended where the body ends, unless it was cut off at the limit.
fn expect_end(plain: Vec<u8>, bytes_max: usize, is_at_end: bool) -> io::Result<Vec<u8>> {
    if is_at_end || plain.len() > bytes_max {
        Ok(plain)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "there is data after its end"))
    }
}

/// Consecutive members are one body (RFC 1952, 2.2); the decoder refuses anything else after the last one.
fn ungzip(bytes: &[u8], bytes_max: usize) -> io::Result<Vec<u8>> {
    read_within(&mut MultiGzDecoder::new(bytes), bytes_max)
}

fn inflate(bytes: &[u8], bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut decoder = ZlibDecoder::new(bytes);
    let plain = read_within(&mut decoder, bytes_max)?;
    expect_end(plain, bytes_max, decoder.into_inner().is_empty())
}

fn unbrotli(bytes: &[u8], bytes_max: usize) -> io::Result<Vec<u8>> {
    if bytes.first().is_some_and(|first| first & 0x7f == BROTLI_LARGE_WINDOW) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its window is too large"));
    }
    let mut decoder = brotli::Decompressor::new(bytes, 4096);
    let plain = read_within(&mut decoder, bytes_max)?;
    // After the end, the decoder refuses what it has already read and leaves the rest unread.
    let is_at_end = matches!(decoder.read(&mut [0]), Ok(0)) && decoder.into_inner().is_empty();
    expect_end(plain, bytes_max, is_at_end)
}

/// Consecutive frames are one body (RFC 8878, 3.1); the decoder refuses anything else after the last one.
fn unzstd(bytes: &[u8], bytes_max: usize) -> io::Result<Vec<u8>> {
    if bytes.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    read_within(&mut decoder, bytes_max)
}

#[cfg(test)]
mod tests;
