//! A pending order gives back some of its seats and keeps the others.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::harness::{PATIENCE, TestServer, event_json, eventually};
use crate::stored::{Ask, Notice, Session, make_due, server_without_expiry, unhurried, until_it_waits};

async fn counts(server: &TestServer) -> Value {
    server.ask("select jsonb_object_agg(code, jsonb_build_array(available, held, sold)) from rowlock.sections").await
}

fn seats(order: &Value) -> Vec<String> {
    let seats = order["seats"].as_array().expect("seats").iter();
    seats.map(|seat| format!("{} {}", seat["section"].as_str().expect("a section"), seat["seat"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seats_that_are_not_kept_are_on_sale_at_once_and_the_rest_is_paid_for() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10), ("B", 300, 10)]).await;
    let (alice, bob) = (server.customer("alice"), server.customer("bob"));
    let order = alice.claim_seats(&event, &[("B", 7), ("A", 2), ("A", 1), ("B", 3)]).await.expect(201);
    let changed = alice.keep(&order, &[("B", 3), ("A", 2)]).await.expect(200);
    let mut expected = order.clone();
    expected["seats"] = json!([order["seats"][1], order["seats"][3]]);
    expected["amount_minor"] = json!(1300);
    assert_eq!(changed, expected, "what it keeps stays in its order, and so does the deadline");
    assert_eq!(alice.order(&order).await.expect(200), expected);
    assert_eq!(counts(&server).await, json!({"A": [9, 1, 0], "B": [9, 1, 0]}));
    bob.claim_seats(&event, &[("A", 1), ("B", 7)]).await.expect(201);
    bob.claim_seats(&event, &[("A", 2)]).await.problem(409, "seat_taken");
    assert_eq!(server.gateway().pay(&changed).await.expect(200)["outcome"], "paid");
    assert_eq!(counts(&server).await, json!({"A": [8, 1, 1], "B": [8, 1, 1]}));
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.tickets").await, 2);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_keep_everything_changes_nothing_before_and_after_the_payment() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
    let before = server.trace().await;
    assert_eq!(alice.keep(&order, &[("A", 2), ("A", 1)]).await.expect(200), order);
    assert_eq!(server.trace().await, before);
    server.gateway().pay(&order).await.expect(200);
    assert_eq!(alice.keep(&order, &[("A", 1), ("A", 2)]).await.expect(200)["status"], "paid");
    alice.keep(&order, &[("A", 1)]).await.problem(409, "order_not_pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused_and_nothing_is_given_back() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10), ("B", 300, 10)]).await;
    let (alice, mallory) = (server.customer("alice"), server.customer("mallory"));
    let order = alice.claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
    mallory.claim_seats(&event, &[("A", 3)]).await.expect(201);
    let before = server.trace().await;
    alice.keep(&order, &[]).await.invalid("seats");
    alice.keep(&order, &[("A", 1), ("A", 3)]).await.invalid("seats[1]");
    alice.keep(&order, &[("B", 1)]).await.invalid("seats[0]");
    alice.keep(&order, &[("A", 1), ("Z", 1)]).await.invalid("seats[1]");
    alice.keep(&order, &[("A", 1), ("A", 1)]).await.invalid("seats[1]");
    alice.keep(&order, &[("A", 0)]).await.invalid("seats[0].seat");
    mallory.keep(&order, &[("A", 1)]).await.problem(404, "order_not_found");
    let path = event.at(&format!("orders/{}", order["order_id"].as_str().expect("an id")));
    server.anyone().patch(&path, &json!({"seats": [{"section": "A", "seat": 1}]})).await.problem(401, "unauthorized");
    alice.patch(&path, &json!({})).await.invalid("seats");
    alice.patch(&path, &json!({"seats": [{"section": "A", "seat": 1}], "status": "paid"})).await.invalid("status");
    assert_eq!(server.trace().await, before);
    alice.cancel(&order).await.expect(200);
    for kept in [&[("A", 1)][..], &[("A", 1), ("A", 2)]] {
        alice.keep(&order, kept).await.problem(409, "order_not_pending");
    }
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_given_back_make_room_under_the_limit() {
    let server = TestServer::start().await;
    let mut event = event_json(&[("A", 1000, 10)]);
    event["seats_per_customer"] = json!(2);
    let event = server.event(event).await;
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
    alice.claim_seats(&event, &[("A", 3)]).await.problem(409, "customer_limit");
    alice.keep(&order, &[("A", 2)]).await.expect(200);
    alice.claim_seats(&event, &[("A", 3)]).await.expect(201);
    alice.claim_seats(&event, &[("A", 1)]).await.problem(409, "customer_limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_claim_answers_the_order_as_it_is_now() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let alice = server.customer("alice");
    let claim = json!({"seats": [{"section": "A", "seat": 1}, {"section": "A", "seat": 2}]});
    let order = alice.claim_once(&event, "key", claim.clone()).await.expect(201);
    let changed = alice.keep(&order, &[("A", 2)]).await.expect(200);
    assert_eq!(alice.claim_once(&event, "key", claim).await.expect(201), changed);
    let kept = json!({"seats": [{"section": "A", "seat": 2}]});
    alice.claim_once(&event, "key", kept).await.problem(422, "idempotency_key_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_keeps_only_free_seats_is_paid_at_once() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10), ("F", 0, 10)]).await;
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1), ("F", 4), ("F", 2)]).await.expect(201);
    let changed = alice.keep(&order, &[("F", 2), ("F", 4)]).await.expect(200);
    assert_eq!(
        (&changed["status"], &changed["amount_minor"], seats(&changed)),
        (&json!("paid"), &json!(0), vec!["F 4".into(), "F 2".into()])
    );
    assert_eq!(counts(&server).await, json!({"A": [10, 0, 0], "F": [8, 0, 2]}));
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.tickets").await, 2);
    assert_eq!(alice.keep(&order, &[("F", 2), ("F", 4)]).await.expect(200), changed, "repeated after a lost answer");
    alice.keep(&order, &[("F", 2)]).await.problem(409, "order_not_pending");
    assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "refund_due", "money for what it gave back");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_expires_at_the_deadline_and_late_money_claims_it_again() {
    let server = TestServer::start().await;
    let mut event = event_json(&[("A", 1000, 10)]);
    event["window_ms"] = json!(3000);
    let event = server.event(event).await;
    let (alice, bob) = (server.customer("alice"), server.customer("bob"));
    let order = alice.claim_seats(&event, &[("A", 1), ("A", 2)]).await.expect(201);
    let changed = alice.keep(&order, &[("A", 2)]).await.expect(200);
    bob.claim_seats(&event, &[("A", 1)]).await.expect(201);
    eventually(PATIENCE, || async { alice.order(&order).await.expect(200)["status"] == "expired" }).await;
    assert_eq!(server.gateway().pay(&changed).await.expect(200)["outcome"], "late_reclaimed");
    assert_eq!(seats(&alice.order(&order).await.expect(200)), ["A 2"]);
    eventually(PATIENCE, || async { bob.orders(&event).await.expect(200)["orders"][0]["status"] == "expired" }).await;
    server.assert_invariants().await;
}

/// The order's row decides. The second one sees the result of the first: a payment of the old amount is a wrong amount, and the order waits
/// for the right one.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_and_a_release_that_meet_are_decided_by_the_orders_lock() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let (first, second) = (Session::new(&server, &event).await, Session::new(&server, &event).await);
    let order = first.claim_one(Ask::seats("a", &[(1, 1), (1, 2)])).await.order();
    first.begin().await;
    assert_eq!(first.release(order.order_id, "a", &[(1, 2)]).await, Ok(("pending_payment".to_owned(), 1000)));
    let notice = Notice::of(&order);
    let paying = async { second.settle(std::slice::from_ref(&notice)).await };
    let releasing = async {
        until_it_waits(&server, second.pid).await;
        first.commit().await;
    };
    let (outcomes, ()) = tokio::join!(paying, releasing);
    assert_eq!((outcomes, first.order_status(order.order_id).await), (vec!["refund_due".to_owned()], "pending_payment".to_owned()));
    assert_eq!(counts(&server).await, json!({"A": [9, 1, 0]}));
    server.assert_invariants().await;

    let order = first.claim_one(Ask::seats("a", &[(1, 3), (1, 4)])).await.order();
    second.begin().await;
    assert_eq!(second.settle(&[Notice::of(&order)]).await, ["paid"]);
    let releasing = async { first.release(order.order_id, "a", &[(1, 4)]).await };
    let paying = async {
        until_it_waits(&server, first.pid).await;
        second.commit().await;
    };
    let (released, ()) = tokio::join!(releasing, paying);
    assert_eq!(released, Err("order_not_pending".to_owned()));
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_that_meets_a_release_leaves_it_alone_and_then_expires_what_is_left() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let (first, second) = (Session::new(&server, &event).await, Session::new(&server, &event).await);
    let order = first.claim_one(Ask::seats("a", &[(1, 1), (1, 2)])).await.order();
    make_due(&server, order.order_id).await;
    first.begin().await;
    assert_eq!(first.release(order.order_id, "a", &[(1, 2)]).await, Ok(("pending_payment".to_owned(), 1000)));
    assert_eq!(second.expire(order.order_id).await, "locked");
    first.commit().await;
    assert_eq!(second.expire(order.order_id).await, "expired");
    assert_eq!(counts(&server).await, json!({"A": [10, 0, 0]}));
    server.assert_invariants().await;
}

