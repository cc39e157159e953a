//! Unexpected bodies, and compressed bodies.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http_body_util::StreamBody;
use hyper::body::Frame;
use pretty_assertions::assert_eq;
use reqwest::{Body, Method, RequestBuilder};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::queries::path_of;
use crate::harness::{Answer, Caller, Document, Operation, TestServer, event_json};

/// A body whose length is not announced.
fn chunked(text: &str) -> Body {
    let chunks: Vec<_> = text.as_bytes().chunks(10).map(Bytes::copy_from_slice).collect();
    let frames = chunks.into_iter().map(|chunk| Ok::<_, std::io::Error>(Frame::data(chunk)));
    Body::wrap(StreamBody::new(futures_util::stream::iter(frames)))
}

/// The operations below `/v1/` that take no body.
fn without_body() -> Vec<Operation<'static>> {
    let operations = Document::published().operations().into_iter();
    let bare: Vec<_> =
        operations.filter(|operation| operation.path.starts_with("/v1/") && operation.json["requestBody"].is_null()).collect();
    assert!(bare.len() >= 13, "only {} operations", bare.len());
    bare
}

fn call(caller: &Caller, operation: &Operation<'_>) -> RequestBuilder {
    caller.request(operation.method.to_uppercase().parse().expect("a method"), &path_of(operation.path))
}

/// The client sends no body of unknown length with a GET unless it is told to.
fn in_chunks(request: RequestBuilder, text: &str) -> RequestBuilder {
    request.header("transfer-encoding", "chunked").body(chunked(text))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_without_a_body_refuses_one() {
    let server = TestServer::start().await;
    let before = server.trace().await;
    for operation in without_body() {
        let caller = match operation.scheme() {
            Some("CustomerToken") => (*server.customer("alice")).clone(),
            _ => server.admin(),
        };
        let request = || call(&caller, &operation);
        for full in [request().body("{}"), in_chunks(request(), "{}")] {
            let refused = caller.send(full).await.invalid("body");
            assert_eq!(refused["detail"], "body must be absent: this operation takes none", "{}", operation.id());
        }
        for nothing in [request().body(""), in_chunks(request(), "")] {
            let answer = caller.send(nothing).await;
            assert_ne!(answer.body["field"], "body", "{}: {}", operation.id(), answer.text());
        }
    }
    assert_eq!(server.trace().await, before);
}

/// Who may not call is told that first, whatever else is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_where_none_is_taken_is_no_matter_before_it_is_known_who_calls() {
    let server = TestServer::start().await;
    for operation in without_body() {
        let needs_credentials = operation.scheme().is_some() && !operation.needs_no_credentials();
        let of_anyone = if needs_credentials { (401, "unauthorized") } else { (400, "invalid_request") };
        // A key that may be left out must be good if it is sent.
        let forger = server.bearer("not.a.token").with("x-api-key", "not a key");
        for (stranger, (status, code)) in [(server.anyone(), of_anyone), (forger, (401, "unauthorized"))] {
            for full in [call(&stranger, &operation).body("{}"), in_chunks(call(&stranger, &operation), "{}")] {
                stranger.send(full).await.problem(status, code);
            }
        }
    }
}

/// Such a request once cancelled the whole order of a customer who meant to give back one seat.
#[tokio::test(flavor = "multi_thread")]
async fn seats_in_the_body_of_a_cancellation_cancel_nothing() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
    let path = event.at(&format!("orders/{}", order["order_id"].as_str().expect("an id")));
    let delete = |body: Body| alice.request(Method::DELETE, &path).header("content-type", "application/json").body(body);
    let one = json!({"seats": [{"section": "A", "seat": 1}]}).to_string();
    alice.send(delete(Body::from(one.clone()))).await.invalid("body");
    alice.send(delete(chunked(&one))).await.invalid("body");
    // Much more than is read with the head of the request: the answer still arrives, and the connection can be reused.
    alice.send(delete(Body::from(vec![b' '; 1 << 20]))).await.invalid("body");
    assert_eq!(alice.order(&order).await.expect(200)["status"], "pending_payment");
    alice.send(delete(chunked(""))).await.expect(200);
    assert_eq!(alice.order(&order).await.expect(200)["status"], "cancelled");
}

/// Each coding by name, with its encoder.
fn compressed(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(text.as_bytes()).expect("into memory");
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(text.as_bytes()).expect("into memory");
    let mut brotli = Vec::new();
    brotli::CompressorWriter::new(&mut brotli, 4096, 5, 22).write_all(text.as_bytes()).expect("into memory");
    vec![
        ("gzip", gzip.finish().expect("into memory")),
        ("deflate", zlib.finish().expect("into memory")),
        ("br", brotli),
        ("zstd", zstd::bulk::compress(text.as_bytes(), 3).expect("into memory")),
    ]
}

