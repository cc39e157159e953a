//! Admins and box offices send a key.

use pretty_assertions::assert_eq;
use rowlock::db::{Endpoint, api_keys};
use serde_json::json;
use time::OffsetDateTime;

use super::operations_with;
use crate::harness::{PATIENCE, TestServer, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admins_key_opens_the_admins_operations() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let before = server.trace().await;
    let alice = server.customer("alice");
    for (method, path) in operations_with("AdminKey", &event) {
        let with_key = |key: &str| server.anyone().with("x-api-key", key);
        let (unknown, malformed) = (with_key("rlk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), with_key("rlk_"));
        let takes = "this operation takes an API key in `X-Api-Key`";
        for (caller, detail, is_of_its_kind) in [
            (&server.anyone(), format!("{takes}, and none was sent"), false),
            (&*alice, format!("{takes}, not a bearer token"), false),
            (&unknown, "the API key is unknown or was revoked".to_owned(), true),
            (&malformed, "the API key is malformed: `rowlock api-key create` did not create it".to_owned(), true),
            (&with_key(""), "the header X-Api-Key is empty".to_owned(), true),
        ] {
            let answer = caller.send(caller.request_in_form(method.clone(), &path, &json!({"status": "closed"}))).await;
            assert_eq!(answer.problem(401, "unauthorized")["detail"], detail, "{method} {path}");
            let error = if is_of_its_kind { format!(", error=\"invalid_key\", error_description=\"{detail}\"") } else { String::new() };
            let challenge = format!("ApiKey header=\"X-Api-Key\"{error}");
            assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()), "{method} {path}");
        }
    }
    // And an API key is not a customer token.
    let refused = server.admin().get(&event.at("orders")).await;
    let detail = "this operation takes a customer's token in `Authorization: Bearer …`, not an API key";
    assert_eq!(refused.problem(401, "unauthorized")["detail"], detail);
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    assert_eq!(server.trace().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_stops_working_within_seconds_and_its_neighbour_does_not() {
    let server = TestServer::start().await;
    let endpoint = Endpoint::new(&server.database_url, None).expect("a URL");
    let (api_key_id, api_key) = api_keys::create_api_key(&endpoint, "box office").await.expect("a key");
    let box_office = server.anyone().with("x-api-key", &api_key);
    box_office.get("/v1/admin/dead-letters").await.expect(200);
    api_keys::revoke_api_key(&endpoint, api_key_id).await.expect("revoked");
    eventually(PATIENCE, || async { box_office.get("/v1/admin/dead-letters").await.status == 401 }).await;
    box_office.get("/v1/admin/dead-letters").await.problem(401, "unauthorized");
    server.admin().get("/v1/admin/dead-letters").await.expect(200);

    let stored = "select count(*) from rowlock.api_keys where encode(hash, 'escape') like '%rlk%' or name like '%rlk%'";
    assert_eq!(server.ask::<i64>(stored).await, 0, "a key itself is never stored");
    assert!(api_keys::revoke_api_key(&endpoint, 4711).await.is_err());
}

/// When the key was last used, as operators see it.
async fn last_used(server: &TestServer, api_key_id: i64) -> Option<OffsetDateTime> {
    server.ask(&format!("select last_used_at from admin.api_keys where api_key_id = {api_key_id}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_use_of_a_key_is_written_down_to_the_minute() {
    let server = TestServer::start().await;
    let endpoint = Endpoint::new(&server.database_url, None).expect("a URL");
    let (api_key_id, api_key) = api_keys::create_api_key(&endpoint, "box office").await.expect("a key");
    assert_eq!(last_used(&server, api_key_id).await, None);
    server.anyone().with("x-api-key", "rlk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").get("/v1/admin/dead-letters").await.expect(401);
    server.anyone().with("x-api-key", &api_key).get("/v1/admin/dead-letters").await.expect(200);
    let first = eventually(PATIENCE, || last_used(&server, api_key_id)).await;
    assert!((OffsetDateTime::now_utc() - first).abs() < time::Duration::minutes(1), "{first}");
    let others = server.ask::<i64>("select count(*) from rowlock.api_keys where last_used_at is not null").await;
    assert_eq!(others, 1, "nobody else's key was used");

    let note = format!("select rowlock.note_api_key_use({api_key_id})");
    server.db.batch_execute(&note).await.expect("noted");
    assert_eq!(last_used(&server, api_key_id).await, Some(first), "not with every use");
    let long_ago = "update rowlock.api_keys set last_used_at = last_used_at - interval '61 s'";
    server.db.batch_execute(&format!("{long_ago}; {note}")).await.expect("noted");
    assert!(last_used(&server, api_key_id).await >= Some(first), "a minute later it is written down again");

    // The key's row is locked; using the key must not wait for it.
    let other = endpoint.connect().await.expect("a connection").0;
    other.batch_execute(&format!("{long_ago}; begin; select from rowlock.api_keys for update")).await.expect("locked");
    server.db.batch_execute(&format!("set lock_timeout = 1; {note}; reset lock_timeout")).await.expect("not waited for");
}
