//! A payment that coincides with the deadline, a cancellation or another payment: each order ends in one way, and no money is lost.

use std::collections::HashMap;
use std::time::Duration;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::harness::{Customer, EventHandle, PATIENCE, TestServer, eventually, rivals};
use crate::stored::{Ask, Notice, Session, make_due, server_without_expiry, unhurried};

/// Sleeps until that long after an order's deadline.
async fn until_after_deadline(order: &Value, after_ms: i64) {
    let deadline = OffsetDateTime::parse(order["expires_at"].as_str().unwrap(), &Rfc3339).unwrap();
    let left = deadline + time::Duration::milliseconds(after_ms) - OffsetDateTime::now_utc();
    tokio::time::sleep(left.try_into().unwrap_or(Duration::ZERO)).await;
}

/// Takes any seat that becomes free, until there has been none for as long as the last orders need to expire.
async fn snap_up_what_comes_free(customer: Customer, event: EventHandle) -> usize {
    let (mut won, begun) = (0, tokio::time::Instant::now());
    while begun.elapsed() < Duration::from_millis(1600) {
        match customer.best_available(&event, "A", 1).await {
            answer if answer.status == 201 => won += 1,
            answer => drop(answer.problem(409, "sold_out")),
        }
    }
    won
}

#[tokio::test(flavor = "multi_thread")]
async fn money_at_the_deadline_ends_each_order_in_one_recorded_way() {
    const ORDERS: usize = 150;
    let first = TestServer::start().await;
    let second = first.second().await;
    let mut event = unhurried(&[("A", 1000, 150)]);
    event["window_ms"] = 1000.into();
    let event = first.event(event).await;

    let claims = rivals(ORDERS, |index| {
        let buyer = first.customer(&format!("buyer-{index}"));
        async move { buyer.best_available(&event, "A", 1).await.expect(201) }
    });
    let orders = claims.await;
    // Their windows stay; the buyers who take their seats have time.
    first.admin().patch(&event.path(), &json!({"window_ms": 60_000})).await.expect(200);
    let snappers = [first.customer("snapper"), second.customer("snapper")].map(|it| tokio::spawn(snap_up_what_comes_free(it, event)));
    let gateways = [first.gateway(), second.gateway()];
    let outcomes = rivals(ORDERS, |index| {
        let (order, gateway, buyer) = (orders[index].clone(), gateways[index % 2].clone(), first.customer(&format!("buyer-{index}")));
        async move {
            match index {
                // Certainly too late.
                0..20 => eventually(PATIENCE, || async { buyer.order(&order).await.body["status"] == "expired" }).await,
                // Around the deadline and the moment the order expires.
                _ => until_after_deadline(&order, i64::try_from(index).unwrap() - 90).await,
            }
            gateway.pay(&order).await.expect(200)["outcome"].as_str().unwrap().to_owned()
        }
    })
    .await;
    for snapper in snappers {
        snapper.await.unwrap();
    }

    let mut counts: HashMap<&str, i64> = HashMap::new();
    for (index, (order, outcome)) in orders.iter().zip(&outcomes).enumerate() {
        *counts.entry(outcome).or_default() += 1;
        let status = first.customer(&format!("buyer-{index}")).order(order).await.expect(200)["status"].clone();
        let expected = match outcome.as_str() {
            "paid" if index >= 20 => "paid",
            "late_reclaimed" => "paid",
            "refund_due" => "refund_due",
            other => panic!("order {index} ended as {other}"),
        };
        assert_eq!(status, expected, "order {index}: {outcome}");
    }
    let count = |outcome| counts.get(outcome).copied().unwrap_or(0);
    for outcome in ["paid", "late_reclaimed", "refund_due"] {
        let sql = format!("select count(*) from rowlock.payments where outcome = '{outcome}' and status = 'succeeded'");
        assert_eq!(first.ask::<i64>(&sql).await, count(outcome), "{outcome}");
    }
    assert_eq!(first.ask::<i64>("select count(*) from rowlock.tickets").await, count("paid") + count("late_reclaimed"));
    let refunds = format!("/v1/admin/events/{}/refunds-due", event.id);
    assert_eq!(
        i64::try_from(first.admin().get(&refunds).await.expect(200)["refunds"].as_array().unwrap().len()).unwrap(),
        count("refund_due")
    );
    first.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_and_an_expiry_at_the_same_moment_have_one_winner() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 200)])).await;
    let (pay, expire) = (Session::new(&server, &event).await, Session::new(&server, &event).await);
    let mut ways = HashMap::new();
    for seat in 1..=200 {
        let order = pay.claim_one(Ask::seats("ann", &[(1, seat)])).await.order();
        make_due(&server, order.order_id).await;
        let notice = [Notice::of(&order)];
        let (paid, expired) = tokio::join!(pay.settle(&notice), expire.expire(order.order_id));
        *ways.entry((paid[0].clone(), expired)).or_insert(0) += 1;
        assert_eq!(pay.order_status(order.order_id).await, "paid", "the seat was free: it is the buyer's either way");
    }
    let known = [("paid", "not_pending"), ("paid", "locked"), ("late_reclaimed", "expired")];
    assert!(ways.keys().all(|way| known.contains(&(way.0.as_str(), way.1.as_str()))), "{ways:?}");
    assert_eq!(pay.seats(1).await, "s".repeat(200));
    server.assert_invariants().await;
}

