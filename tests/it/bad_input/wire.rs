//! Requests that are wrong before their values matter: paths, queries, methods, media types, sizes; and the request id.

use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use pretty_assertions::assert_eq;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{Caller, EventHandle, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn malformed_paths_and_queries_are_refused_by_name() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let (anyone, admin, alice) = (server.anyone(), server.admin(), server.customer("alice"));
    for id in ["0", "-1", "+1", "x", "1.0", "9223372036854775808", "%00", "1%00"] {
        anyone.get(&format!("/v1/events/{id}")).await.invalid("event_id");
        anyone.get(&format!("/v1/events/{id}/sections")).await.invalid("event_id");
        anyone.get(&format!("/v1/events/{id}/sections/A/seats")).await.invalid("event_id");
        anyone.get(&format!("/v1/events/{id}/availability")).await.invalid("event_id");
        alice.get(&format!("/v1/events/{id}/orders")).await.invalid("event_id");
        admin.get(&format!("/v1/admin/events/{id}/sales")).await.invalid("event_id");
    }
    for id in ["x", "01980f2e-4c7a-7bd2-a6f3", "01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e81g", "%00"] {
        alice.get(&event.at(&format!("orders/{id}"))).await.invalid("order_id");
        alice.delete(&event.at(&format!("orders/{id}"))).await.invalid("order_id");
        admin.post_nothing(&format!("/v1/admin/dead-letters/{}/{id}/redrive", event.id)).await.invalid("order_id");
        alice.get(&event.at(&format!("orders?after={id}"))).await.invalid("after");
    }
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    let canonical = order["order_id"].as_str().expect("an id");
    alice.get(&event.at(&format!("orders/{}", canonical.to_uppercase()))).await.expect(200);
    for other in [format!("%7B{canonical}%7D"), format!("urn:uuid:{canonical}"), canonical.replace('-', "")] {
        let refused = alice.get(&event.at(&format!("orders/{other}"))).await.invalid("order_id");
        let expected = "must be a UUID with its hyphens, such as 01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e812";
        assert_eq!(refused["detail"], format!("order_id {expected}"), "{other}");
        let refused = alice.get(&event.at(&format!("orders?after={other}"))).await.invalid("after");
        assert_eq!(refused["detail"], format!("after {expected}"), "{other}");
        let mut notice = server.gateway().notice(&order);
        notice["order_id"] = json!(other.replace("%7B", "{").replace("%7D", "}"));
        assert_eq!(server.gateway().notify(notice).await.invalid("order_id")["detail"], format!("order_id {expected}"), "{other}");
    }
    for limit in ["0", "101", "-1", "x", "1.5", "99999999999", ""] {
        let refused = anyone.get(&format!("/v1/events?limit={limit}")).await.invalid("limit");
        assert_eq!(refused["detail"], "limit must be a whole number from 1 to 100", "{limit}");
        alice.get(&event.at(&format!("orders?limit={limit}"))).await.invalid("limit");
        admin.get(&format!("/v1/admin/events/{}/orders?limit={limit}", event.id)).await.invalid("limit");
    }
    let refused = anyone.get("/v1/events?after=-1").await.invalid("after");
    assert_eq!(refused["detail"], "after must be a whole number from 1 to 9223372036854775807");
    anyone.get("/v1/events?after=x").await.invalid("after");
    admin.get(&format!("/v1/admin/events/{}/orders?status=lost", event.id)).await.invalid("status");
    admin.get("/v1/admin/dead-letters?event_id=x").await.invalid("event_id");
    anyone.get(&event.at("sections/%00/seats")).await.problem(404, "section_not_found");
    anyone.get(&event.at("sections/A%20B/seats")).await.problem(404, "section_not_found");
}

