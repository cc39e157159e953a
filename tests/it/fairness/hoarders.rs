//! Four ways to keep a hundred seats from everybody else, as they were tried: while an attack lasts, honest buyers get theirs.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::{Customer, EventHandle, TestServer, event_json};

const SEATS: i32 = 100;
const ATTACK: Duration = Duration::from_secs(20);
const HONEST: usize = 20;

/// Who hoards, and how.
#[derive(Clone, Copy, Debug)]
struct Attack {
    attackers: i32,
    /// Whether orders are cancelled and claimed again at once, or left to expire.
    cancels: bool,
}

/// Claims as many seats as there are, again and again.
async fn hoard(attacker: Customer, event: EventHandle, attack: Attack, until: Instant) {
    let quantity = SEATS / attack.attackers;
    while Instant::now() < until {
        let claimed = attacker.best_available(&event, "A", quantity).await;
        if claimed.status == 201 && attack.cancels {
            attacker.cancel(&claimed.body).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Asks for one seat every 100 ms; true once it got and paid it.
async fn buy(server: &TestServer, buyer: Customer, event: EventHandle, until: Instant) -> bool {
    while Instant::now() < until {
        let claimed = buyer.best_available(&event, "A", 1).await;
        if claimed.status == 201 {
            return server.gateway().pay(&claimed.body).await.body["outcome"] == "paid";
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

/// How many of the honest buyers got their seat.
async fn served(server: &TestServer, attack: Attack) -> usize {
    let mut event = event_json(&[("A", 1000, SEATS)]);
    event["window_ms"] = json!(2000);
    event["seats_per_customer"] = json!(SEATS);
    let event = server.event(event).await;
    let until = Instant::now() + ATTACK;
    let attackers: Vec<_> = (0..attack.attackers)
        .map(|number| tokio::spawn(hoard(server.customer(&format!("hoarder-{number}")), event, attack, until)))
        .collect();
    let honest = (0..HONEST).map(|number| buy(server, server.customer(&format!("honest-{number}")), event, until));
    let served = join_all(honest).await.into_iter().filter(|served| *served).count();
    attackers.iter().for_each(|attacker| attacker.abort());
    served
}

#[tokio::test(flavor = "multi_thread")]
async fn four_of_five_honest_buyers_get_their_seat_whoever_hoards() {
    let server = TestServer::start().await;
    let attacks = [(1, false), (1, true), (10, false), (10, true)].map(|(attackers, cancels)| Attack { attackers, cancels });
    let all_served = join_all(attacks.iter().map(|attack| served(&server, *attack))).await;
    for (attack, served) in attacks.iter().zip(all_served) {
        assert!(served >= HONEST * 4 / 5, "{attack:?}: {served} of {HONEST}");
    }
    server.assert_invariants().await;
}
