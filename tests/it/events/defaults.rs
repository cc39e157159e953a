//! Settings that a new event does not name.

use std::collections::BTreeSet;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::harness::{Document, TestServer, entries};

/// The settings with a default.
const SETTINGS: [&str; 5] = ["window_ms", "seats_per_customer", "unpaid_orders_max", "unpaid_window_ms", "cooldown_ms"];

/// The default that a description in the document names last: `…; 10 minutes if absent.`
fn described_default(description: &str) -> Option<i64> {
    let (words, _) = description.rsplit_once(" if absent")?;
    let (_, words) = words.rsplit_once("; ")?;
    let (number, unit) = words.split_once(' ').unwrap_or((words, ""));
    let factor = match unit {
        "s" => 1_000,
        "minutes" => 60_000,
        "" | "orders" => 1,
        _ => return None,
    };
    Some(number.parse::<i64>().ok()? * factor)
}

/// The least that an event may say.
fn bare(sections: &[Value]) -> Value {
    json!({"name": "Concert", "currency": "TWD", "sections": sections})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_new_event_does_not_say_is_as_the_document_describes_it_over_http_and_in_psql() {
    let server = TestServer::start().await;
    let section = json!({"section": "A", "name": "Floor", "price_minor": 100, "seats": 10, "row_length": 10});
    let over_http = server.draft(bare(&[section])).await;
    let section = json!({"code": "A", "name": "Floor", "price_minor": 100, "rows": [{"label": "1", "seats": 10}]});
    let in_psql = server.ask::<i64>(&format!("select admin.create_event('{}', 'a test')", bare(&[section]))).await;

    let properties = &Document::published().json["components"]["schemas"]["NewEvent"]["properties"];
    let counts = entries(properties).filter(|(_, property)| property["type"] == "integer").map(|(name, _)| name);
    assert_eq!(counts.collect::<BTreeSet<_>>(), BTreeSet::from(SETTINGS), "all of them are tried");
    for event_id in [over_http.id, in_psql] {
        let event = server.admin().get(&format!("/v1/events/{event_id}")).await.expect(200);
        for name in SETTINGS {
            let description = properties[name]["description"].as_str().expect("a description");
            let default = described_default(description).unwrap_or_else(|| panic!("{name} has no default that can be read: {description}"));
            assert_eq!(event[name], default, "{name}: {description}");
        }
        let texts = ["venue", "starts_at", "on_sale_at", "off_sale_at"].map(|name| event[name].clone());
        assert_eq!(texts, [json!(""), Value::Null, Value::Null, Value::Null]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_ended_unpaid_count_for_as_long_as_somebody_who_claims_again_and_again_needs_for_one_too_many() {
    let server = TestServer::start().await;
    let section = json!({"section": "A", "name": "Floor", "price_minor": 100, "seats": 10, "row_length": 10});
    for (settings, expected) in [
        (json!({"window_ms": 60_000}), 600_000),
        (json!({"window_ms": 600_000}), 3_600_000),
        (json!({"window_ms": 600_000, "unpaid_orders_max": 9}), 6_000_000),
        (json!({"window_ms": 86_400_000, "unpaid_orders_max": 100}), 86_400_000),
        (json!({"window_ms": 600_000, "unpaid_window_ms": 1_000}), 1_000),
    ] {
        let mut event = bare(std::slice::from_ref(&section));
        event.as_object_mut().expect("an object").extend(settings.as_object().expect("settings").clone());
        let event = server.draft(event).await;
        let event = server.admin().get(&event.path()).await.expect(200);
        assert_eq!(event["unpaid_window_ms"], expected, "{settings}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_they_count_follows_a_change_of_the_payment_window_unless_an_operator_has_chosen_it() {
    let server = TestServer::start().await;
    let section = json!({"section": "A", "name": "Floor", "price_minor": 100, "seats": 10, "row_length": 10});
    let event = server.draft(bare(&[section])).await;
    let in_psql = |call: String| {
        let server = &server;
        async move { server.db.batch_execute(&format!("select {call}")).await.expect("a change") }
    };
    let counts_ms =
        || async { server.ask::<i32>(&format!("select unpaid_window_ms from admin.event_settings where event_id = {}", event.id)).await };
    let change = |change: Value| {
        let (server, event) = (&server, &event);
        async move { server.admin().patch(&event.path(), &change).await.expect(200)["unpaid_window_ms"].clone() }
    };
    assert_eq!(change(json!({"window_ms": 600_000})).await, 3_600_000);
    assert_eq!(change(json!({"unpaid_orders_max": 9})).await, 6_000_000);
    in_psql(format!("admin.change_window({}, 300000, 'a test')", event.id)).await;
    assert_eq!(counts_ms().await, 3_000_000);

    assert_eq!(change(json!({"unpaid_window_ms": 1_000})).await, 1_000);
    in_psql(format!("admin.change_window({}, 600000, 'a test')", event.id)).await;
    assert_eq!(counts_ms().await, 1_000);
    assert_eq!(change(json!({"unpaid_window_ms": null})).await, 6_000_000);
    let logged = "select jsonb_build_array(before, after) from rowlock.admin_actions order by action_id desc limit 1";
    assert_eq!(server.ask::<Value>(logged).await, json!([{"unpaid_window_ms": 1_000}, {"unpaid_window_ms": 6_000_000}]));
    assert_eq!(change(json!({"window_ms": 1_000})).await, 600_000);
}
