//! Rivals for seats: all at once, through one server and through two.

mod lanes;
mod limit;
mod lock_order;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::harness::{Answer, Customer, EventHandle, HOLD_CLAIMS, PATIENCE, TestServer, eventually, patience_left, rivals};
use crate::stored::unhurried;

/// Customers, on each of the servers in turn.
fn customers(servers: &[&TestServer], count: usize, name: &str) -> Vec<Customer> {
    (0..count).map(|index| servers[index % servers.len()].customer(&format!("{name}-{index}"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_seat_and_two_hundred_rivals_have_one_winner() {
    let server = TestServer::start().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let people = customers(&[&server], 200, "rival");
    let answers = rivals(200, |index| {
        let rival = people[index].clone();
        async move { rival.claim_seats(&event, &[("A", 7)]).await }
    })
    .await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().enumerate().partition(|(_, answer)| answer.status == 201);
    assert_eq!((won.len(), lost.len()), (1, 199));
    for (_, refusal) in lost {
        assert_eq!(refusal.problem(409, "seat_taken")["taken"], json!([{"section": "A", "seat": 7}]));
    }
    let (winner, order) = (&people[won[0].0], &won[0].1.body);
    assert_eq!(winner.order(order).await.expect(200)["order_id"], order["order_id"]);
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.orders").await, 1, "the losers leave nothing behind");
    assert_eq!(server.gateway().pay(order).await.expect(200)["outcome"], "paid");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rivals_for_overlapping_pairs_get_a_whole_pair_or_none() {
    const SEATS: i32 = 60;
    let first = TestServer::start().await;
    let second = first.second().await;
    let event = first.event(unhurried(&[("A", 1000, SEATS)])).await;
    // Three rivals for each pair of neighbours; every second one names them in the other order.
    let wanted: Vec<[(&str, i32); 2]> = (0..3).flat_map(|_| (1..SEATS).map(|seat| [("A", seat), ("A", seat + 1)])).collect();
    let people = customers(&[&first, &second, &second, &first], wanted.len(), "pair");
    let answers = rivals(wanted.len(), |index| {
        let (rival, mut pair) = (people[index].clone(), wanted[index]);
        if index % 2 == 1 {
            pair.reverse();
        }
        async move { (pair, rival.claim_seats(&event, &pair).await) }
    })
    .await;

    let named = |seats: &Value| -> Vec<i64> { seats.as_array().unwrap().iter().map(|seat| seat["seat"].as_i64().unwrap()).collect() };
    let mut sold = BTreeSet::new();
    for (pair, answer) in &answers {
        let pair: Vec<i64> = pair.iter().map(|seat| i64::from(seat.1)).collect();
        if answer.status == 201 {
            assert_eq!(named(&answer.body["seats"]), pair, "an order is both seats, as asked for");
            assert!(pair.iter().all(|seat| sold.insert(*seat)), "{pair:?} was sold before");
        } else {
            let taken = named(&answer.problem(409, "seat_taken")["taken"]);
            assert!(!taken.is_empty() && taken.iter().all(|seat| pair.contains(seat)), "{taken:?} of {pair:?}");
        }
    }
    assert!(sold.len() >= 20, "of {SEATS} seats only {} found a buyer", sold.len());
    first.assert_invariants().await;

    // A buyer who was refused only because a rival had locked the seat gets it now: no two adjacent seats stay free.
    for (rival, pair) in people.iter().zip(&wanted) {
        if rival.claim_seats(&event, pair).await.status == 201 {
            sold.extend(pair.iter().map(|seat| i64::from(seat.1)));
        }
    }
    let free: Vec<i64> = (1..=i64::from(SEATS)).filter(|seat| !sold.contains(seat)).collect();
    assert!(free.windows(2).all(|pair| pair[1] > pair[0] + 1), "neighbours were left: {free:?}");
    first.assert_invariants().await;
}

/// Looks for a free seat and claims it, until a claim succeeds.
async fn buy_any_seat(customer: Customer, event: EventHandle, index: usize) -> Value {
    let begun = Instant::now();
    for attempt in 0.. {
        assert!(begun.elapsed() < patience_left(PATIENCE), "{} finds no seat", customer.id);
        let seats = customer.get(&event.at("sections/A/seats")).await.expect(200);
        let free: Vec<_> = seats["seats"].as_array().unwrap().iter().filter(|seat| seat["status"] == "available").collect();
        let Some(seat) = free.get((index * 37 + attempt * 11) % free.len().max(1)) else { continue };
        let answer = customer.claim(&event, json!({"seats": [{"section": "A", "seat": seat["seat"]}]})).await;
        if answer.status == 201 {
            return answer.body;
        }
        answer.problem(409, "seat_taken");
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_sell_every_seat_of_one_event_once_and_refuse_nobody() {
    const SEATS: usize = 300;
    let first = TestServer::start().await;
    let second = first.second().await;
    let event = first.event(unhurried(&[("A", 1000, 300)])).await;
    // As many buyers as seats: half choose a seat themselves, half let the server choose, and those must never be refused.
    let people = customers(&[&first, &second, &second, &first], SEATS, "buyer");
    let gateways = [first.gateway(), second.gateway()];
    let orders = rivals(SEATS, |index| {
        let (buyer, gateway) = (people[index].clone(), gateways[index / 4 % 2].clone());
        async move {
            let order = if index % 2 == 0 {
                buyer.best_available(&event, "A", 1).await.expect(201)
            } else {
                buy_any_seat(buyer, event, index).await
            };
            assert_eq!(gateway.pay(&order).await.expect(200)["outcome"], "paid");
            order
        }
    })
    .await;

    let seats: BTreeSet<_> = orders.iter().map(|order| order["seats"][0]["seat"].as_i64().unwrap()).collect();
    assert_eq!(seats.into_iter().collect::<Vec<_>>(), (1..=300).collect::<Vec<i64>>());
    assert_eq!(first.ask::<i64>("select count(*) from rowlock.tickets").await, 300);
    for late in [first.customer("late"), second.customer("late")] {
        late.best_available(&event, "A", 1).await.problem(409, "sold_out");
    }
    first.assert_invariants().await;
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_claims_of_one_customer_stop_at_the_limit() {
    let first = TestServer::start().await;
    let second = first.second().await;
    let mut event = unhurried(&[("A", 1000, 40), ("B", 1000, 40)]);
    event["seats_per_customer"] = 5.into();
    let event = first.event(event).await;
    let greedy = [first.customer("greedy"), second.customer("greedy")];
    let answers = rivals(40, |index| {
        let customer = greedy[index % 2].clone();
        async move {
            match index / 2 % 2 {
                0 => customer.claim_seats(&event, &[("A", i32::try_from(index).unwrap() + 1)]).await,
                _ => customer.best_available(&event, "B", 1).await,
            }
        }
    })
    .await;
    assert_eq!((count(&answers, 201), count(&answers, 409)), (5, 35));
    for refusal in answers.iter().filter(|answer| answer.status != 201) {
        refusal.problem(409, "customer_limit");
    }
    // Seats that are given back can be claimed again.
    let order = answers.iter().find(|answer| answer.status == 201).unwrap();
    greedy[0].cancel(&order.body).await.expect(200);
    greedy[1].best_available(&event, "B", 2).await.problem(409, "customer_limit");
    greedy[1].best_available(&event, "B", 1).await.expect(201);
    first.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_idempotency_key_fifty_times_at_once_makes_one_order() {
    let first = TestServer::start().await;
    let second = first.second().await;
    let event = first.event(unhurried(&[("A", 1000, 100), ("B", 1000, 100)])).await;
    let customers = [first.customer("ann"), second.customer("ann")];
    let claims = [json!({"seats": [{"section": "A", "seat": 4}]}), json!({"best_available": {"section": "B", "quantity": 3}})];
    for (key, claim) in ["one", "two"].into_iter().zip(claims) {
        let answers = rivals(50, |index| {
            let (customer, claim) = (customers[index % 2].clone(), claim.clone());
            async move { customer.claim_once(&event, key, claim).await.expect(201) }
        })
        .await;
        let distinct: BTreeSet<_> = answers.iter().map(|order| order["order_id"].to_string()).collect();
        assert_eq!(distinct.len(), 1);
        assert!(answers.iter().all(|order| order["seats"] == answers[0]["seats"]), "everybody is told the same seats");
    }
    assert_eq!(first.ask::<i64>("select count(*) from rowlock.orders").await, 2);
    assert_eq!(first.ask::<i64>("select sum(held)::bigint from rowlock.sections").await, 4);
    first.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_lane_sends_further_claims_away_at_once_and_takes_them_later() {
    const PLACES: usize = 8;
    let server = TestServer::builder().arg("--waiting-max", PLACES).start().await;
    let event = server.event(unhurried(&[("A", 1000, 100)])).await;
    let seat = |index: usize| [("A", i32::try_from(index).unwrap() + 1)];
    server.customer("first").claim_seats(&event, &seat(99)).await.expect(201);
    // Nobody can claim while somebody holds all seats.
    server.db.batch_execute(HOLD_CLAIMS).await.unwrap();

    let refused = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let claims: Vec<_> = (0..20)
        .map(|index| {
            let (customer, refused) = (server.customer(&format!("c-{index}")), Arc::clone(&refused));
            tokio::spawn(async move {
                let answer = customer.claim_seats(&event, &seat(index)).await;
                refused.fetch_add(usize::from(answer.status != 201), Ordering::SeqCst);
                (customer, answer)
            })
        })
        .collect();
    eventually(PATIENCE, || async { refused.load(Ordering::SeqCst) == 20 - PLACES }).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "an overloaded server answers at once");
    server.db.batch_execute("commit").await.unwrap();

    let mut taken = 0;
    for (index, claim) in claims.into_iter().enumerate() {
        let (customer, answer) = claim.await.unwrap();
        if answer.status == 201 {
            taken += 1;
            continue;
        }
        answer.problem(503, "overloaded");
        let retry_after_s: u32 = answer.header("retry-after").expect("when to come again").parse().unwrap();
        assert!((1..=10).contains(&retry_after_s));
        // Those who waited may still be on their way.
        eventually(PATIENCE, || async { customer.claim_seats(&event, &seat(index)).await.status == 201 }).await;
    }
    assert_eq!(taken, PLACES);
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.orders").await, 21);
    server.assert_invariants().await;
}