async fn post(caller: &Caller, path: &str, coding: &str, body: Vec<u8>) -> Answer {
    let request = caller.request(Method::POST, path).header("content-type", "application/json").header("content-encoding", coding);
    caller.send(request.body(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_bodies_are_understood() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let alice = server.customer("alice");
    for (seat, coding) in (1..).zip(["gzip", "deflate", "br", "zstd"]) {
        let claim = json!({"seats": [{"section": "A", "seat": seat}]}).to_string();
        let (_, body) = compressed(&claim).into_iter().find(|(name, _)| *name == coding).expect("known");
        let order = post(&alice, &event.at("orders"), coding, body).await.expect(201);
        assert_eq!(order["seats"][0]["seat"], seat, "{coding}");
    }
    // A large event, whose body is decoded on a separate thread.
    let mut large = event_json(&[]);
    let rows: Vec<_> = (0..10_000).map(|row| json!({"row": row.to_string(), "seats": 1})).collect();
    large["sections"] = json!([{"section": "A", "name": "A", "price_minor": 1, "rows": rows}]);
    for (coding, body) in compressed(&large.to_string()) {
        assert!(body.len() < 65_536, "{coding}: {}", body.len());
        let created = post(&server.admin(), "/v1/events", coding, body).await.expect(201);
        assert_eq!(created["sections"][0]["capacity"], 10_000, "{coding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_once_it_is_decoded_is_refused() {
    let server = TestServer::builder().arg("--body-max-bytes", 1024).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let before = server.trace().await;
    let padded = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    for (path, bytes_max) in [(event.at("orders"), 1024), ("/v1/events".to_owned(), 65_536)] {
        let caller = if bytes_max == 1024 { (*server.customer("alice")).clone() } else { server.admin() };
        for (coding, body) in compressed(&padded(bytes_max)) {
            post(&caller, &path, coding, body).await.invalid("body");
        }
        for bytes in [bytes_max + 1, 32 << 20] {
            for (coding, body) in compressed(&padded(bytes)) {
                let refused = post(&caller, &path, coding, body).await.problem(413, "body_too_large");
                assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(&bytes_max.to_string())), "{refused}");
            }
        }
    }
    assert_eq!(server.trace().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_what_its_coding_makes_is_refused_and_unknown_codings_are_named() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let (alice, path) = (server.customer("alice"), event.at("orders"));
    let claim = json!({"seats": [{"section": "A", "seat": 1}]}).to_string();
    for (coding, body) in compressed(&claim) {
        post(&alice, &path, coding, body[..body.len() - 1].to_vec()).await.invalid("body");
        post(&alice, &path, coding, [&body[..], b"x"].concat()).await.invalid("body");
        post(&alice, &path, coding, claim.clone().into_bytes()).await.invalid("body");
        post(&alice, &path, coding, vec![]).await.invalid("body");
    }
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
    raw.write_all(claim.as_bytes()).expect("into memory");
    post(&alice, &path, "deflate", raw.finish().expect("into memory")).await.invalid("body");

    let gzip = compressed(&claim).remove(0).1;
    for unknown in ["compress", "gzip, br", "snappy", "exi"] {
        let answer = post(&alice, &path, unknown, gzip.clone()).await;
        let refused = answer.problem(415, "unsupported_media_type");
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(unknown) && detail.contains("zstd")), "{refused}");
        assert_eq!(answer.header("accept-encoding"), Some("gzip, deflate, br, zstd"));
    }
    let media_type = alice.request(Method::POST, &path).header("content-type", "text/plain").body(claim.clone());
    assert_eq!(alice.send(media_type).await.header("accept-encoding"), None, "that is not what is wrong");
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.orders").await, 0);
    post(&alice, &path, "identity", claim.into_bytes()).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_signed_as_it_is_sent() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let gateway = server.gateway();
    for (seat, coding) in (1..).zip(["gzip", "deflate", "br", "zstd"]) {
        let order = server.customer("alice").claim_seats(&event, &[("A", seat)]).await.expect(201);
        let notice = gateway.notice(&order).to_string();
        let (_, body) = compressed(&notice).into_iter().find(|(name, _)| *name == coding).expect("known");
        let now = OffsetDateTime::now_utc();
        let encoded = [("content-encoding", coding.to_owned())];
        let over_plain = gateway.sign_bytes(notice.into_bytes(), now);
        let forged = gateway.raw(&[&over_plain.headers[..], &encoded].concat(), body.clone()).await;
        forged.problem(401, "invalid_signature");
        let over_sent = gateway.sign_bytes(body.clone(), now);
        let paid = gateway.raw(&[&over_sent.headers[..], &encoded].concat(), body).await.expect(200);
        assert_eq!(paid["outcome"], "paid", "{coding}");
    }
    // What nobody signed is not even decoded.
    let forged = [("content-encoding", "compress".to_owned()), ("webhook-id", Uuid::now_v7().to_string())];
    gateway.raw(&forged, Value::Null.to_string().into_bytes()).await.problem(401, "invalid_signature");
}