/// Every operation that takes a body, with somebody who may call it.
fn with_bodies(server: &TestServer, event: &EventHandle) -> Vec<(Caller, Method, String)> {
    let admin = |rest: &str| format!("/v1/admin/events/{}/{rest}", event.id);
    vec![
        (server.admin(), Method::POST, "/v1/events".to_owned()),
        (server.admin(), Method::PATCH, event.path()),
        ((*server.customer("alice")).clone(), Method::POST, event.at("orders")),
        (server.admin(), Method::POST, admin("sections/A/block")),
        (server.admin(), Method::POST, admin("sections/A/unblock")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_json_or_not_sent_as_json_are_refused() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let before = server.trace().await;
    for (caller, method, path) in with_bodies(&server, &event) {
        let request = || caller.request(method.clone(), &path);
        for body in ["", "{", "{\"name\": }", "\u{feff}{}", "{\"a\": \"\\ud800\"}", "{\"a\": 1, \"a\": 1}", &"[".repeat(5_000)] {
            caller.send(request().header("content-type", "application/json").body(body.to_owned())).await.invalid("body");
        }
        let binary = request().header("content-type", "application/json").body(vec![0xff, 0xfe, 0x00]);
        caller.send(binary).await.invalid("body");
        let others = ["text/plain", "application/x-www-form-urlencoded", "application/problem+json", "application/json; charset=latin1"];
        for media_type in others {
            let answer = caller.send(request().header("content-type", media_type).body("{}")).await;
            answer.problem(415, "unsupported_media_type");
        }
        let twice = request().header("content-type", "application/json").header("content-type", "application/json").body("{}");
        let refused = caller.send(twice).await.problem(415, "unsupported_media_type");
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("more than once")), "{refused}");
        caller.send(request().header("content-type", "Application/JSON; Charset=UTF-8").body("[]")).await.invalid("body");
        caller.send(request().body("{}")).await.problem(415, "unsupported_media_type");
    }
    let gateway = server.gateway().sign(&json!({}));
    let mut request = server.anyone().request(Method::POST, "/v1/payments").header("content-type", "text/plain");
    for (name, value) in &gateway.headers {
        request = request.header(*name, value);
    }
    server.anyone().send(request.body(gateway.body)).await.problem(415, "unsupported_media_type");
    assert_eq!(server.trace().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_whether_or_not_it_says_how_large_it_is() {
    let server = TestServer::builder().arg("--body-max-bytes", 1024).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let before = server.trace().await;
    for (caller, method, path) in with_bodies(&server, &event) {
        // Bodies that may list every row or seat of an event may be 64 times as large.
        let may_be_large = path == "/v1/events" || path.ends_with("block");
        let bytes_max = if may_be_large { 65_536 } else { 1024 };
        let request = |body: reqwest::Body| caller.request(method.clone(), &path).header("content-type", "application/json").body(body);
        let sized = |bytes: usize| reqwest::Body::from(format!("\"{}\"", "x".repeat(bytes - 2)));
        let chunked = |bytes: usize| {
            let text = format!("\"{}\"", "x".repeat(bytes - 2));
            let chunks: Vec<_> = text.into_bytes().chunks(500).map(Bytes::copy_from_slice).collect();
            let frames = chunks.into_iter().map(|chunk| Ok::<_, std::io::Error>(Frame::data(chunk)));
            reqwest::Body::wrap(StreamBody::new(futures_util::stream::iter(frames)))
        };
        caller.send(request(sized(bytes_max))).await.invalid("body");
        caller.send(request(sized(bytes_max + 1))).await.problem(413, "body_too_large");
        caller.send(request(chunked(bytes_max))).await.invalid("body");
        caller.send(request(chunked(bytes_max + 1))).await.problem(413, "body_too_large");
    }
    let large = server.gateway().sign_bytes(vec![b' '; 1025], time::OffsetDateTime::now_utc());
    server.gateway().raw(&large.headers, large.body).await.problem(413, "body_too_large");
    assert_eq!(server.trace().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_wrong_methods_are_problems_too() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    for path in ["/v1", "/v1/nothing", "/v2/events", "/v1/events/1/nothing", "/favicon.ico", "/v1/events/1/orders/x/y"] {
        server.anyone().get(path).await.problem(404, "not_found");
    }
    let order = event.at(&format!("orders/{}", Uuid::now_v7()));
    let wrong = [
        (Method::DELETE, "/v1/events".to_owned(), "GET, POST"),
        (Method::PUT, event.path(), "DELETE, GET, PATCH"),
        (Method::POST, event.at("sections"), "GET"),
        (Method::PUT, order, "DELETE, GET, PATCH"),
        (Method::GET, "/v1/payments".to_owned(), "POST"),
        (Method::POST, "/readyz".to_owned(), "GET"),
    ];
    for (method, path, allowed) in wrong {
        let anyone = server.anyone();
        let answer = anyone.send(anyone.request(method.clone(), &path)).await;
        answer.problem(405, "method_not_allowed");
        let mut allow: Vec<_> =
            answer.header("allow").expect("an Allow header").split(',').map(str::trim).filter(|it| *it != "HEAD").collect();
        allow.sort_unstable();
        assert_eq!(allow.join(", "), allowed, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_names_its_request_and_keeps_a_good_name_it_was_given() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    for path in ["/livez".to_owned(), event.at("sections"), "/nowhere".to_owned(), "/v1/events/x".to_owned(), event.at("orders")] {
        let named = server.anyone().with("x-request-id", "trace-42").get(&path).await;
        assert_eq!(named.header("x-request-id"), Some("trace-42"), "{path}");
        if named.status >= 400 {
            assert_eq!(named.body["request_id"], "trace-42", "{path}");
        }
        for bad in ["two words", &"x".repeat(129)] {
            let renamed = server.anyone().with("x-request-id", bad).get(&path).await;
            assert_ne!(renamed.header("x-request-id"), Some(bad), "{path}");
        }
        let (one, two) = (server.anyone().get(&path).await, server.anyone().get(&path).await);
        assert_ne!(one.header("x-request-id"), two.header("x-request-id"), "{path}");
    }
}
