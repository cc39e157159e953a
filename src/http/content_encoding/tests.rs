//! Bodies that are what their coding makes, and bodies that are not.

use std::io::Write;

use pretty_assertions::assert_eq;

use super::*;
use crate::budget::Budget;
use crate::client_address::ClientAddress;

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

fn plenty() -> Share {
    Budget::new(1 << 30, 1 << 30).share(ClientAddress::V6([0; 4]))
}

fn decode(coding: Coding, bytes: &[u8], bytes_max: usize) -> Result<Bytes, Problem> {
    super::decode(coding, bytes, bytes_max, &mut plenty())
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
        let mut share = plenty();
        let plain = match coding {
            Coding::Gzip => ungzip(&bomb, 1000, &mut share),
            Coding::Deflate => inflate(&bomb, 1000, &mut share),
            Coding::Brotli => unbrotli(&bomb, 1000, &mut share),
            Coding::Zstd => unzstd(&bomb, 1000, &mut share),
        };
        assert_eq!(plain.ok().map(|plain| plain.len()), Some(1001), "{coding:?}: no byte more than needed");
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
