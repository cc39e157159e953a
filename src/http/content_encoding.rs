//! Compressed request bodies: decoded up to the operation's body limit and no further, so that a few bytes never become gigabytes.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use poem::http::HeaderMap;
use poem::http::header::CONTENT_ENCODING;

use crate::problem::Problem;
use crate::problem::code::Code;

/// The codings that a body may have, as `Accept-Encoding` lists them (RFC 7694).
pub(crate) const ACCEPTED: &str = "gzip, deflate, br, zstd";
/// A body that decodes to at most this is decoded in place; a larger one would block the thread for too long.
const SMALL_BYTES: usize = 150_000;
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

/// The coding that the headers name, if any.
fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Problem> {
    if !headers.contains_key(CONTENT_ENCODING) {
        return Ok(None);
    }
    let unknown = |name: &str| {
        let detail = format!("the content coding {name} is not supported: send the body uncompressed, or with one of {ACCEPTED}");
        Problem::new(Code::UnsupportedMediaType, detail).with_accept_encoding(ACCEPTED)
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
mod tests {
    use std::io::Write;

    use pretty_assertions::assert_eq;

    use super::*;

    const ALL: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];

    fn encode(coding: Coding, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match coding {
            Coding::Gzip => flate2::write::GzEncoder::new(&mut out, flate2::Compression::best()).write_all(plain).unwrap(),
            Coding::Deflate => flate2::write::ZlibEncoder::new(&mut out, flate2::Compression::best()).write_all(plain).unwrap(),
            Coding::Brotli => brotli::CompressorWriter::new(&mut out, 4096, 9, 22).write_all(plain).unwrap(),
            Coding::Zstd => out = zstd::bulk::compress(plain, 3).unwrap(),
        }
        out
    }

    fn text() -> Vec<u8> {
        (0..2_000).flat_map(|number: u32| format!("seat {number}, ").into_bytes()).collect()
    }

    fn fault(coding: Coding, bytes: &[u8], bytes_max: usize) -> Code {
        decode(coding, bytes, bytes_max).expect_err("a refusal").code()
    }

    #[test]
    fn each_coding_gives_back_what_went_in_up_to_the_limit() {
        let plain = text();
        for coding in ALL {
            let bytes = encode(coding, &plain);
            assert_eq!(decode(coding, &bytes, plain.len()).unwrap(), plain, "{coding:?}");
            assert_eq!(fault(coding, &bytes, plain.len() - 1), Code::BodyTooLarge, "{coding:?}");
        }
    }

    #[test]
    fn a_stream_that_is_cut_off_garbled_or_followed_by_something_is_refused() {
        let plain = text();
        for coding in ALL {
            let bytes = encode(coding, &plain);
            for end in (0..64).chain((bytes.len() / 2)..(bytes.len() / 2 + 64)).chain((bytes.len() - 64)..bytes.len()) {
                assert_eq!(fault(coding, &bytes[..end], plain.len()), Code::InvalidRequest, "{coding:?}, cut off at {end}");
            }
            for rest in [&b"x"[..], &[0; 10_000]] {
                let followed = [&bytes, rest].concat();
                assert_eq!(fault(coding, &followed, plain.len()), Code::InvalidRequest, "{coding:?}, followed by {}", rest.len());
            }
            assert_eq!(fault(coding, b"{\"seats\": []}", 100), Code::InvalidRequest, "{coding:?}, but plain");
        }
    }

    #[test]
    fn parts_that_follow_each_other_are_one_body_where_the_format_says_so() {
        for coding in [Coding::Gzip, Coding::Zstd] {
            let twice = [encode(coding, b"one "), encode(coding, b"two")].concat();
            assert_eq!(decode(coding, &twice, 100).unwrap(), &b"one two"[..], "{coding:?}");
        }
    }

    /// Decoding many megabytes from a few kilobytes stops at the limit.
    #[test]
    fn a_bomb_is_given_up_at_the_limit() {
        let megabytes = vec![0; 64 << 20];
        for coding in ALL {
            let bomb = encode(coding, &megabytes);
            assert!(bomb.len() < 100_000, "{coding:?}: {} bytes", bomb.len());
            let plain = match coding {
                Coding::Gzip => ungzip(&bomb, 1000),
                Coding::Deflate => inflate(&bomb, 1000),
                Coding::Brotli => unbrotli(&bomb, 1000),
                Coding::Zstd => unzstd(&bomb, 1000),
            };
            assert_eq!(plain.unwrap().len(), 1001, "{coding:?}: no byte more than needed");
        }
    }

    #[test]
    fn windows_that_would_take_hundreds_of_megabytes_are_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(b"small").unwrap();
        assert_eq!(fault(Coding::Zstd, &encoder.finish().unwrap(), 100), Code::InvalidRequest);
        // The head of a large-window stream with 30 bits, and the same stream without it.
        assert_eq!(fault(Coding::Brotli, &[0x11, 0x1e, 0x03], 100), Code::InvalidRequest);
        assert_eq!(decode(Coding::Brotli, &encode(Coding::Brotli, b"small"), 100).unwrap(), &b"small"[..]);
    }

    #[test]
    fn codings_go_by_their_names_and_one_is_enough() {
        let named = |values: &[&str]| {
            let headers = values.iter().map(|value| (CONTENT_ENCODING, value.parse().unwrap()));
            coding(&headers.collect()).map_err(|problem| problem.code())
        };
        assert_eq!(named(&[]), Ok(None));
        for (name, expected) in [("gzip", Coding::Gzip), ("X-GZIP", Coding::Gzip), ("deflate", Coding::Deflate), ("br", Coding::Brotli)] {
            assert_eq!(named(&[name]), Ok(Some(expected)));
        }
        assert_eq!(named(&["identity, Zstd"]), Ok(Some(Coding::Zstd)));
        for plain in ["identity", "", " , "] {
            assert_eq!(named(&[plain]), Ok(None), "{plain}");
        }
        for unknown in ["compress", "gzip, gzip", "gzip;q=1", "aes128gcm", "*"] {
            assert_eq!(named(&[unknown]), Err(Code::UnsupportedMediaType), "{unknown}");
        }
        assert_eq!(named(&["gzip", "br"]), Err(Code::UnsupportedMediaType));
        let latin = HeaderMap::from_iter([(CONTENT_ENCODING, poem::http::HeaderValue::from_bytes(b"gz\xefp").unwrap())]);
        assert_eq!(coding(&latin).unwrap_err().code(), Code::UnsupportedMediaType);
    }
}
