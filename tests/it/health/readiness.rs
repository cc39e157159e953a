//! What readiness says of PostgreSQL, Redis, and what keeps claims from succeeding.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::harness::{Abandoned, PATIENCE, RedisMode, TestServer, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_everything_is_alive_and_ready() {
    let server = TestServer::start().await;
    assert_eq!(server.anyone().get("/livez").await.expect(200), json!({"status": "alive"}));
    let expected = json!({"status": "ready", "postgresql": "up", "redis": "up", "version": env!("CARGO_PKG_VERSION")});
    assert_eq!(server.anyone().get("/readyz").await.expect(200), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_started_without_redis_is_ready_and_says_so() {
    let server = TestServer::builder().redis(RedisMode::Off).start().await;
    let ready = server.anyone().get("/readyz").await.expect(200);
    assert_eq!((&ready["status"], &ready["redis"]), (&json!("ready"), &json!("off")));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_redis_a_server_is_degraded_and_recovers() {
    let server = TestServer::builder().redis(RedisMode::Own).start().await;
    let is = async |status: &str, redis: &str| {
        let ready = server.anyone().get("/readyz").await.expect(200);
        (ready["status"] == status && ready["redis"] == redis).then_some(())
    };
    eventually(PATIENCE, || is("ready", "up")).await;
    server.own_redis().await.kill().await;
    eventually(PATIENCE, || is("degraded", "down")).await;
    server.own_redis().await.restart().await.expect("restarted");
    eventually(PATIENCE, || is("ready", "up")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_tells_what_claims_would_meet() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10), ("B", 1000, 10)]).await;
    let ready = || async { server.anyone().get("/readyz").await };
    eventually(PATIENCE, || async { ready().await.body["status"] == "ready" }).await;

    let holder = server.connect().await;
    holder.batch_execute("begin; select from rowlock.sections where code = 'B' for update").await.expect("a lock");
    let told = eventually(PATIENCE, || async { Some(ready().await.expect(200)).filter(|told| told["status"] == "degraded") }).await;
    let detail = format!("B of event {};", event.id);
    assert!(told["detail"].as_str().is_some_and(|text| text.contains(&detail) && !text.contains("A of event")), "{told}");
    holder.batch_execute("commit").await.expect("released");
    eventually(PATIENCE, || async { ready().await.body["status"] == "ready" }).await;

    for (sqlstate, words) in
        [("53200", "lock table is full"), ("53100", "disk is full"), ("25006", "no writes"), ("XX000", "SQLSTATE XX000")]
    {
        let plant = format!(
            "create or replace function public.fail() returns trigger language plpgsql as
                'begin raise exception ''planted'' using errcode = ''{sqlstate}''; end';
             create or replace trigger fail before insert on rowlock.probes for each statement execute function public.fail()"
        );
        server.db.batch_execute(&plant).await.expect("a trigger");
        let told = eventually(PATIENCE, || async { Some(ready().await).filter(|told| told.text().contains(words)) }).await;
        told.problem(503, "unavailable");
    }
    server.db.batch_execute("drop trigger fail on rowlock.probes").await.expect("dropped");
    eventually(PATIENCE, || async { ready().await.body["status"] == "ready" }).await;
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.probes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_tells_that_a_whole_table_is_locked_or_about_to_be() {
    let server = TestServer::start().await;
    let ready = || async { server.anyone().get("/readyz").await };
    let is_ready = || async { ready().await.body["status"] == "ready" };
    let is_told = || async { Some(ready().await).filter(|told| told.status == 503 && told.text().contains("locked a whole table")) };
    let (holder, waiter) = (server.connect().await, server.connect().await);
    for table in ["orders", "seats", "sections", "deadlines"] {
        holder.batch_execute(&format!("begin; lock table rowlock.{table} in share mode")).await.expect("its lock");
        eventually(PATIENCE, is_told).await.problem(503, "unavailable");
        holder.batch_execute("commit").await.expect("released");
        eventually(PATIENCE, is_ready).await;
    }
    // Whoever wants the table for itself waits for a reader, and claims wait behind it.
    holder.batch_execute("begin; select from rowlock.events").await.expect("a reader");
    let alone = "begin; lock table rowlock.events in access exclusive mode; commit";
    let waiting = tokio::spawn(async move { waiter.batch_execute(alone).await });
    eventually(PATIENCE, is_told).await;
    holder.batch_execute("commit").await.expect("it has read");
    waiting.await.expect("no panic").expect("it had the table");
    eventually(PATIENCE, is_ready).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_tells_what_claims_met_though_the_probe_does_not() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let plant = "create function public.fail() returns trigger language plpgsql as
            'begin raise exception ''planted'' using errcode = ''53100''; end';
         create trigger fail before insert on rowlock.orders for each statement execute function public.fail()";
    server.db.batch_execute(plant).await.expect("a trigger");
    server.customer("alice").claim_seats(&event, &[("A", 1)]).await.problem(503, "unavailable");
    let ready = || async { server.anyone().get("/readyz").await.expect(200) };
    let told = eventually(PATIENCE, || async { Some(ready().await).filter(|told| told["status"] == "degraded") }).await;
    assert!(told["detail"].as_str().is_some_and(|text| text.contains("disk is full")), "{told}");
    server.db.batch_execute("drop trigger fail on rowlock.orders").await.expect("dropped");
    server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    eventually(PATIENCE, || async { ready().await["status"] == "ready" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_tells_when_claims_have_no_connection_though_it_has_its_own() {
    let server = TestServer::start().await;
    let ready = || async { server.anyone().get("/readyz").await };
    eventually(PATIENCE, || async { ready().await.body["status"] == "ready" }).await;
    let no_more = |allowed: bool| format!("update pg_database set datallowconn = {allowed} where datname = current_database()");
    server.db.batch_execute(&no_more(false)).await.expect("no new connections");
    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and query not like '%probe_claims%'";
    assert!(server.ask::<i64>(end).await > 1);
    let told = eventually(PATIENCE, || async { Some(ready().await).filter(|told| told.status == 503) }).await;
    assert!(told.problem(503, "unavailable")["detail"].as_str().is_some_and(|text| text.contains("lanes have no connection")));
    server.db.batch_execute(&no_more(true)).await.expect("connections again");
    eventually(PATIENCE, || async { ready().await.body["status"] == "ready" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_readiness_and_goes_away_causes_no_further_look() {
    let server = TestServer::start().await;
    eventually(PATIENCE, || async { server.anyone().get("/readyz").await.body["status"] == "ready" }).await;
    let counted = "create sequence public.looks minvalue 0 start 0;
         select nextval('public.looks');
         alter function rowlock.probe_claims() rename to counted_probe_claims;
         create function rowlock.probe_claims() returns table (failure text, event_id bigint, section_code text, holder text)
             language sql security definer as
             $f$select nextval('public.looks'); select pg_advisory_xact_lock_shared(1); select * from rowlock.counted_probe_claims()$f$;
         grant execute on function rowlock.probe_claims() to rowlock_app";
    server.db.batch_execute(counted).await.expect("a probe that is counted");
    let gate = server.connect().await;
    gate.batch_execute("begin; select pg_advisory_xact_lock(1)").await.expect("a closed gate");
    let looks = || async { server.ask::<i64>("select last_value from public.looks").await };
    // The last look is good for a second.
    let first = eventually(PATIENCE, || async {
        let asked = Abandoned::get(&server, "/readyz", &[]).await;
        (looks().await == 1).then_some(asked)
    })
    .await;
    first.hang_up().await;
    let second = server.anyone();
    let second = tokio::spawn(async move { second.get("/readyz").await });
    gate.batch_execute("commit").await.expect("an open gate");
    second.await.expect("no panic").expect(200);
    assert_eq!(looks().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_a_database_that_is_behind_is_alive_but_not_ready() {
    let behind = TestServer::start().await;
    behind.db.execute("delete from rowlock.applied_files where path = 'functions/claims/claim_seats.sql'", &[]).await.expect("deleted");
    let problem = behind.anyone().get("/readyz").await.problem(503, "unavailable");
    assert!(problem["detail"].as_str().expect("a text").contains("rowlock migrate"), "{problem}");
    behind.anyone().get("/livez").await.expect(200);
}
