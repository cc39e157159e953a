//! Idempotency keys of new events: a repeated request returns the event that it created.

use pretty_assertions::assert_eq;
use rowlock::db::{Endpoint, api_keys};
use serde_json::json;

use crate::harness::{Caller, PATIENCE, TestServer, event_json, eventually, rivals};

async fn create(admin: &Caller, key: &str, body: &serde_json::Value) -> crate::harness::Answer {
    admin.with("idempotency-key", key).post("/v1/events", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_with_the_same_request_answers_the_event_it_created() {
    let server = TestServer::start().await;
    let second = server.second().await;
    let admin = server.admin();
    let body = event_json(&[("A", 1000, 20)]);
    let first = create(&admin, "key-1", &body).await;
    let event = first.expect(201);
    assert_eq!(first.header("idempotent-replayed"), None);
    let logged = "select count(*) from rowlock.admin_actions where function = 'rowlock.create_event'";
    let before = server.trace().await;
    for admin in [&admin, &second.admin()] {
        let again = create(admin, "key-1", &body).await;
        assert_eq!(again.expect(201), event);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(again.header("location"), first.header("location"));
    }
    // Other formatting, and another way to write the same rows and the same time, are the same request.
    let mut spelled = body.clone();
    spelled["sections"][0] =
        json!({"rows": [{"seats": 10, "row": "1"}, {"row": "2", "seats": 10}], "price_minor": 1000, "name": "Section A", "section": "A"});
    assert_eq!(create(&admin, "key-1", &spelled).await.expect(201), event);
    assert_eq!(server.trace().await, before);
    assert_eq!(server.ask::<i64>(logged).await, 1, "it is written down once");

    server.admin().patch(&format!("/v1/events/{}", event["event_id"]), &json!({"status": "open", "name": "Renamed"})).await.expect(200);
    let now = create(&admin, "key-1", &body).await.expect(201);
    assert_eq!((&now["event_id"], &now["status"], &now["name"]), (&event["event_id"], &json!("open"), &json!("Renamed")), "as it is now");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_with_another_request_is_refused() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let body = event_json(&[("A", 1000, 20)]);
    create(&admin, "key-1", &body).await.expect(201);
    let before = server.trace().await;
    let mut others = vec![body.clone(); 4];
    others[0]["name"] = json!("Another");
    others[1]["starts_at"] = json!("2030-01-02T03:04:05Z");
    others[2]["sections"][0]["price_minor"] = json!(1001);
    others[3]["sections"][0]["seats"] = json!(21);
    for other in &others {
        create(&admin, "key-1", other).await.problem(422, "idempotency_key_reused");
    }
    assert_eq!(server.trace().await, before);
    create(&admin, "key-2", &others[0]).await.expect(201);
    create(&admin, "", &body).await.invalid("Idempotency-Key");
    create(&admin, "two words", &body).await.invalid("Idempotency-Key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_counts_for_one_api_key_and_a_refused_request_leaves_it_unused() {
    let server = TestServer::start().await;
    let endpoint = Endpoint::new(&server.database_url, None).expect("a URL");
    let (api_key_id, api_key) = api_keys::create_api_key(&endpoint, "the other box office").await.expect("a key");
    let other = server.anyone().with("x-api-key", &api_key);
    let body = event_json(&[("A", 1000, 20)]);
    let mut refused = body.clone();
    refused["name"] = json!("");
    create(&server.admin(), "key-1", &refused).await.invalid("name");
    // The API lets nothing through that only the database would refuse, so this goes directly to the database.
    let own = server.ask::<i64>("select min(api_key_id) from rowlock.api_keys").await;
    let sql = "select outcome from rowlock.create_event($1, $2, 'key-1')";
    let sections = json!([{"code": "A", "name": "A", "price_minor": 1, "rows": [{"label": "\t", "seats": 1}]}]);
    let late = json!({"name": "Concert", "currency": "TWD", "sections": sections});
    assert!(server.db.query_one(sql, &[&late, &own]).await.is_err(), "refused after the key was taken");
    let one = create(&server.admin(), "key-1", &body).await.expect(201);
    let two = create(&other, "key-1", &body).await.expect(201);
    assert_ne!(one["event_id"], two["event_id"]);
    assert_eq!(create(&other, "key-1", &body).await.expect(201)["event_id"], two["event_id"]);
    let creator = format!("select api_key_id from rowlock.event_keys where event_id = {}", two["event_id"]);
    assert_eq!(server.ask::<i64>(&creator).await, api_key_id);
    // Without a key, each request is a new one.
    for _ in 0..2 {
        server.admin().post("/v1/events", &body).await.expect(201);
    }
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.events").await, 4);
}

/// A retry may come late: by then the event may have been deleted, and nobody wants a second one.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_outlives_the_draft_that_it_created() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let (body, mut other) = (event_json(&[("A", 1000, 20)]), event_json(&[("A", 1000, 20)]));
    other["name"] = json!("Another");
    for key in ["deleted-by-admin", "deleted-from-psql"] {
        let event = create(&admin, key, &body).await.expect(201);
        if key == "deleted-by-admin" {
            assert_eq!(admin.delete(&format!("/v1/events/{}", event["event_id"])).await.status, 204);
        } else {
            let delete = format!("select admin.delete_event({}, 'entered twice')", event["event_id"]);
            server.db.batch_execute(&delete).await.expect("deleted");
        }
        create(&admin, key, &body).await.problem(410, "event_deleted");
        create(&admin, key, &other).await.problem(422, "idempotency_key_reused");
    }
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.events").await, 0);

    let sections = json!([{"code": "A", "name": "A", "price_minor": 1, "rows": [{"label": "1", "seats": 1}]}]);
    let described = json!({"name": "Concert", "currency": "TWD", "sections": sections});
    for outcome in ["created", "replayed"] {
        let answer = server.db.query_one("select outcome from rowlock.create_event($1, 7, 'key')", &[&described]).await;
        assert_eq!(answer.expect("an answer").get::<_, &str>(0), outcome);
        server.db.batch_execute("select admin.delete_event(event_id, 'a test') from rowlock.events").await.expect("deleted, if there");
    }
    create(&admin, "new-key", &body).await.expect(201);
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.events").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rivals_under_one_key_create_one_event() {
    let server = TestServer::start().await;
    let second = server.second().await;
    let body = event_json(&[("A", 1000, 200)]);
    let answers = rivals(6, |index| {
        let admin = if index % 2 == 0 { server.admin() } else { second.admin() };
        let body = body.clone();
        // On a busy machine a rival may be told to try again, which is safe.
        async move {
            eventually(PATIENCE, || async {
                let answer = create(&admin, "key-1", &body).await;
                (answer.status != 503).then_some(answer)
            })
            .await
        }
    })
    .await;
    let ids: Vec<_> = answers.iter().map(|answer| answer.expect(201)["event_id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let fresh = answers.iter().filter(|answer| answer.header("idempotent-replayed").is_none()).count();
    assert!(fresh <= 1, "one created it, the others found it: {fresh}");
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.events").await, 1);
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.seats").await, 200);
    let logged = "select count(*) from rowlock.admin_actions where function = 'rowlock.create_event'";
    assert_eq!(server.ask::<i64>(logged).await, 1, "it is written down once");
    server.assert_invariants().await;
}
