//! Changes made from psql: the rules of the API, a reason, and a line in the action log, all in one transaction.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::SALE;
use super::logins::{Logins, refusal};
use crate::harness::{PATIENCE, TestDatabase, eventually};
use crate::stored::server_without_expiry;

/// The lines of the log after that one: function, reason, before, after.
pub(super) async fn log_after(db: &Client, action_id: i64) -> Vec<Value> {
    let sql =
        "select jsonb_build_array(function, reason, before, after) from rowlock.admin_actions where action_id > $1 order by action_id";
    db.query(sql, &[&action_id]).await.expect("an answer").iter().map(|row| row.get(0)).collect()
}

pub(super) async fn last_action(db: &Client) -> i64 {
    db.query_one("select coalesce(max(action_id), 0) from rowlock.admin_actions", &[]).await.expect("an answer").get(0)
}

/// Everything except the log, to compare before and after.
async fn everything(db: &Client) -> Value {
    let sql = "select jsonb_build_object(
        'events', (select jsonb_agg(to_jsonb(e) order by event_id) from rowlock.events e),
        'sections', (select jsonb_agg(to_jsonb(s) order by event_id, section_no) from rowlock.sections s),
        'seats', (select jsonb_agg(to_jsonb(s) order by event_id, section_no, seat_no) from rowlock.seats s),
        'orders', (select jsonb_agg(to_jsonb(o) order by order_id) from rowlock.orders o),
        'payments', (select jsonb_agg(to_jsonb(p) order by provider_reference) from rowlock.payments p),
        'failures', (select jsonb_agg(to_jsonb(f)) from rowlock.expiry_failures f),
        'log', (select count(*) from rowlock.admin_actions))";
    db.query_one(sql, &[]).await.expect("an answer").get(0)
}

/// A sale with everything in it, and its operator.
async fn sale() -> (TestDatabase, Client, Logins) {
    let database = TestDatabase::cloned().await;
    let db = database.connect().await;
    let logins = Logins::new(&database.url()).await;
    db.batch_execute(&SALE.replace("olivia", &logins.name("olivia"))).await.unwrap_or_else(|error| panic!("{error:?}"));
    (database, db, logins)
}

