//! The customer limit, with one customer on two servers at the same time.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::harness::{HOLD_CLAIMS, PATIENCE, TestServer, eventually};
use crate::stored::unhurried;

/// How many seats a customer may have, and how many each of two claims asks for: only one of them can succeed.
const LIMIT: i32 = 5;
const ASKED: i32 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_at_the_same_moment_sell_a_customer_no_more_than_the_limit() {
    let first = TestServer::start().await;
    let second = first.second().await;
    let mut event = unhurried(&[("A", 1000, 100), ("B", 1000, 100)]);
    event["seats_per_customer"] = LIMIT.into();
    let event = first.event(event).await;
    let seats = |from: i32| json!({"seats": (from..from + ASKED).map(|seat| json!({"section": "A", "seat": seat})).collect::<Vec<_>>()});
    let best = || json!({"best_available": {"section": "B", "quantity": ASKED}});
    for round in 0..6 {
        let name = format!("greedy-{round}");
        let from = 1 + round * 2 * ASKED;
        // Both name their seats, both let the server choose, and one of each.
        let claims = match round % 3 {
            0 => [seats(from), seats(from + ASKED)],
            1 => [best(), best()],
            _ => [seats(from), best()],
        };
        // When both may continue, each has read what the customer has, or waits to read it.
        first.db.batch_execute(HOLD_CLAIMS).await.expect("its lock");
        let [one, other] = [(&first, &claims[0]), (&second, &claims[1])].map(|(server, claim)| {
            let (customer, claim) = (server.customer(&name), claim.clone());
            tokio::spawn(async move { customer.claim(&event, claim).await })
        });
        let waiting = "select count(*) >= 2 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        eventually(PATIENCE, || second.ask::<bool>(waiting)).await;
        first.db.batch_execute("commit").await.expect("released");
        let (one, other) = (one.await.expect("no panic"), other.await.expect("no panic"));
        let (won, lost) = if one.status == 201 { (one, other) } else { (other, one) };
        won.expect(201);
        lost.problem(409, "customer_limit");
    }
    let most = "select max(seats) from (select sum(cardinality(seat_nos)) as seats from rowlock.orders group by customer_id) c";
    assert_eq!(first.ask::<i64>(most).await, i64::from(ASKED));
    first.assert_invariants().await;
}
