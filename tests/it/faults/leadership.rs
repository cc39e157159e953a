//! The lead of the sweep passes on when its connection is gone, and after every sweep.

use std::time::Duration;

use serde_json::Value;
use tokio_postgres::Client;

use super::ledger::SECTIONS;
use super::network::Weather;
use super::own_cluster::OnOwnCluster;
use crate::commands::process::serve;
use crate::harness::{Customer, EventHandle, JWT_SECRET, PATIENCE, RedisMode, TestServer, WEBHOOK_SECRET, event_json, eventually};
use crate::stored::server_without_expiry;

/// How soon another server leads, or the same one with a new connection.
const PASSED_ON_WITHIN: Duration = Duration::from_secs(3);
/// The backend that leads the sweep, which it does as long as it is busy: while it cannot list what is overdue.
const LEADER: &str = "select pid from pg_locks where locktype = 'advisory' and objsubid = 1 and classid::bigint >> 28 = 3
    and database = (select oid from pg_database where datname = current_database())";
/// Until this transaction ends, a sweep waits as long as it may, and finds nothing.
const LOCK_DEADLINES: &str = "begin; lock table rowlock.deadlines in access exclusive mode";

async fn leader(db: &Client) -> Option<i32> {
    db.query_opt(LEADER, &[]).await.expect("the locks").map(|row| row.get(0))
}

async fn expires(customer: &Customer, order: &Value) {
    eventually(PASSED_ON_WITHIN, || async { customer.order(order).await.expect(200)["status"] == "expired" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_leads_when_the_leaders_network_is_gone() {
    let Some(stack) = OnOwnCluster::start().await else { return };
    let (db, locker, event) = (stack.db().await, stack.db().await, stack.event(SECTIONS).await);
    db.batch_execute("update rowlock.events set window_ms = 1000").await.expect("a brief window");
    let order = stack.server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    locker.batch_execute(LOCK_DEADLINES).await.expect("its lock");
    let led_by = eventually(PATIENCE, || leader(&db)).await;
    let other = TestServer::builder().redis(RedisMode::Off).arg("--database-url", stack.url()).start().await;

    let postgres = stack.port();
    stack.network.becomes(Weather::Refusing);
    eventually(PASSED_ON_WITHIN, || async { leader(&db).await.filter(|pid| *pid != led_by) }).await;
    locker.batch_execute("commit").await.expect("released");
    expires(&other.customer("alice"), &order).await;
    stack.network.becomes(Weather::Fair(postgres));
    drop(other);
    stack.end().await;
}

/// One section with a payment window of one second.
async fn brief_event(server: &TestServer) -> EventHandle {
    let mut event = event_json(&[("A", 1000, 4)]);
    event["window_ms"] = 1_000.into();
    server.event(event).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_connection_is_killed_leads_again_with_a_new_one() {
    let server = TestServer::builder().redis(RedisMode::Off).start().await;
    let (event, locker, alice) = (brief_event(&server).await, server.connect().await, server.customer("alice"));
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    locker.batch_execute(LOCK_DEADLINES).await.expect("its lock");
    for _ in 0..3 {
        let pid = eventually(PASSED_ON_WITHIN, || leader(&server.db)).await;
        server.db.execute("select pg_terminate_backend($1)", &[&pid]).await.expect("killed");
        eventually(PASSED_ON_WITHIN, || async { leader(&server.db).await.filter(|next| *next != pid) }).await;
    }
    locker.batch_execute("commit").await.expect("released");
    expires(&alice, &order).await;
    server.assert_invariants().await;
}

/// PostgreSQL is well: an operator must not read that it cannot be reached.
#[tokio::test(flavor = "multi_thread")]
async fn one_broken_connection_of_the_leader_is_no_outage() {
    let settings = [("ROWLOCK_JWT_SECRET", JWT_SECRET), ("ROWLOCK_WEBHOOK_SECRET", WEBHOOK_SECRET)];
    let server = server_without_expiry().await;
    let (event, locker, alice) = (brief_event(&server).await, server.connect().await, server.customer("alice"));
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    locker.batch_execute(LOCK_DEADLINES).await.expect("its lock");
    let (sweeping, _) = serve(&server.database_url, &settings).await;
    let pid = eventually(PATIENCE, || leader(&server.db)).await;
    server.db.execute("select pg_terminate_backend($1)", &[&pid]).await.expect("killed");
    eventually(PASSED_ON_WITHIN, || async { leader(&server.db).await.filter(|next| *next != pid) }).await;
    locker.batch_execute("commit").await.expect("released");
    expires(&alice, &order).await;
    let log = sweeping.stderr();
    assert!(log.contains("listening") && !log.contains("cannot be reached") && !log.contains("answers again"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_keeps_its_connection_from_sweep_to_sweep() {
    let server = TestServer::builder().redis(RedisMode::Off).start().await;
    let (event, locker, alice) = (brief_event(&server).await, server.connect().await, server.customer("alice"));
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    locker.batch_execute(LOCK_DEADLINES).await.expect("its lock");
    let first = eventually(PATIENCE, || leader(&server.db)).await;
    for _ in 0..2 {
        eventually(PASSED_ON_WITHIN, || async { leader(&server.db).await.is_none() }).await;
        assert_eq!(eventually(PASSED_ON_WITHIN, || leader(&server.db)).await, first);
    }
    locker.batch_execute("commit").await.expect("released");
    expires(&alice, &order).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_swept_lets_somebody_else_lead() {
    let server = TestServer::builder().redis(RedisMode::Off).start().await;
    let (event, alice) = (brief_event(&server).await, server.customer("alice"));
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    expires(&alice, &order).await;
    eventually(PASSED_ON_WITHIN, || server.ask::<bool>("select rowlock.try_lead_sweep()")).await;
}
