//! How often a server asks the database for one event.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::harness::{PATIENCE, TestServer, eventually, rivals};

/// The functions that read an event; their calls are counted.
const READING: [&str; 3] = ["event_with_sections", "get_event", "section_summary"];

/// Adds a counter to each reading function.
async fn count_calls(server: &TestServer) {
    for name in READING {
        let sql = format!(
            "create sequence public.calls_of_{name} minvalue 0 start 0;
             select nextval('public.calls_of_{name}');
             do $do$
             declare
                 v_result text := pg_get_function_result('rowlock.{name}(bigint)'::regprocedure);
             begin
                 alter function rowlock.{name}(bigint) rename to counted_{name};
                 execute format('create function rowlock.{name}(bigint) returns %s language sql security definer as
                     $f$select nextval(''public.calls_of_{name}''); select * from rowlock.counted_{name}($1)$f$', v_result);
                 grant execute on function rowlock.{name}(bigint) to rowlock_app;
             end
             $do$"
        );
        server.db.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}

/// How often each of them was called since they were counted.
async fn calls(server: &TestServer) -> [i64; 3] {
    let mut counts = [0; 3];
    for (count, name) in counts.iter_mut().zip(READING) {
        *count = server.ask(&format!("select last_value from public.calls_of_{name}")).await;
    }
    counts
}

async fn read(server: &TestServer, path: &str) -> Value {
    server.anyone().get(path).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_a_server_does_not_know_takes_one_call() {
    let known = TestServer::start().await;
    let event = known.small_event(&[("A", 1000, 10), ("B", 500, 20)]).await;
    let (its_event, its_sections) = (read(&known, &event.path()).await, read(&known, &event.at("sections")).await);
    count_calls(&known).await;

    let cold = known.second().await;
    assert_eq!(read(&cold, &event.path()).await, its_event);
    assert_eq!(calls(&known).await, [1, 0, 0], "the event and its sections");

    let cold = known.second().await;
    assert_eq!(read(&cold, &event.at("sections")).await, its_sections);
    assert_eq!(calls(&known).await, [2, 0, 0], "the sections and their counts");
    // From then on, only what changes is read.
    eventually(PATIENCE, || async {
        read(&cold, &event.path()).await;
        read(&cold, &event.at("sections")).await;
        let [whole, settings, counts] = calls(&known).await;
        assert_eq!(whole, 2, "what never changes is known");
        settings > 0 && counts > 0
    })
    .await;

    cold.anyone().get("/v1/events/987654").await.problem(404, "event_not_found");
    assert_eq!(calls(&known).await[0], 3, "an event that is not there");
}

/// A layout never changes: once it is known, no claim asks for it, nor for the settings, however old these are.
#[tokio::test(flavor = "multi_thread")]
async fn claims_for_an_event_that_a_server_knows_read_nothing_of_it() {
    const SETTINGS_KEPT: Duration = Duration::from_millis(300);
    let known = TestServer::start().await;
    let event = known.small_event(&[("A", 1000, 1000)]).await;
    count_calls(&known).await;
    let cold = known.second().await;
    let alice = cold.customer("alice");
    let begun = Instant::now();
    while begun.elapsed() < SETTINGS_KEPT * 2 {
        alice.best_available(&event, "A", 1).await.expect(201);
    }
    assert_eq!(calls(&known).await, [1, 0, 0], "the event and its sections, once");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_readers_of_an_unknown_event_make_one_call() {
    let known = TestServer::start().await;
    let event = known.small_event(&[("A", 1000, 10)]).await;
    count_calls(&known).await;
    let cold = known.second().await;
    rivals(60, |index| {
        let (anyone, path) = (cold.anyone(), [event.path(), event.at("sections"), event.at("sections/A/seats")][index % 3].clone());
        async move { anyone.get(&path).await.expect(200) }
    })
    .await;
    assert_eq!(calls(&known).await[0], 1);
}
