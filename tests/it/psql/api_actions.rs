//! Changes through the API: the action log names the API key.

use pretty_assertions::assert_eq;
use rowlock::db::{Endpoint, api_keys};
use serde_json::{Value, json};

use super::actions::{last_action, log_after};
use super::logins::Logins;
use crate::stored::server_without_expiry;

#[tokio::test(flavor = "multi_thread")]
async fn operators_changes_through_the_api_are_written_down_too() {
    let server = server_without_expiry().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let last = last_action(&server.db).await;
    server.admin().patch(&event.path(), &json!({"status": "paused", "window_ms": 20_000})).await.expect(200);
    let block = format!("/v1/admin/events/{}/sections/A/block", event.id);
    server.admin().post(&block, &json!({"seats": [3, 1], "ranges": [{"from": 2, "to": 5}]})).await.expect(200);
    server.admin().patch(&event.path(), &json!({"status": "open"})).await.expect(200);
    let expected = [
        json!(["rowlock.change_event", null, {"status": "open", "window_ms": 10_000}, {"status": "paused", "window_ms": 20_000}]),
        json!(["rowlock.block_seats", null, {"available": "A 1-5"}, {"blocked": "A 1-5"}]),
        json!(["rowlock.change_event", null, {"status": "paused"}, {"status": "open"}]),
    ];
    assert_eq!(log_after(&server.db, last).await, expected);
    let created = server
        .ask::<i64>("select count(*) from rowlock.admin_actions where function in ('rowlock.create_event', 'admin.create_api_key')")
        .await;
    assert_eq!(created, 2);
}

/// A server has one login, whoever calls it: the log names their keys.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_the_api_key_of_changes_through_the_api_and_of_no_others() {
    let server = server_without_expiry().await;
    let logins = Logins::new(&server.database_url).await;
    let event = server.draft(crate::harness::event_json(&[("A", 1000, 10)])).await;
    let endpoint = Endpoint::new(&server.database_url, None).expect("a URL");
    let (api_key_id, api_key) = api_keys::create_api_key(&endpoint, "box office, \"east\"").await.expect("a key");
    let east = server.anyone().with("x-api-key", &api_key);
    east.patch(&event.path(), &json!({"status": "open", "window_ms": 20_000})).await.expect(200);
    east.post(&format!("/v1/admin/events/{}/sections/A/block", event.id), &json!({"seats": [1]})).await.expect(200);
    server.admin().post(&format!("/v1/admin/events/{}/sections/A/unblock", event.id), &json!({"seats": [1]})).await.expect(200);
    // Refused and rolled back, without any effect on what follows on the connection.
    east.patch("/v1/events/4711", &json!({"status": "paused"})).await.problem(404, "event_not_found");
    server.admin().patch(&event.path(), &json!({"status": "paused"})).await.expect(200);

    let olivia = logins.connect("olivia").await;
    let forged = format!("set rowlock.api_key_id = '{api_key_id}'; select admin.open_event({}, 'in disguise')", event.id);
    olivia.batch_execute(&forged).await.expect("opened");
    // A login that may do what servers do, but without a server.
    let shop = logins.connect("shop").await;
    let close = format!("select rowlock.change_event({}, '{{\"status\": \"closed\"}}')", event.id);
    shop.batch_execute(&close).await.expect("closed");

    let sql =
        "select jsonb_build_array(function, api_key_name, api_key_id) from admin.action_log where event_id is not null order by action_id";
    let found: Vec<Value> = olivia.query(sql, &[]).await.expect("the log").iter().map(|row| row.get(0)).collect();
    let east = "box office, \"east\"";
    let expected = [
        json!(["rowlock.create_event", "tests", 1]),
        json!(["rowlock.change_event", east, api_key_id]),
        json!(["rowlock.block_seats", east, api_key_id]),
        json!(["rowlock.unblock_seats", "tests", 1]),
        json!(["rowlock.change_event", "tests", 1]),
        json!(["admin.open_event", null, null]),
        json!(["rowlock.change_event", null, null]),
    ];
    assert_eq!(found, expected);
    logins.gone().await;
}
