//! The server stops in order: it finishes what it has begun, and accepts nothing new.

use std::time::Duration;

use pretty_assertions::assert_eq;
use tokio::net::TcpStream;

use crate::harness::{PATIENCE, TestServer, eventually, patience_left};

/// From now on claims and payments take three seconds.
const SLOW: &str = "
    create function public.slow() returns trigger language plpgsql as 'begin perform pg_sleep(3); return new; end';
    create trigger slow before insert on rowlock.orders for each statement execute function public.slow();
    create trigger slow before insert on rowlock.payments for each statement execute function public.slow()";
/// How many of them are in progress.
const UNDER_WAY: &str = "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";

#[tokio::test(flavor = "multi_thread")]
async fn requests_under_way_are_answered_and_new_connections_are_refused() {
    let mut server = TestServer::builder().arg("--drain-s", 30).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let (alice, bob, gateway) = (server.customer("alice"), server.customer("bob"), server.gateway());
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);

    server.db.batch_execute(SLOW).await.expect("triggers");
    let claim = tokio::spawn(async move { bob.claim_seats(&event, &[("A", 2)]).await });
    let payment = tokio::spawn(async move { gateway.pay(&order).await });
    eventually(PATIENCE, || async { server.ask::<i64>(UNDER_WAY).await == 2 }).await;

    let address = server.url.trim_start_matches("http://").to_owned();
    let stopping = tokio::spawn(async move { (server.stop().await, server) });
    eventually(PATIENCE, || async { TcpStream::connect(&address).await.is_err() }).await;
    assert!(!stopping.is_finished() && !claim.is_finished() && !payment.is_finished(), "it did not wait for what is under way");

    assert_eq!(claim.await.expect("no panic").expect(201)["status"], "pending_payment");
    assert_eq!(payment.await.expect("no panic").expect(200)["outcome"], "paid");
    let (ended, server) = tokio::time::timeout(patience_left(PATIENCE), stopping).await.expect("it ends").expect("no panic");
    ended.expect("an orderly end");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_do_not_hold_up_the_end() {
    let mut server = TestServer::builder().arg("--drain-s", 30).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let idle = TcpStream::connect(server.url.trim_start_matches("http://")).await.expect("a connection that says nothing");
    tokio::time::timeout(Duration::from_secs(10), server.stop()).await.expect("it ends soon").expect("in order");
    drop(idle);
}
