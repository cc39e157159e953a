//! Requests that are large because they may be: nobody else waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::harness::TestServer;

/// A tenth of it is what an optimized build needs on a machine that has nothing else to do.
const LIVE_MAX: Duration = Duration::from_secs(1);

/// Runs `work` and returns its result with the longest time that the server has taken meanwhile to say that it is alive.
async fn longest_wait<T>(server: &TestServer, work: impl Future<Output = T>) -> (T, Duration) {
    let is_over = Arc::new(AtomicBool::new(false));
    let (anyone, watched) = (server.anyone(), Arc::clone(&is_over));
    let watching = tokio::spawn(async move {
        let mut longest = Duration::ZERO;
        while !watched.load(Ordering::Relaxed) {
            let begun = Instant::now();
            anyone.get("/livez").await.expect(200);
            longest = longest.max(begun.elapsed());
        }
        longest
    });
    let result = work.await;
    is_over.store(true, Ordering::Relaxed);
    (result, watching.await.expect("no panic"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_selection_of_seats_holds_nobody_up() {
    const SEATS: i32 = 20_000;
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, SEATS)]).await;
    let seats: Vec<_> = (1..=10_000).map(|number| number * 2).collect();
    let ranges: Vec<_> = (0..1000).map(|number| json!({"from": 1 + number, "to": SEATS - number})).collect();
    let selection = json!({"seats": seats, "ranges": ranges}).to_string();
    // Spaces make it as large as it may be.
    let selection = format!("{selection}{}", " ".repeat(64 * 65_536 - selection.len()));
    let path = |verb: &str| format!("/v1/admin/events/{}/sections/A/{verb}", event.id);
    for verb in ["block", "unblock"] {
        let (answer, longest) = longest_wait(&server, server.admin().post_text(&path(verb), selection.clone())).await;
        assert_eq!(answer.expect(200)["changed"], SEATS, "{verb}");
        assert!(longest < LIVE_MAX, "{verb}: {longest:?}");
    }
    // Of many seats that stand in the way, as many are listed as anybody reads.
    let hold = "update rowlock.seats set status = 'held', order_id = gen_random_uuid() where event_id = $1";
    server.db.execute(hold, &[&event.id]).await.expect("held");
    let refused = server.admin().post_text(&path("block"), selection).await.problem(409, "seats_not_blockable");
    let listed = refused["seats"].as_array().expect("a list");
    assert_eq!((listed.len(), &listed[999]["seat"]), (1000, &1000.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_event_and_its_seat_maps_hold_nobody_up() {
    let server = TestServer::start().await;
    let rows: Vec<_> = (0..10_000).map(|number| json!({"row": number.to_string(), "seats": 20})).collect();
    let section = |code: &str| json!({"section": code, "name": code, "price_minor": 1, "rows": rows});
    let event = json!({"name": "Large", "currency": "TWD", "sections": [section("A"), section("B")]}).to_string();
    let event = format!("{event}{}", " ".repeat(64 * 65_536 - event.len()));
    let (created, longest) = longest_wait(&server, server.admin().post_text("/v1/events", event)).await;
    assert!(longest < LIVE_MAX, "created: {longest:?}");
    let path = format!("/v1/events/{}", created.expect(201)["event_id"]);
    for read in ["/sections/A/seats", "/availability"] {
        let reader = server.admin().with("accept-encoding", "gzip");
        let (answer, longest) = longest_wait(&server, reader.get(&format!("{path}{read}"))).await;
        assert_eq!(answer.status, 200, "{read}");
        assert!(longest < LIVE_MAX, "{read}: {longest:?}");
    }
}
