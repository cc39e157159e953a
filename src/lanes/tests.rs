use futures_util::FutureExt;
use uuid::Uuid;

use super::*;
use crate::domain::Wanted;
use crate::redis::RedisLink;

/// Lanes without PostgreSQL.
fn lanes(waiting_max: u32) -> Lanes {
    let endpoint = Endpoint::new("postgres://nobody@127.0.0.1:1/nothing", None).unwrap();
    let settings = LaneSettings { lanes: 2, batch_max: 1, waiting_max };
    Lanes::start(&endpoint, settings, &ExpiryQueue::new(RedisLink::off()), &Arc::new(Metrics::new()))
}

fn claim_of(customer_id: &str) -> ClaimRequest {
    let wanted = Wanted::BestAvailable { section_no: 1, quantity: 1 };
    ClaimRequest { event_id: 1, order_id: Uuid::now_v7(), customer_id: customer_id.into(), idempotency: None, wanted }
}

#[tokio::test]
async fn a_customer_has_no_more_claims_in_the_lanes_than_a_batch_and_nobody_else_suffers() {
    let lanes = lanes(1000);
    let mut claims: Vec<_> = (0..CHANGES_MAX).map(|_| Box::pin(lanes.claim(claim_of("alice")))).collect();
    for claim in &mut claims {
        assert!(futures_util::poll!(claim).is_pending());
    }
    assert_eq!(lanes.claim(claim_of("alice")).now_or_never(), Some(Err(LaneError::TooManyOwn)));
    assert_eq!(lanes.claim(claim_of("bob")).now_or_never(), None);
    claims.pop();
    assert_eq!(lanes.claim(claim_of("alice")).now_or_never(), None, "whoever goes away leaves room");
    assert_eq!(lanes.unconnected(), (4, 4));
}

#[tokio::test]
async fn the_workers_end_with_their_lanes_where_nobody_has_drained_them() {
    let lanes = lanes(1);
    let workers = lanes.workers.clone();
    assert_eq!(workers.len(), 2 * 2 * WORKERS);
    drop(lanes);
    workers.close();
    tokio::time::timeout(Duration::from_secs(10), workers.wait()).await.expect("they end");
}

#[test]
fn events_spread_evenly_over_all_lanes_and_each_keeps_its_own() {
    for count in [1, 4, 7] {
        let lanes: Vec<usize> = (0..count).collect();
        let mut events = vec![0; count];
        for event_id in 1..=700 {
            events[*lane_of(&lanes, event_id)] += 1;
            assert_eq!(lane_of(&lanes, event_id), lane_of(&lanes, event_id));
        }
        assert!(events.iter().all(|share| *share == 700 / count), "{count} lanes: {events:?}");
        for event_id in [i64::MIN, -1, 0, i64::MAX] {
            assert!(lanes.contains(lane_of(&lanes, event_id)));
        }
    }
}
