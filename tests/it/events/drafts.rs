//! Drafts: only admins find an event that was never opened, and they can delete it.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::harness::{Answer, Caller, EventHandle, PATIENCE, TestServer, event_json, eventually};
use crate::stored::until_somebody_waits;

/// What anyone can read of an event.
const READS: [&str; 4] = ["", "/sections", "/sections/A/seats", "/availability"];

async fn reads(caller: &Caller, event: &EventHandle) -> Vec<Answer> {
    let mut answers = Vec::new();
    for rest in READS {
        answers.push(caller.get(&format!("{}{rest}", event.path())).await);
    }
    answers
}

/// Everything that customers and their gateway ask of an event.
async fn customers_and_gateway(server: &TestServer, event: &EventHandle) -> Vec<Answer> {
    let alice = server.customer("alice");
    let order = json!({"event_id": event.id, "order_id": uuid::Uuid::now_v7(), "amount_minor": 1, "currency": "TWD"});
    vec![
        alice.claim_seats(event, &[("A", 1)]).await,
        alice.best_available(event, "A", 1).await,
        alice.orders(event).await,
        alice.order(&order).await,
        alice.keep(&order, &[("A", 1)]).await,
        alice.cancel(&order).await,
        server.gateway().pay(&order).await,
    ]
}

async fn listed(caller: &Caller) -> Vec<i64> {
    let page = caller.get("/v1/events").await.expect(200);
    page["events"].as_array().expect("a list").iter().map(|event| event["event_id"].as_i64().expect("an id")).collect()
}

