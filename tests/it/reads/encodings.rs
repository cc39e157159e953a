//! Compressed answers: the same bodies in fewer bytes.

use std::io::Read;

use pretty_assertions::assert_eq;
use serde_json::json;

use super::reference_concert;
use crate::harness::{Answer, TestServer};

fn decode(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match encoding {
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).expect("gzip"),
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut plain).expect("brotli"),
        "zstd" => zstd::Decoder::new(bytes).and_then(|mut decoder| decoder.read_to_end(&mut plain)).expect("zstd"),
        other => panic!("{other}"),
    };
    plain
}

/// The body in the encoding that was asked for.
async fn encoded(server: &TestServer, path: &str, accept: &str) -> Answer {
    let answer = server.anyone().with("accept-encoding", accept).get(path).await;
    assert_eq!(answer.status, 200);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn every_encoding_carries_the_same_body_and_the_client_decides_which() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 200)]).await;
    for rest in ["sections", "sections/A/seats", "availability"] {
        let path = event.at(rest);
        let plain = server.anyone().get(&path).await;
        assert_eq!(plain.header("content-encoding"), None);
        assert_eq!(plain.header("content-type"), Some("application/json"));
        for encoding in ["gzip", "br", "zstd"] {
            let answer = encoded(&server, &path, encoding).await;
            assert_eq!(answer.header("content-encoding"), Some(encoding), "{path}");
            assert_eq!(decode(encoding, &answer.bytes), plain.bytes, "{path} as {encoding}");
        }
        let preferred = [
            ("gzip, deflate, br, zstd", Some("zstd")),
            ("gzip, br", Some("br")),
            ("gzip;q=1.0, br;q=0.5", Some("gzip")),
            ("zstd;q=0, gzip;q=0", None),
            ("deflate", None),
            ("identity", None),
        ];
        for (accept, expected) in preferred {
            assert_eq!(encoded(&server, &path, accept).await.header("content-encoding"), expected, "{path} for {accept}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_concert_fits_its_size_limits() {
    let server = TestServer::start().await;
    let event = server.event(reference_concert()).await;
    // A third of the seats off sale, scattered, is the worst case for a compressor.
    let scattered: Vec<_> = (1..=1000_u32).filter(|seat| seat.wrapping_mul(2_654_435_761) >> 16 & 3 == 0).collect();
    let block = format!("/v1/admin/events/{}/sections/A/block", event.id);
    server.admin().post(&block, &json!({"seats": scattered})).await.expect(200);

    let sections = event.at("sections");
    let summary = server.anyone().get(&sections).await;
    assert_eq!(summary.expect(200)["sections"].as_array().map(Vec::len), Some(10));
    // The names are the codes: longer names take more bytes.
    assert!(summary.bytes.len() < 1_024, "the summary has {} bytes", summary.bytes.len());
    for encoding in ["gzip", "br", "zstd"] {
        let answer = encoded(&server, &sections, encoding).await;
        assert!(answer.bytes.len() < 300, "the summary has {} bytes as {encoding}", answer.bytes.len());
    }
    let seats = event.at("sections/A/seats");
    let plain = server.anyone().get(&seats).await;
    assert_eq!(plain.expect(200)["seats"].as_array().map(Vec::len), Some(1000));
    assert!(plain.bytes.len() < 66_500, "the seats have {} bytes", plain.bytes.len());
    for encoding in ["gzip", "br", "zstd"] {
        let answer = encoded(&server, &seats, encoding).await;
        assert!(answer.bytes.len() < 6_000, "the seats have {} bytes as {encoding}", answer.bytes.len());
    }
    let availability = server.anyone().get(&event.at("availability")).await;
    availability.expect(200);
    assert!(availability.bytes.len() < 5_000, "the availability has {} bytes", availability.bytes.len());
}
