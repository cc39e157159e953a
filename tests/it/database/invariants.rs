//! `admin.invariant_violations` is empty when all is well, and finds every violation that is planted.

use std::time::Duration;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::harness::{EventHandle, TestServer, event_json, eventually};

const SHORT_WINDOW_MS: i32 = 1_000;
const LATE_MS: u64 = 3_000;

/// A concert with an order of every kind and a blocked seat.
async fn all_kinds_of_orders(server: &TestServer) -> EventHandle {
    let mut request = event_json(&[("A", 1000, 20), ("B", 500, 10), ("C", 0, 5)]);
    request["window_ms"] = json!(SHORT_WINDOW_MS);
    let event = server.event(request).await;
    let (alice, bob, gateway) = (server.customer("alice"), server.customer("bob"), server.gateway());
    let expired = alice.claim_seats(&event, &[("A", 1), ("B", 1)]).await.expect(201);
    let reclaimed = bob.claim_seats(&event, &[("A", 2)]).await.expect(201);
    let refunded = bob.claim_seats(&event, &[("A", 3)]).await.expect(201);
    for order in [&expired, &reclaimed, &refunded] {
        eventually(Duration::from_millis(LATE_MS), || async { alice_or_bob(server, order).await == "expired" }).await;
    }
    server.admin().patch(&event.path(), &json!({"window_ms": 60_000})).await.expect(200);
    let paid = alice.claim_seats(&event, &[("A", 3), ("A", 4), ("B", 2)]).await.expect(201);
    assert_eq!(gateway.pay(&paid).await.expect(200)["outcome"], "paid");
    assert_eq!(gateway.pay(&reclaimed).await.expect(200)["outcome"], "late_reclaimed");
    assert_eq!(gateway.pay(&refunded).await.expect(200)["outcome"], "refund_due");
    let smaller = alice.claim_seats(&event, &[("A", 5), ("A", 8), ("B", 3)]).await.expect(201);
    alice.keep(&smaller, &[("A", 5), ("B", 3)]).await.expect(200);
    assert_eq!(bob.claim_seats(&event, &[("C", 1)]).await.expect(201)["status"], "paid");
    let pending = bob.claim_seats(&event, &[("A", 6)]).await.expect(201);
    let mut wrong = gateway.notice(&pending);
    wrong["amount_minor"] = json!(1);
    assert_eq!(gateway.notify(wrong).await.expect(200)["outcome"], "refund_due");
    let mut reversed = gateway.notice(&smaller);
    reversed["amount_minor"] = json!(2);
    assert_eq!(gateway.notify(reversed.clone()).await.expect(200)["outcome"], "refund_due");
    reversed["status"] = json!("failed");
    assert_eq!(gateway.notify(reversed).await.expect(200)["outcome"], "reversal_recorded");
    let cancelled = alice.claim_seats(&event, &[("A", 7)]).await.expect(201);
    alice.cancel(&cancelled).await.expect(200);
    let mut failed = gateway.notice(&cancelled);
    failed["status"] = json!("failed");
    assert_eq!(gateway.notify(failed).await.expect(200)["outcome"], "failed_recorded");
    server.admin().post(&format!("/v1/admin/events/{}/sections/A/block", event.id), &json!({"seats": [20]})).await.expect(200);
    event
}

async fn alice_or_bob(server: &TestServer, order: &Value) -> String {
    server.ask(&format!("select status::text from rowlock.orders where order_id = {}", quoted(order))).await
}