/// Two payments for each of 20 orders, all at once through two servers; returns the two outcomes of each order, sorted.
async fn pay_twice(first: &TestServer, vary: fn(Value) -> Value) -> Vec<[String; 2]> {
    let second = first.second().await;
    let event = first.event(unhurried(&[("A", 1000, 20)])).await;
    let mut orders = Vec::new();
    for seat in 1..=20 {
        orders.push(first.customer("ann").claim_seats(&event, &[("A", seat)]).await.expect(201));
    }
    let gateways = [first.gateway(), second.gateway()];
    let notices: Vec<[Value; 2]> = orders.iter().map(|order| gateways[0].notice(order)).map(|it| [it.clone(), vary(it)]).collect();
    let outcomes = rivals(40, |index| {
        let (gateway, notice) = (gateways[(index + index / 4) % 2].clone(), notices[index / 2][index % 2].clone());
        async move { gateway.notify(notice).await.expect(200)["outcome"].as_str().unwrap().to_owned() }
    })
    .await;
    for order in &orders {
        assert_eq!(first.customer("ann").order(order).await.expect(200)["status"], "paid");
    }
    assert_eq!(first.ask::<i64>("select count(*) from rowlock.tickets").await, 20);
    first.assert_invariants().await;
    outcomes
        .chunks(2)
        .map(|pair| {
            let mut pair = [pair[0].clone(), pair[1].clone()];
            pair.sort();
            pair
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reference_sent_twice_at_the_same_moment_pays_once() {
    let server = TestServer::start().await;
    for pair in pay_twice(&server, |notice| notice).await {
        assert_eq!(pair, ["duplicate", "paid"]);
    }
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.payments").await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_references_at_the_same_moment_pay_once_and_owe_the_rest_back() {
    let server = TestServer::start().await;
    let other_reference = |mut notice: Value| {
        notice["provider_reference"] = format!("{}-again", notice["provider_reference"]).into();
        notice
    };
    for pair in pay_twice(&server, other_reference).await {
        assert_eq!(pair, ["paid", "refund_due"]);
    }
    let owed = "select sum(amount_minor)::bigint from rowlock.payments where outcome = 'refund_due' and refunded_at is null";
    assert_eq!(server.ask::<i64>(owed).await, 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_while_paying_while_a_rival_waits_gives_the_seat_to_one_of_them() {
    const ORDERS: usize = 40;
    let first = TestServer::start().await;
    let second = first.second().await;
    let event = first.event(unhurried(&[("A", 1000, 40)])).await;
    let owner = first.customer("owner");
    let mut orders = Vec::new();
    for seat in 1..=40 {
        orders.push(owner.claim_seats(&event, &[("A", seat)]).await.expect(201));
    }
    let (gateway, rival) = (second.gateway(), second.customer("rival"));
    let answers = rivals(3 * ORDERS, |index| {
        let (order, owner, gateway, rival) = (orders[index / 3].clone(), owner.clone(), gateway.clone(), rival.clone());
        async move {
            match index % 3 {
                0 => gateway.pay(&order).await,
                1 => owner.cancel(&order).await,
                _ => rival.claim(&event, json!({"seats": [{"section": "A", "seat": order["seats"][0]["seat"]}]})).await,
            }
        }
    })
    .await;

    for (order, answers) in orders.iter().zip(answers.chunks(3)) {
        let [paid, cancelled, claimed] = answers else { unreachable!() };
        let outcome = paid.expect(200)["outcome"].as_str().unwrap().to_owned();
        let status = owner.order(order).await.expect(200)["status"].clone();
        match (outcome.as_str(), cancelled.status, claimed.status) {
            ("paid", 409, 409) => drop(cancelled.problem(409, "order_not_pending")),
            ("late_reclaimed", 200, 409) => drop(claimed.problem(409, "seat_taken")),
            ("refund_due", 200, 201) => assert_eq!(status, "refund_due"),
            way => panic!("{way:?}"),
        }
        assert_eq!(status == "paid", outcome != "refund_due");
    }
    assert_eq!(first.ask::<i64>("select available::bigint from rowlock.sections").await, 0, "every seat has one owner");
    first.assert_invariants().await;
}