async fn assert_hidden(server: &TestServer, event: &EventHandle) {
    let before = server.trace().await;
    // Whatever an admin has just loaded into the caches.
    for answer in reads(&server.admin(), event).await {
        answer.expect(200);
    }
    for answer in reads(&server.anyone(), event).await.into_iter().chain(customers_and_gateway(server, event).await) {
        answer.problem(404, "event_not_found");
    }
    for answer in reads(&server.customer("alice"), event).await {
        answer.problem(404, "event_not_found");
    }
    assert!(!listed(&server.anyone()).await.contains(&event.id));
    assert!(listed(&server.admin()).await.contains(&event.id));
    assert_eq!(server.trace().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_shown_to_admins_only_until_it_is_opened_and_from_then_on_to_all() {
    let server = TestServer::start().await;
    let event = server.draft(event_json(&[("A", 1000, 10)])).await;
    assert_hidden(&server, &event).await;
    server.admin().post(&format!("/v1/admin/events/{}/sections/A/block", event.id), &json!({"seats": [1]})).await.expect(200);
    assert_hidden(&server, &event).await;
    for status in ["open", "paused", "closed"] {
        server.set_status(&event, status).await;
        for answer in reads(&server.anyone(), &event).await {
            answer.expect(200);
        }
        assert_eq!(listed(&server.anyone()).await, [event.id]);
        server.customer("alice").orders(&event).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_closed_before_it_was_ever_open_stays_hidden() {
    let server = TestServer::start().await;
    let event = server.draft(event_json(&[("A", 1000, 10)])).await;
    server.set_status(&event, "closed").await;
    assert_hidden(&server, &event).await;
    server.admin().delete(&event.path()).await.problem(409, "event_conflict");
}

/// On another server, too, both audiences share one cache.
#[tokio::test(flavor = "multi_thread")]
async fn another_server_shows_an_opened_draft_within_half_a_second() {
    let server = TestServer::start().await;
    let second = server.second().await;
    let event = server.draft(event_json(&[("A", 1000, 10)])).await;
    assert_hidden(&second, &event).await;
    server.set_status(&event, "open").await;
    let opened = std::time::Instant::now();
    loop {
        let asked = opened.elapsed();
        if reads(&second.anyone(), &event).await.iter().all(|answer| answer.status == 200) {
            break;
        }
        assert!(asked.as_millis() <= 500, "still hidden {} ms after it was opened", asked.as_millis());
    }
    second.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_sent_must_be_good_also_where_none_is_needed() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let other = format!("{}x", &server.admin_key()[..server.admin_key().len() - 1]);
    for key in ["", "rlk_unknown", other.as_str()] {
        let stranger = server.anyone().with("x-api-key", key);
        let list = stranger.get("/v1/events").await;
        for answer in reads(&stranger, &event).await.into_iter().chain([list]) {
            answer.problem(401, "unauthorized");
            assert!(answer.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("ApiKey")));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_can_be_deleted_with_all_it_has_and_is_written_down() {
    let server = TestServer::start().await;
    let kept = server.small_event(&[("A", 1000, 3)]).await;
    let event = server.draft(event_json(&[("A", 1000, 10), ("B", 500, 5)])).await;
    let second = server.second().await;
    for caller in [server.admin(), second.admin()] {
        for answer in reads(&caller, &event).await {
            answer.expect(200);
        }
    }
    server.anyone().delete(&event.path()).await.problem(401, "unauthorized");
    server.customer("alice").delete(&event.path()).await.problem(401, "unauthorized");
    let deleted = server.admin().delete(&event.path()).await;
    assert_eq!((deleted.status, deleted.bytes.len()), (204, 0));

    for answer in reads(&server.admin(), &event).await {
        answer.problem(404, "event_not_found");
    }
    server.admin().delete(&event.path()).await.problem(404, "event_not_found");
    eventually(PATIENCE, || async { reads(&second.admin(), &event).await.iter().all(|answer| answer.status == 404) }).await;
    assert_eq!(listed(&server.admin()).await, [kept.id]);
    let counts: Value = server
        .ask(
            "select jsonb_build_array((select count(*) from rowlock.events), (select count(*) from rowlock.sections),
                 (select count(*) from rowlock.section_rows), (select count(*) from rowlock.seats))",
        )
        .await;
    assert_eq!(counts, json!([1, 1, 1, 3]), "the other event is whole");
    let logged: Value = server
        .ask("select jsonb_build_array(event_id, before, after) from rowlock.admin_actions where function = 'rowlock.delete_event'")
        .await;
    let before = json!({"name": "Concert", "status": "draft", "sections": 2, "seats": 15});
    assert_eq!(logged, json!([event.id, before, {}]));
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ever_on_sale_cannot_be_deleted() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    for status in ["open", "paused", "closed"] {
        server.set_status(&event, status).await;
        let before = server.trace().await;
        server.admin().delete(&event.path()).await.problem(409, "event_conflict");
        assert_eq!(server.trace().await, before);
    }
}

/// The event's row decides: the deletion waits for the opening, and finds the event open.
#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_is_being_opened_is_not_deleted() {
    let server = TestServer::start().await;
    let event = server.draft(event_json(&[("A", 1000, 10)])).await;
    let open = format!("begin; select rowlock.change_event({}, '{{\"status\": \"open\"}}')", event.id);
    server.db.batch_execute(&open).await.expect("opened");
    let (admin, path) = (server.admin(), event.path());
    let deleting = tokio::spawn(async move { admin.delete(&path).await });
    until_somebody_waits(&server).await;
    server.db.batch_execute("commit").await.expect("committed");
    deleting.await.expect("an answer").problem(409, "event_conflict");
    server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_delete_a_draft_with_a_reason() {
    let server = TestServer::start().await;
    let event = server.draft(event_json(&[("A", 1000, 10)])).await;
    let call = |reason: &str| format!("select admin.delete_event({}, '{reason}')", event.id);
    let refused = server.db.batch_execute(&call(" ")).await.expect_err("a blank reason");
    assert_eq!(refused.code().map(|code| code.code()), Some("RL006"));
    server.db.batch_execute(&call("entered twice")).await.expect("deleted");
    let reason = "select reason from admin.action_log where function = 'admin.delete_event'";
    assert_eq!(server.ask::<String>(reason).await, "entered twice");
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.seats").await, 0);
}