/// It locks all seats and sections of the order in their order before it changes one, as blocking seats does.
#[tokio::test(flavor = "multi_thread")]
async fn seats_and_sections_are_locked_in_their_order_whichever_are_kept() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("F", 0, 10), ("A", 1000, 10)])).await;
    let session = Session::new(&server, &event).await;
    for (seat_no, (lower, higher)) in (1..).zip([
        ("seats where (section_no, seat_no) = (1, 1)", "seats where (section_no, seat_no) = (2, 5)"),
        ("sections where section_no = 1", "sections where section_no = 2"),
    ]) {
        let order = session.claim_one(Ask::seats("a", &[(1, seat_no), (2, 4 + seat_no)])).await.order();
        server.db.batch_execute(&format!("begin; select from rowlock.{lower} for update")).await.expect("locked");
        let kept = [(1, seat_no)];
        let releasing = session.release(order.order_id, "a", &kept);
        let looking = async {
            until_it_waits(&server, session.pid).await;
            let higher = format!("select from rowlock.{higher} for update nowait; commit");
            server.db.batch_execute(&higher).await.expect("whoever waits for the lower has not locked the higher");
        };
        let (released, ()) = tokio::join!(releasing, looking);
        assert_eq!(released, Ok(("paid".to_owned(), 0)));
    }
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_remember_what_was_given_back() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10), ("B", 300, 10)]).await;
    let (alice, bob) = (server.customer("alice"), server.customer("bob"));
    let order = alice.claim_seats(&event, &[("A", 1), ("A", 2), ("B", 5)]).await.expect(201);
    alice.keep(&order, &[("A", 1)]).await.expect(200);
    bob.claim_seats(&event, &[("A", 2)]).await.expect(201);
    let story = format!(
        "select jsonb_agg(what || ': ' || regexp_replace(detail, ', to be paid by .*', '')) from admin.order_timeline('{}')",
        order["order_id"].as_str().expect("an id")
    );
    let told = server.ask::<Value>(&story).await;
    assert_eq!(told, json!(["claimed: A 1-2, B 5 for alice, 2300 in minor units", "seats released: A 2, B 5, 1300 in minor units"]));
    let history = async |section: &str, seat_no: i32| {
        let sql = format!(
            "select coalesce(jsonb_agg(concat_ws(' ', seat_was, who, case when until_at is null then 'still' else 'then' end,
                 regexp_replace(why_it_ended, ': to be paid by .*', ''))), '[]')
             from admin.seat_history({}, '{section}', {seat_no})",
            event.id
        );
        server.ask::<Value>(&sql).await
    };
    let released = "held alice then released; the order went on without it";
    assert_eq!(history("A", 1).await, json!(["held alice still not ended"]));
    assert_eq!(history("A", 2).await, json!([released, "held bob still not ended"]));
    assert_eq!(history("B", 5).await, json!([released]));
    assert_eq!(history("A", 5).await, json!([]), "B 5 is another seat");
}
