//! Somebody claims and cancels in turns, so that every map of the seats is out of date at once: maps are not made any more often for it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{TestServer, event_json};

const LASTS: Duration = Duration::from_secs(4);
/// How long a map is given to everybody.
const MAP_MS: u128 = 400;

#[tokio::test(flavor = "multi_thread")]
async fn claims_and_cancellations_in_turns_make_a_map_anew_no_more_than_two_or_three_times_a_second() {
    let server = TestServer::start().await;
    let mut event = event_json(&[("A", 1000, 100)]);
    event["cooldown_ms"] = json!(0);
    let event = server.event(event).await;
    let (alice, begun) = (server.customer("alice"), Instant::now());
    let playing = async {
        let mut turns = 0;
        while begun.elapsed() < LASTS {
            let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
            alice.cancel(&order).await.expect(200);
            turns += 1;
        }
        turns
    };
    let reading = async |path: String| {
        let (mut revisions, mut reads) = (BTreeSet::new(), 0);
        while begun.elapsed() < LASTS {
            revisions.insert(server.anyone().get(&path).await.expect(200)["revision"].as_i64());
            reads += 1;
        }
        (u128::try_from(revisions.len()).expect("few"), reads)
    };
    let (turns, seats, availability) = tokio::join!(playing, reading(event.at("sections/A/seats")), reading(event.at("availability")));
    let maps_max = begun.elapsed().as_millis() / MAP_MS + 1;
    for (cache, (revisions, reads)) in [("seats", seats), ("availability", availability)] {
        let loads = format!("rowlock_cache_reads_total{{cache=\"{cache}\",result=\"database\"}}");
        let loads = u128::from(server.metric(&loads).await);
        assert!(loads <= maps_max, "{cache}: made {loads} times in {LASTS:?}, at most {maps_max} expected");
        assert!(turns > maps_max && reads > 2 * maps_max, "{cache}: too slow to tell: {turns} turns, {reads} reads");
        assert!(revisions > maps_max / 2, "{cache}: {revisions} revisions were seen in {reads} reads");
    }
}