fn quoted(order: &Value) -> String {
    format!("'{}'", order["order_id"].as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_database_has_no_violation_and_each_planted_one_is_found() {
    let server = TestServer::start().await;
    let event = all_kinds_of_orders(&server).await;
    let statuses = "select string_agg(distinct status::text, ' ' order by status::text) from rowlock.orders";
    assert_eq!(server.ask::<String>(statuses).await, "cancelled expired paid pending_payment refund_due");
    server.assert_invariants().await;
    for (expected, plants) in PLANTS {
        for plant in *plants {
            assert_eq!(found_after(&server, plant).await, *expected, "{plant}");
        }
    }
    server.assert_invariants().await;
    assert!(event.id > 0);
}

/// What the view finds after `plant`, which is undone.
async fn found_after(server: &TestServer, plant: &str) -> String {
    // As a replica, foreign keys are not enforced: the view must see what they would have prevented.
    let begin = "begin; set local session_replication_role = replica";
    server.db.batch_execute(begin).await.expect("a transaction");
    let changed = server.db.execute(plant, &[]).await.unwrap_or_else(|error| panic!("{plant}: {error:?}"));
    assert!(changed > 0, "nothing to plant in: {plant}");
    let found =
        server.ask("select coalesce(string_agg(distinct invariant, ' ' order by invariant), '') from admin.invariant_violations").await;
    server.db.batch_execute("rollback").await.expect("undone");
    found
}

/// What is found, and what causes it. Section 1 is A: seats 3 and 4 are sold to alice, 2 to bob, 5 and 6 held, 20 blocked, 10 free.
const PLANTS: &[(&str, &[&str])] = &[
    (
        "seat_without_order section_counts",
        &[
            "update rowlock.seats set status = 'held', order_id = gen_random_uuid() where section_no = 1 and seat_no = 10",
            "update rowlock.seats set status = 'sold', order_id = gen_random_uuid() where section_no = 1 and seat_no = 10",
        ],
    ),
    (
        "seat_without_order",
        &[
            "update rowlock.orders set status = 'expired', ended_at = now() where status = 'pending_payment' and cardinality(seat_nos) = 1",
            "delete from rowlock.orders where status = 'pending_payment' and cardinality(seat_nos) = 1",
        ],
    ),
    (
        "order_without_seat section_counts",
        &[
            "update rowlock.seats set status = 'available', order_id = null where section_no = 1 and seat_no = 5",
            "update rowlock.seats set status = 'available', order_id = null where section_no = 1 and seat_no = 3",
            "update rowlock.seats set status = 'sold' where section_no = 1 and seat_no = 5",
            "delete from rowlock.seats where section_no = 1 and seat_no = 5",
        ],
    ),
    (
        "order_without_seat seat_without_order",
        &["update rowlock.seats set order_id = gen_random_uuid() where section_no = 1 and seat_no = 5"],
    ),
    (
        "order_without_deadline order_without_seat",
        &["insert into rowlock.orders (event_id, order_id, customer_id, section_nos, seat_nos, amount_minor, created_at, expires_at)
           select event_id, gen_random_uuid(), 'carol', section_nos, seat_nos, amount_minor, created_at, expires_at
           from rowlock.orders where status = 'pending_payment' and cardinality(seat_nos) = 1"],
    ),
    (
        "seat_listed_twice",
        &["update rowlock.orders set section_nos = '{1,1}', seat_nos = '{6,6}' where status = 'pending_payment' and cardinality(seat_nos) = 1"],
    ),
    (
        "order_without_seat seat_without_order",
        &["update rowlock.orders set section_nos = '{1,1}', seat_nos = '{5,3}' where status = 'pending_payment' and cardinality(seat_nos) = 2"],
    ),
    (
        "seat_without_ticket",
        &["delete from rowlock.tickets where section_no = 1 and seat_no = 4"],
    ),
    (
        "seat_without_ticket ticket_without_paid_order",
        &["update rowlock.tickets set order_id = gen_random_uuid() where section_no = 1 and seat_no = 4"],
    ),
    (
        "ticket_without_paid_order",
        &["insert into rowlock.tickets (event_id, section_no, seat_no, order_id, issued_at)
           select event_id, section_nos[1], seat_nos[1], order_id, now() from rowlock.orders where status = 'pending_payment'"],
    ),
    (
        "section_counts",
        &[
            "update rowlock.sections set available = available - 1, blocked = blocked + 1 where section_no = 1",
            "update rowlock.sections set held = held - 1, sold = sold + 1 where section_no = 1",
            "update rowlock.sections set available = available + 1, capacity = capacity + 1 where section_no = 1",
            "update rowlock.seats set status = 'blocked' where section_no = 1 and seat_no = 10",
            "delete from rowlock.sections where section_no = 2",
            "delete from rowlock.seats where section_no = 1 and seat_no = 10",
        ],
    ),
    (
        "money_without_seats",
        &[
            "update rowlock.orders o set status = l.released_as, ended_at = l.released_at
             from rowlock.late_orders l where l.order_id = o.order_id and o.status = 'refund_due'",
            "update rowlock.payments set order_id = gen_random_uuid(), outcome = 'paid' where outcome = 'refund_due' and amount_minor = 1",
            "insert into rowlock.payments (event_id, provider, provider_reference, order_id, amount_minor, currency, status, outcome)
             select event_id, 'planted', 'x', order_id, amount_minor, 'TWD', 'succeeded', 'refund_due' from rowlock.orders where status = 'cancelled'",
            "insert into rowlock.payments (event_id, provider, provider_reference, order_id, amount_minor, currency, status, outcome)
             select event_id, 'planted', 'x', order_id, 500, 'TWD', 'succeeded', 'paid' from rowlock.orders where amount_minor = 0",
        ],
    ),
    ("refund_without_money", &[
        "update rowlock.payments set refunded_at = now() where outcome = 'refund_due' and order_id in (select order_id from rowlock.late_orders)",
        "delete from rowlock.payments where outcome = 'refund_due' and order_id in (select order_id from rowlock.late_orders)",
    ]),
    ("paid_without_payment", &[
        "update rowlock.payments set outcome = 'refund_due' where outcome = 'late_reclaimed'",
        "delete from rowlock.payments where outcome = 'paid'",
        "update rowlock.payments set amount_minor = 0 where outcome = 'paid'",
        "update rowlock.orders set amount_minor = 1 where amount_minor = 0",
    ]),
    ("paid_twice", &[
        "insert into rowlock.payments select event_id, provider, 'again', order_id, amount_minor, currency, status, outcome, received_at
         from rowlock.payments where outcome = 'paid'",
        "insert into rowlock.payments select event_id, provider, 'again', order_id, 0, currency, status, outcome, received_at
         from rowlock.payments where outcome = 'paid'",
    ]),
    ("released_seat_listed", &[
        "insert into rowlock.released_seats
         select event_id, order_id, section_nos[2], seat_nos[2], now() from rowlock.orders where status = 'pending_payment' and cardinality(seat_nos) = 2",
    ]),
    ("order_overdue", &[
        "with moved as (update rowlock.deadlines set expires_at = now() - interval '2500 milliseconds')
         update rowlock.orders set created_at = now() - interval '1 hour', expires_at = now() - interval '2500 milliseconds'
         where status = 'pending_payment'",
    ]),
    ("order_without_deadline", &[
        "delete from rowlock.deadlines",
        "update rowlock.deadlines set expires_at = expires_at + interval '1 second'",
        "update rowlock.deadlines set event_id = event_id + 1",
        "update rowlock.deadlines set order_ids = array[gen_random_uuid()]",
    ]),
    ("idempotency_key_twice", &[
        "update rowlock.orders set customer_id = 'mallory', idempotency_key = 'planted', fingerprint = '\\x01'
         where order_id in (select order_id from rowlock.orders where status = 'pending_payment' limit 1)
            or order_id in (select order_id from rowlock.orders where status = 'cancelled' limit 1)",
    ]),
    ("order_without_event payment_without_event", &["delete from rowlock.events"]),
    ("payment_without_event", &[
        "insert into rowlock.payments (event_id, provider, provider_reference, order_id, amount_minor, currency, status, outcome)
         values (424242, 'planted', 'x', gen_random_uuid(), 1, 'TWD', 'succeeded', 'refund_due')",
    ]),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_not_overdue_before_its_two_seconds_are_over() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let plant = "with moved as (update rowlock.deadlines set expires_at = now() - interval '1 second')
                 update rowlock.orders set created_at = now() - interval '1 hour', expires_at = now() - interval '1 second'";
    assert_eq!(found_after(&server, plant).await, "");
}
