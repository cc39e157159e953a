//! Events: created, read, listed, changed, opened, paused and closed.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::harness::{EventHandle, TestServer, event_json};
use crate::stored::until_somebody_waits;

mod defaults;
mod drafts;
mod idempotency;
mod listing;

/// Whether a text is RFC 3339 in UTC with exactly milliseconds.
fn is_time(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 24 && text.ends_with('Z') && OffsetDateTime::parse(text, &Rfc3339).is_ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_event_is_answered_in_full_as_a_draft_and_read_again_unchanged() {
    let server = TestServer::start().await;
    let described = json!({
        "name": "春季巡演 🎸", "venue": "Arena", "starts_at": "2026-11-22T19:30:00+08:00", "on_sale_at": "2026-09-01T04:00:00.1239Z",
        "window_ms": 15_000, "seats_per_customer": 4, "currency": "TWD",
        "sections": [
            {"section": "A", "name": "Floor A", "price_minor": 280_000, "seats": 100, "row_length": 30},
            {"section": "B-2", "name": "Balcony", "price_minor": 0, "rows": [{"row": "AA", "seats": 3}, {"row": "1", "seats": 4}]},
        ],
    });
    let answer = server.admin().post("/v1/events", &described).await;
    let created = answer.expect(201);
    let event = EventHandle { id: created["event_id"].as_i64().expect("an id") };
    assert_eq!(answer.header("location"), Some(event.path().as_str()));
    assert!(is_time(&created["created_at"]) && is_time(&created["updated_at"]), "{created}");
    let expected = json!({
        "event_id": event.id, "name": "春季巡演 🎸", "venue": "Arena", "starts_at": "2026-11-22T11:30:00.000Z",
        "on_sale_at": "2026-09-01T04:00:00.123Z", "status": "draft", "window_ms": 15_000, "seats_per_customer": 4, "currency": "TWD",
        "unpaid_orders_max": 5, "unpaid_window_ms": 600_000, "cooldown_ms": 120_000,
        "created_at": created["created_at"], "updated_at": created["updated_at"],
        "sections": [
            {"section": "A", "name": "Floor A", "price_minor": 280_000, "capacity": 100},
            {"section": "B-2", "name": "Balcony", "price_minor": 0, "capacity": 7},
        ],
    });
    assert_eq!(created, expected);
    assert_eq!(server.admin().get(&event.path()).await.expect(200), expected);
    assert_eq!(server.second().await.admin().get(&event.path()).await.expect(200), expected);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_are_numbered_through_the_section_and_rows_are_labelled_either_way() {
    let server = TestServer::start().await;
    let mut described = event_json(&[]);
    described["sections"] = json!([
        {"section": "A", "name": "A", "price_minor": 1, "seats": 5, "row_length": 2},
        {"section": "B", "name": "B", "price_minor": 1, "rows": [{"row": "AA", "seats": 1}, {"row": "1", "seats": 2}]},
        {"section": "C", "name": "C", "price_minor": 1, "seats": 3},
    ]);
    let event = server.event(described).await;
    let rows = async |section: &str| {
        let seats = server.anyone().get(&event.at(&format!("sections/{section}/seats"))).await.expect(200);
        let row = |seat: &Value| format!("{}:{}", seat["seat"], seat["row"].as_str().expect("a row"));
        seats["seats"].as_array().expect("a list").iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!(rows("A").await, ["1:1", "2:1", "3:2", "4:2", "5:3"]);
    assert_eq!(rows("B").await, ["1:AA", "2:1", "3:1"]);
    assert_eq!(rows("C").await, ["1:1", "2:1", "3:1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_new_event_leaves_out_has_its_documented_default() {
    let server = TestServer::start().await;
    let sections = json!([{"section": "A", "name": "A", "price_minor": 1, "seats": 1}]);
    let event = server.draft(json!({"name": "Concert", "currency": "EUR", "sections": sections})).await;
    let read = server.admin().get(&event.path()).await.expect(200);
    assert_eq!((&read["window_ms"], &read["seats_per_customer"], &read["venue"]), (&json!(10_000), &json!(10), &json!("")));
    assert_eq!(read.get("starts_at").or(read.get("on_sale_at")).or(read.get("off_sale_at")), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_changes_what_it_names_and_nothing_else() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let before = server.anyone().get(&event.path()).await.expect(200);
    let patch = json!({"name": "Renamed", "venue": "Elsewhere", "starts_at": "2030-01-02T03:04:05Z", "on_sale_at": "2029-01-02T03:04:05.678Z",
                       "off_sale_at": "2029-12-31T22:00:00.000Z", "window_ms": 1000, "seats_per_customer": 2});
    let changed = server.admin().patch(&event.path(), &patch).await.expect(200);
    let mut expected = before.clone();
    for (field, value) in patch.as_object().expect("an object") {
        expected[field] = value.clone();
    }
    expected["starts_at"] = json!("2030-01-02T03:04:05.000Z");
    expected["updated_at"] = changed["updated_at"].clone();
    assert_eq!(changed, expected);
    assert!(changed["updated_at"].as_str() > before["updated_at"].as_str());
    assert_eq!(server.anyone().get(&event.path()).await.expect(200), expected, "readers of this server see it at once");

    let nulls = json!({"starts_at": null, "on_sale_at": null, "off_sale_at": null});
    let cleared = server.admin().patch(&event.path(), &nulls).await.expect(200);
    assert_eq!(cleared.get("starts_at").or(cleared.get("on_sale_at")).or(cleared.get("off_sale_at")), None);
    assert_eq!(cleared["name"], "Renamed");
    for nothing_new in [json!({}), json!({"name": "Renamed", "on_sale_at": null})] {
        assert_eq!(server.admin().patch(&event.path(), &nothing_new).await.expect(200), cleared, "{nothing_new}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_shows_a_change_within_half_a_second() {
    let server = TestServer::start().await;
    let second = server.second().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    second.anyone().get(&event.path()).await.expect(200);
    server.set_status(&event, "paused").await;
    let changed = std::time::Instant::now();
    loop {
        let asked = changed.elapsed();
        if second.anyone().get(&event.path()).await.expect(200)["status"] == "paused" {
            break;
        }
        assert!(asked.as_millis() <= 500, "still open {} ms after the change", asked.as_millis());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_is_opened_paused_and_opened_again_and_closed_for_good() {
    let server = TestServer::start().await;
    let event = server.draft(event_json(&[("A", 1000, 10)])).await;
    let to = async |status: &str| server.admin().patch(&event.path(), &json!({"status": status})).await;
    to("paused").await.problem(409, "event_conflict");
    let mut opened_at = std::collections::BTreeSet::new();
    for status in ["open", "open", "paused", "paused", "open", "closed", "closed"] {
        assert_eq!(to(status).await.expect(200)["status"], status);
        assert_eq!(server.anyone().get(&event.path()).await.expect(200)["status"], status);
        opened_at.insert(server.ask::<OffsetDateTime>("select opened_at from rowlock.events").await);
    }
    assert_eq!(opened_at.len(), 1, "opened for the first time at {opened_at:?}");
    for status in ["open", "paused"] {
        to(status).await.problem(409, "event_conflict");
    }
    to("draft").await.invalid("status");
    assert_eq!(server.anyone().get(&event.path()).await.expect(200)["status"], "closed");

    let never_opened = server.draft(event_json(&[("A", 1000, 10)])).await;
    assert_eq!(server.admin().patch(&never_opened.path(), &json!({"status": "closed"})).await.expect(200)["status"], "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_an_event_may_change_its_settings_in_the_same_request() {
    let server = TestServer::start().await;
    let event = server.draft(event_json(&[("A", 1000, 10)])).await;
    let opened = server.admin().patch(&event.path(), &json!({"status": "open", "window_ms": 60_000})).await.expect(200);
    assert_eq!((&opened["status"], &opened["window_ms"]), (&json!("open"), &json!(60_000)));
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let moment = |field: &str| OffsetDateTime::parse(order[field].as_str().expect("a time"), &Rfc3339).expect("a time");
    assert_eq!((moment("expires_at") - moment("created_at")).whole_milliseconds(), 60_000);
}

/// A change is one step: what is refused of it leaves the rest as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_status_leaves_the_settings_and_refused_settings_leave_the_status() {
    let server = TestServer::start().await;
    let (draft, closed) = (server.draft(event_json(&[("A", 1000, 10)])).await, server.small_event(&[("A", 1000, 10)]).await);
    server.set_status(&closed, "closed").await;
    let open = server.small_event(&[("A", 1000, 10)]).await;
    let times = json!({"status": "paused", "on_sale_at": "2030-01-02T00:00:00Z", "off_sale_at": "2030-01-01T00:00:00Z"});
    let logged = "select count(*) from rowlock.admin_actions";
    let before = (server.trace().await, server.ask::<i64>(logged).await);
    for (event, status) in [(&draft, "paused"), (&closed, "open"), (&closed, "paused")] {
        let patch = json!({"status": status, "name": "Renamed", "window_ms": 60_000});
        server.admin().patch(&event.path(), &patch).await.problem(409, "event_conflict");
    }
    server.admin().patch(&open.path(), &times).await.invalid("off_sale_at");
    assert_eq!((server.trace().await, server.ask::<i64>(logged).await), before);
}

/// Whoever changes other settings at the same moment waits, and then changes the event as the first has left it.
#[tokio::test(flavor = "multi_thread")]
async fn two_changes_at_the_same_moment_are_both_kept() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let first = server.connect().await;
    let rename = r#"begin; select rowlock.change_event(event_id, '{"name": "Renamed"}') from rowlock.events"#;
    first.batch_execute(rename).await.expect("renamed");
    let (admin, path) = (server.admin(), event.path());
    let second = tokio::spawn(async move { admin.patch(&path, &json!({"venue": "Elsewhere"})).await });
    until_somebody_waits(&server).await;
    first.batch_execute("commit").await.expect("committed");
    let changed = second.await.expect("no panic").expect(200);
    assert_eq!((&changed["name"], &changed["venue"]), (&json!("Renamed"), &json!("Elsewhere")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_window_leaves_running_orders_their_deadline() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let alice = server.customer("alice");
    let running = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    server.admin().patch(&event.path(), &json!({"window_ms": 86_400_000})).await.expect(200);
    assert_eq!(alice.order(&running).await.expect(200)["expires_at"], running["expires_at"]);
    let next = alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
    assert!(next["expires_at"].as_str() > running["expires_at"].as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_event_is_not_found_whatever_is_asked_of_it() {
    let server = TestServer::start().await;
    let nowhere = EventHandle { id: 4711 };
    let customer = server.customer("alice");
    let order = json!({"event_id": 4711, "order_id": uuid::Uuid::now_v7(), "amount_minor": 1, "currency": "TWD"});
    let selection = json!({"seats": [1]});
    let answers = [
        server.anyone().get(&nowhere.path()).await,
        server.anyone().get(&nowhere.at("sections")).await,
        server.anyone().get(&nowhere.at("sections/A/seats")).await,
        server.anyone().get(&nowhere.at("availability")).await,
        server.admin().patch(&nowhere.path(), &json!({"status": "open"})).await,
        server.admin().patch(&nowhere.path(), &json!({"status": "paused"})).await,
        server.admin().patch(&nowhere.path(), &json!({"status": "closed"})).await,
        server.admin().patch(&nowhere.path(), &json!({"window_ms": 1000})).await,
        server.admin().delete(&nowhere.path()).await,
        customer.claim_seats(&nowhere, &[("A", 1)]).await,
        customer.best_available(&nowhere, "A", 1).await,
        customer.orders(&nowhere).await,
        customer.order(&order).await,
        customer.cancel(&order).await,
        customer.keep(&order, &[("A", 1)]).await,
        server.gateway().pay(&order).await,
        server.admin().get("/v1/admin/events/4711/sales").await,
        server.admin().get("/v1/admin/events/4711/orders").await,
        server.admin().get("/v1/admin/events/4711/refunds-due").await,
        server.admin().post("/v1/admin/events/4711/sections/A/block", &selection).await,
        server.admin().post("/v1/admin/events/4711/sections/A/unblock", &selection).await,
    ];
    for answer in answers {
        answer.problem(404, "event_not_found");
    }
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.payments").await, 0);
}
