//! What buyers read: sections, seats, all seats of an event; how small, how fresh, how cached.

mod encodings;
mod ping_pong;
mod redis;
mod slow;

use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::harness::{EventHandle, PATIENCE, TestServer, event_json, eventually};

/// How far any read may be behind the database.
const STALE_MAX_MS: u128 = 500;

/// One concert, 10 sections × 1,000 seats.
fn reference_concert() -> Value {
    let sections: Vec<_> = ('A'..='J')
        .map(|code| json!({"section": code.to_string(), "name": code.to_string(), "price_minor": 280_000, "seats": 1000, "row_length": 50}))
        .collect();
    json!({"name": "Reference", "currency": "TWD", "seats_per_customer": 1000, "sections": sections})
}

/// Reads until the answer satisfies `is_fresh`, which every answer to a request later than 500 ms after `since` must do.
async fn fresh_in_time(server: &TestServer, path: &str, since: Instant, is_fresh: impl Fn(&Value) -> bool) {
    loop {
        let asked = since.elapsed().as_millis();
        let body = server.anyone().get(path).await.expect(200);
        if is_fresh(&body) {
            return;
        }
        assert!(asked <= STALE_MAX_MS, "{path}: {asked} ms after the change still {body}");
    }
}

/// Five seats: available, held, sold, blocked, held.
async fn mixed_event(server: &TestServer) -> EventHandle {
    let event = server.event(event_json(&[("A", 1000, 5), ("B", 2000, 4)])).await;
    let customer = server.customer("alice");
    customer.claim_seats(&event, &[("A", 2), ("A", 5)]).await.expect(201);
    let order = customer.claim_seats(&event, &[("A", 3)]).await.expect(201);
    server.gateway().pay(&order).await.expect(200);
    let block = format!("/v1/admin/events/{}/sections/A/block", event.id);
    server.admin().post(&block, &json!({"seats": [4]})).await.expect(200);
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sections_show_prices_and_how_many_seats_are_available() {
    let server = TestServer::start().await;
    let event = mixed_event(&server).await;
    let mut body = server.anyone().get(&event.at("sections")).await.expect(200);
    assert!(body["revision"].take().as_i64().is_some_and(|revision| revision > 0));
    let expected = json!({"event_id": event.id, "revision": null, "sections": [
        {"section": "A", "name": "Section A", "price_minor": 1000, "currency": "TWD", "capacity": 5, "available": 1},
        {"section": "B", "name": "Section B", "price_minor": 2000, "currency": "TWD", "capacity": 4, "available": 4},
    ]});
    assert_eq!(body, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seats_show_where_each_one_stands() {
    let server = TestServer::start().await;
    let event = mixed_event(&server).await;
    let mut body = server.anyone().get(&event.at("sections/A/seats")).await.expect(200);
    assert!(body["revision"].take().as_i64().is_some_and(|revision| revision > 0));
    let seat = |seat: i32, status: &str| json!({"seat": seat, "row": "1", "price_minor": 1000, "status": status});
    let seats = json!([seat(1, "available"), seat(2, "held"), seat(3, "sold"), seat(4, "blocked"), seat(5, "held")]);
    assert_eq!(body, json!({"event_id": event.id, "section": "A", "revision": null, "seats": seats}));
    server.anyone().get(&event.at("sections/Z/seats")).await.problem(404, "section_not_found");
    server.anyone().get(&event.at("sections/a/seats")).await.problem(404, "section_not_found");
}

/// A newer version may add a status: a server that does not know it must not show such a seat as any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_seat_in_an_unknown_status_is_not_shown_as_blocked() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 4)]).await;
    server.db.batch_execute("alter type rowlock.seat_status add value 'reserved'").await.expect("a status more");
    server.db.batch_execute("update rowlock.seats set status = 'reserved' where seat_no = 2").await.expect("planted");
    for rest in ["sections/A/seats", "availability"] {
        server.anyone().get(&event.at(rest)).await.problem(500, "internal_error");
    }
    assert_eq!(server.ask::<String>("select seats from admin.seat_map").await, "a?aa");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_event_takes_two_bits_a_seat() {
    let server = TestServer::start().await;
    let event = mixed_event(&server).await;
    let body = server.anyone().get(&event.at("availability")).await.expect(200);
    let section = |index: usize| {
        let section = &body["sections"][index];
        let bits = STANDARD.decode(section["seats"].as_str().expect("base64")).expect("base64");
        (section["section"].clone(), section["capacity"].clone(), bits)
    };
    assert_eq!(section(0), (json!("A"), json!(5), vec![0b11_10_01_00, 0b00_00_00_01]));
    assert_eq!(section(1), (json!("B"), json!(4), vec![0]));
    assert_eq!(body["event_id"], event.id);
    let revisions: i64 = (0..2).map(|index| body["sections"][index]["revision"].as_i64().expect("a revision")).sum();
    assert_eq!(body["revision"], revisions);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_of_any_server_is_more_than_half_a_second_behind_a_claim() {
    let server = TestServer::start().await;
    let second = server.second().await;
    let event = server.small_event(&[("A", 1000, 40), ("B", 1000, 10)]).await;
    let paths = ["sections", "sections/A/seats", "availability"].map(|rest| event.at(rest));
    for seat in 1..=3 {
        // Warm every cache, so that what follows is as stale as it can be.
        for path in &paths {
            server.anyone().get(path).await.expect(200);
            second.anyone().get(path).await.expect(200);
        }
        server.customer("alice").claim_seats(&event, &[("A", seat)]).await.expect(201);
        let claimed = Instant::now();
        let index = usize::try_from(seat - 1).expect("small");
        let counted = move |body: &Value| body["sections"][0]["available"] == 40 - seat;
        let listed = move |body: &Value| body["seats"][index]["status"] == "held";
        let packed = move |body: &Value| {
            let bits = STANDARD.decode(body["sections"][0]["seats"].as_str().expect("base64")).expect("base64");
            (bits[0] >> (2 * index)) & 0b11 == 0b01
        };
        tokio::join!(
            fresh_in_time(&server, &paths[0], claimed, counted),
            fresh_in_time(&second, &paths[0], claimed, counted),
            fresh_in_time(&server, &paths[1], claimed, listed),
            fresh_in_time(&second, &paths[1], claimed, listed),
            fresh_in_time(&server, &paths[2], claimed, packed),
            fresh_in_time(&second, &paths[2], claimed, packed),
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_the_body_already_gets_304_until_something_changes() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    for (seat, rest) in (1..).zip(["sections", "sections/A/seats", "availability"]) {
        let path = event.at(rest);
        let first = server.anyone().get(&path).await;
        first.expect(200);
        let tag = first.header("etag").expect("a tag").to_owned();
        for asked in [tag.clone(), format!("\"another\", {tag}"), "*".to_owned(), tag.trim_start_matches("W/").to_owned()] {
            let unchanged = server.anyone().with("if-none-match", &asked).get(&path).await;
            unchanged.expect(304);
            assert_eq!((unchanged.bytes.len(), unchanged.header("etag")), (0, Some(tag.as_str())), "{asked}");
            assert_eq!(unchanged.header("cache-control"), first.header("cache-control"));
        }
        server.anyone().with("if-none-match", "W/\"another\"").get(&path).await.expect(200);

        server.customer("alice").claim_seats(&event, &[("A", seat)]).await.expect(201);
        let changed = eventually(PATIENCE, || async {
            let answer = server.anyone().with("if-none-match", &tag).get(&path).await;
            (answer.status == 200).then_some(answer)
        })
        .await;
        assert_ne!(changed.header("etag"), Some(tag.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cached_bodies_ask_to_be_checked_each_time_and_everything_else_is_kept_by_nobody() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    for rest in ["sections", "sections/A/seats", "availability"] {
        let answer = server.anyone().get(&event.at(rest)).await;
        assert_eq!(answer.header("cache-control"), Some("no-cache, max-age=0"), "{rest}");
        assert!(answer.header("vary").is_some_and(|vary| vary.eq_ignore_ascii_case("accept-encoding")), "{rest}");
    }
    let private =
        [server.customer("alice").orders(&event).await, server.anyone().get("/v1/nowhere").await, server.anyone().get("/readyz").await];
    for answer in private {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
    }
}

/// What a server has read a moment ago it answers from its memory, and counts that.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_from_memory_is_counted() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    for (cache, path) in [("summary", "sections"), ("seats", "sections/A/seats"), ("availability", "availability")] {
        let counted = format!("rowlock_cache_reads_total{{cache=\"{cache}\",result=\"memory\"}}");
        eventually(PATIENCE, || async {
            server.anyone().get(&event.at(path)).await.expect(200);
            server.anyone().get("/metrics").await.text().lines().any(|line| line.starts_with(&counted))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_many_buyers_become_few_questions_to_the_database() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 100)]).await;
    let begun = Instant::now();
    crate::harness::rivals(200, |index| {
        let (anyone, path) = (server.anyone(), event.at(["sections", "sections/A/seats"][index % 2]));
        async move { anyone.get(&path).await.expect(200) }
    })
    .await;
    let metrics = server.anyone().get("/metrics").await.text();
    for cache in ["summary", "seats"] {
        let series = format!("rowlock_cache_reads_total{{cache=\"{cache}\",result=\"database\"}} ");
        let asked: u128 = metrics.lines().find_map(|line| line.strip_prefix(&series)).expect("counted").parse().expect("a count");
        // One load per lifetime of 200 ms, however many readers.
        assert!(asked <= 1 + begun.elapsed().as_millis() / 150, "{asked} questions about {cache} in {:?}", begun.elapsed());
    }
}