/// Each way to change something, its answer, and its effect. `$why` stands for the reason.
fn changes() -> Vec<(&'static str, &'static str, Value, Value)> {
    vec![
        ("admin.pause_event(1, $why)", "paused", json!({"status": "open"}), json!({"status": "paused"})),
        ("admin.change_window(1, 15000, $why)", "600000", json!({"window_ms": 600_000}), json!({"window_ms": 15_000})),
        (
            r#"admin.change_event(1, '{"seats_per_customer": 6, "name": "Gala"}', $why)"#,
            "",
            json!({"seats_per_customer": 4, "name": "Spring Gala"}),
            json!({"seats_per_customer": 6, "name": "Gala"}),
        ),
        ("admin.open_event(1, $why)", "open", json!({"status": "paused"}), json!({"status": "open"})),
        (
            r#"admin.change_event(1, '{"status": "paused", "name": "Late Gala"}', $why)"#,
            "",
            json!({"status": "open", "name": "Gala"}),
            json!({"status": "paused", "name": "Late Gala"}),
        ),
        ("admin.open_event(1, $why)", "open", json!({"status": "paused"}), json!({"status": "open"})),
        ("admin.block_seats(1, 'A 19-20 7, B 10', $why)", "2", json!({"available": "A 7, B 10"}), json!({"blocked": "A 7, B 10"})),
        ("admin.unblock_seats(1, 'A 19-20', $why)", "2", json!({"blocked": "A 19-20"}), json!({"available": "A 19-20"})),
        ("admin.block_seats(1, 'A 7', $why)", "0", json!({}), json!({})),
        ("admin.redrive_dead_letter(1, '01970000-0000-7000-8000-000000000007', $why)", "", json!({"attempts": 1}), json!({"attempts": 0})),
        (
            "admin.release_order(1, '01970000-0000-7000-8000-000000000008', $why)",
            "2",
            json!({"status": "pending_payment", "held": "B 1-2"}),
            json!({"status": "cancelled", "available": "B 1-2"}),
        ),
        (
            r#"admin.create_event('{"name": "Matinee", "currency": "TWD", "sections": [
                {"code": "A", "name": "Floor", "price_minor": 1, "rows": [{"label": "1", "seats": 2}]}]}', $why)"#,
            "2",
            json!({}),
            json!({"name": "Matinee", "venue": "", "currency": "TWD", "window_ms": 10_000, "seats_per_customer": 10, "status": "draft",
                   "unpaid_orders_max": 5, "unpaid_window_ms": 600_000, "cooldown_ms": 120_000,
                   "sections": 1, "seats": 2}),
        ),
        ("admin.delete_event(2, $why)", "", json!({"name": "Matinee", "status": "draft", "sections": 1, "seats": 2}), json!({})),
        ("admin.create_api_key('box office', sha256('a key'), $why)", "1", json!({}), json!({"api_key_id": 1})),
        ("admin.revoke_api_key(1, $why)", "", json!({"works": true}), json!({"works": false})),
        ("admin.revoke_api_key(1, $why)", "", json!({"works": false}), json!({"works": false})),
        ("admin.close_event(1, $why)", "closed", json!({"status": "open"}), json!({"status": "closed"})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_written_down_with_who_why_before_and_after() {
    let (_database, db, logins) = sale().await;
    let olivia = logins.connect("olivia").await;
    // Whatever role is set, the log names the login.
    olivia.batch_execute("set role rowlock_admin").await.expect("her role");
    for (call, answer, before, after) in changes() {
        let last = last_action(&db).await;
        let sql = format!("select {}::text", call.replace("$why", "'  because of  the rain\n'"));
        let row = olivia.query_one(&sql, &[]).await.unwrap_or_else(|error| panic!("{call}: {error:?}"));
        assert_eq!(row.get::<_, Option<&str>>(0).unwrap_or_default(), answer, "{call}");
        let function = call.split('(').next().expect("a name");
        assert_eq!(log_after(&db, last).await, [json!([function, "because of  the rain", before, after])], "{call}");
    }
    let strangers = format!("select count(*) from rowlock.admin_actions where action_id > 3 and login_role <> '{}'", logins.name("olivia"));
    assert_eq!(db.query_one(&strangers, &[]).await.expect("an answer").get::<_, i64>(0), 0);
    let late =
        "select count(*) from rowlock.admin_actions where action_id > 3 and abs(extract(epoch from clock_timestamp() - acted_at)) > 60";
    assert_eq!(db.query_one(late, &[]).await.expect("an answer").get::<_, i64>(0), 0);
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_changes_without_a_reason() {
    let (_database, db, logins) = sale().await;
    let olivia = logins.connect("olivia").await;
    let before = everything(&db).await;
    let refund = "admin.mark_refunded(p_event_id => 1, p_provider => 'cardpay', p_provider_reference => 'ch_1004', p_reason => $why)";
    let calls: Vec<_> = changes().into_iter().map(|change| change.0).chain([refund]).collect();
    let functions = "select count(*) from pg_proc where pronamespace = 'admin'::regnamespace and provolatile = 'v'";
    let named: std::collections::BTreeSet<_> = calls.iter().map(|call| call.split('(').next()).collect();
    assert_eq!(db.query_one(functions, &[]).await.expect("a count").get::<_, i64>(0), i64::try_from(named.len()).expect("few"));
    for call in calls {
        for reason in [
            "null",
            "''",
            "E' \\n\\t'",
            "E'\\u00a0\\u200b\\u3000\\u2028'",
            "E'\\u200b'",
            "E'a\\u202eb'",
            "repeat('x', 501)",
            "E'a\\u0007b'",
        ] {
            let (state, detail) = refusal(olivia.batch_execute(&format!("select {}", call.replace("$why", reason))).await);
            assert_eq!(state, "RL006", "{call} {reason}");
            assert!(detail.starts_with("reason: must "), "{call} {reason}: {detail}");
        }
    }
    assert_eq!(everything(&db).await, before);
    olivia.batch_execute("select admin.pause_event(1, repeat('長', 500))").await.expect("500 characters");
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_and_the_change_are_undone_together() {
    let (_database, db, logins) = sale().await;
    let olivia = logins.connect("olivia").await;
    let before = everything(&db).await;
    for (call, ..) in changes() {
        olivia.batch_execute(&format!("begin; select {}; rollback", call.replace("$why", "'a try'"))).await.ok();
        olivia.batch_execute("rollback").await.ok();
    }
    assert_eq!(everything(&db).await, before);
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_of_the_api_hold_and_a_refusal_leaves_no_trace() {
    let (_database, db, logins) = sale().await;
    let olivia = logins.connect("olivia").await;
    db.batch_execute(
        "select rowlock.change_event(c.event_id, '{\"status\": \"closed\"}') from rowlock.create_event('{\"name\": \"Over\", \"currency\": \"TWD\", \"sections\": [
        {\"code\": \"A\", \"name\": \"A\", \"price_minor\": 1, \"rows\": [{\"label\": \"1\", \"seats\": 2}]}]}') as c",
    )
    .await
    .expect("a closed event");
    const UNKNOWN_FIELD: &str = "event: has an unknown field \"currency\"; it takes name, venue, starts_at, on_sale_at, off_sale_at, window_ms, \
                                 seats_per_customer, unpaid_orders_max, unpaid_window_ms, cooldown_ms, status";
    let before = everything(&db).await;
    let paid = "01970000-0000-7000-8000-000000000001";
    for (call, state, detail) in [
        (
            "admin.open_event(2, 'x')".to_owned(),
            "RL007",
            "event 2 is closed and cannot become open: only a draft or a paused event can be opened",
        ),
        ("admin.pause_event(2, 'x')".to_owned(), "RL007", "event 2 is closed and cannot become paused: only an open event can be paused"),
        ("admin.pause_event(9, 'x')".to_owned(), "RL001", "there is no event 9"),
        ("admin.close_event(null, 'x')".to_owned(), "RL001", "there is no event without an id"),
        ("admin.change_window(9, 15000, 'x')".to_owned(), "RL001", "there is no event 9"),
        ("admin.change_window(1, 999, 'x')".to_owned(), "RL006", "window_ms: must be a whole number from 1000 to 86400000"),
        ("admin.change_window(1, null, 'x')".to_owned(), "RL006", "window_ms: must be a whole number from 1000 to 86400000"),
        ("admin.change_event(1, '{\"currency\": \"EUR\"}', 'x')".to_owned(), "RL006", UNKNOWN_FIELD),
        ("admin.change_event(1, '{\"status\": \"draft\"}', 'x')".to_owned(), "RL006", "status: must be open, paused or closed"),
        ("admin.change_event(1, '{\"status\": null}', 'x')".to_owned(), "RL006", "status: must be open, paused or closed"),
        (
            "admin.change_event(2, '{\"name\": \"Once more\", \"status\": \"open\"}', 'x')".to_owned(),
            "RL007",
            "event 2 is closed and cannot become open: only a draft or a paused event can be opened",
        ),
        ("admin.create_event('{}', 'x')".to_owned(), "RL006", "currency: must be the ISO 4217 code of a currency in use, for example TWD"),
        (format!("admin.release_order(1, '{paid}', 'x')"), "RL005", &format!("order {paid} is paid: only a pending order can be changed")),
        (format!("admin.release_order(2, '{paid}', 'x')"), "RL004", &format!("there is no order {paid} of event 2")),
        (format!("admin.redrive_dead_letter(1, '{paid}', 'x')"), "RL010", &format!("there is no dead letter for order {paid} of event 1")),
        (
            "admin.order_timeline('01970000-0000-7000-8000-00000000ffff')".to_owned(),
            "RL004",
            "there is neither an order 01970000-0000-7000-8000-00000000ffff nor a payment for one",
        ),
        ("admin.order_timeline(null)".to_owned(), "RL004", "there is neither an order without an id nor a payment for one"),
        ("admin.seat_history(1, 'C', 1)".to_owned(), "RL002", "event 1 has no section \"C\"; it has A, B"),
        ("admin.seat_history(1, 'A', 21)".to_owned(), "RL003", "section A has seats 1 to 20, not 21"),
        ("admin.seat_history(1, 'A', null)".to_owned(), "RL003", "section A has seats 1 to 20"),
        ("admin.sale_export(9)".to_owned(), "RL001", "there is no event 9"),
    ] {
        let refused = refusal(olivia.batch_execute(&format!("select {call}")).await);
        assert_eq!(refused, (state.to_owned(), detail.to_owned()), "{call}");
    }
    assert_eq!(everything(&db).await, before);
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_transaction_is_left_open_is_undone_and_stops_nobody_for_long() {
    let server = server_without_expiry().await;
    let event = server.small_event(&[("A", 1000, 10), ("B", 1000, 10)]).await;
    let logins = Logins::new(&server.database_url).await;
    let olivia = logins.connect("olivia").await;
    olivia.batch_execute(&format!("begin; select admin.block_seats({}, 'A 1', 'for the band')", event.id)).await.expect("blocked");

    // Section A is locked for as long as the transaction is, and no longer.
    let claims = || async { server.customer("alice").claim_seats(&event, &[("A", 1)]).await.status == 201 };
    eventually(PATIENCE, claims).await;
    assert!(olivia.batch_execute("commit").await.is_err(), "the session was ended");
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.admin_actions where function = 'admin.block_seats'").await, 0);
    server.assert_invariants().await;
    logins.gone().await;
}
