//! A queue that is lost, broken or full of garbage: the sweep finds every order.

use redis::AsyncCommands;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::harness::RedisMode;

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_the_queue_is_thrown_out_and_harms_nobody() {
    let server = server_without_sweep().await;
    let event = brief_event(&server, 10).await;
    let alice = server.customer("alice");
    let (early, never) =
        (alice.claim_seats(&event, &[("A", 1)]).await.expect(201), alice.claim_seats(&event, &[("A", 2)]).await.expect(201));
    for order in [&early, &never] {
        eventually(PATIENCE, || queued_for_ms(&server, order)).await;
    }
    let stranger = Uuid::now_v7();
    let garbage = [
        "nonsense".to_owned(),
        String::new(),
        ":".to_owned(),
        format!("{}:no-uuid:1", event.id),
        format!("99999999999999999999:{stranger}:1"),
        format!("-1:{stranger}:1"),
        format!("424242:{stranger}:1"),
        format!("{}:{stranger}:1", event.id),
        format!("{}:{stranger}:18446744073709551615", event.id),
        format!("{}:{}", event.id, order_id(&early)),
        format!("{}:{}:-1", event.id, order_id(&early)),
        format!("{}:{}:1:", event.id, order_id(&early)),
        "\u{0}\u{1}💺".to_owned(),
    ];
    let mut put = redis::pipe();
    for text in &garbage {
        put.zadd(queue_key(&server), text, 0).ignore();
    }
    // Bytes that are not text, and real orders at impossible times.
    put.zadd(queue_key(&server), b"\xff\xfe".as_slice(), "-inf").ignore();
    put.zadd(queue_key(&server), entry(&early), "-inf").ignore();
    put.query_async::<()>(&mut server.redis().await).await.expect("Redis answers");
    let later = alice.claim_seats(&event, &[("A", 3)]).await.expect(201);
    for order in [&early, &never, &later] {
        let late_ms = expired_after_ms(&server, order).await;
        assert_queued_in_time(late_ms);
    }
    eventually(PATIENCE, || queue_is_empty(&server)).await;
    server.assert_invariants().await;
}

/// The queue's key holds something else, so every command on it fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_queue_leaves_the_work_to_the_sweep() {
    let server = TestServer::start().await;
    let event = brief_event(&server, 4).await;
    server.redis().await.set::<_, _, ()>(queue_key(&server), "no sorted set").await.expect("Redis answers");
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let late_ms = expired_after_ms(&server, &order).await;
    assert!(late_ms < SWEPT_WITHIN_MS, "{late_ms} ms late");
    assert_sold_again(&server, &event, &[("A", 1)]).await;
    // It has been thrown away meanwhile, so that the queue works again.
    let next = server.customer("alice").claim_seats(&event, &[("A", 2)]).await.expect(201);
    assert!(eventually(PATIENCE, || queued_for_ms(&server, &next)).await > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_flushall_the_sweep_finds_every_order() {
    const ORDERS: i32 = 20;
    let server = TestServer::builder().redis(RedisMode::Own).start().await;
    let event = brief_event(&server, ORDERS).await;
    let alice = server.customer("alice");
    let mut orders: Vec<Value> = Vec::new();
    for seat in 1..=ORDERS {
        orders.push(alice.claim_seats(&event, &[("A", seat)]).await.expect(201));
        if seat % 7 == 0 {
            redis::cmd("FLUSHALL").query_async::<()>(&mut server.redis().await).await.expect("Redis answers");
        }
    }
    redis::cmd("FLUSHALL").query_async::<()>(&mut server.redis().await).await.expect("Redis answers");
    for order in &orders {
        let late_ms = expired_after_ms(&server, order).await;
        assert!(late_ms < SWEPT_WITHIN_MS, "{late_ms} ms late");
    }
    let seats: Vec<_> = (1..=ORDERS).map(|seat| ("A", seat)).collect();
    assert_sold_again(&server, &event, &seats).await;
    server.assert_invariants().await;
}
