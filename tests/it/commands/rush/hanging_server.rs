//! Rushes on a server that stops answering, for a while or for good.

use std::time::Duration;

use serde_json::Value;

use super::{GONE_WITHIN, number, on};
use crate::commands::process::{Running, rowlock_lab, serve};
use crate::harness::{JWT_SECRET, Scratch, TestServer, WEBHOOK_SECRET, eventually};

/// A server as a process of its own, which SIGSTOP makes hang, and everybody calling it.
async fn server_that_can_hang() -> (TestServer, Running) {
    let mut server = TestServer::start().await;
    let settings = [("ROWLOCK_JWT_SECRET", JWT_SECRET), ("ROWLOCK_WEBHOOK_SECRET", WEBHOOK_SECRET)];
    let (child, url) = serve(&server.database_url, &settings).await;
    server.url = url;
    (server, child)
}

/// Waits until more tickets than that are sold.
async fn tickets_above(server: &TestServer, number: i64) {
    eventually(GONE_WITHIN, || async { server.ask::<i64>("select count(*) from rowlock.tickets").await > number }).await;
}

/// How many in a latency histogram took longer than that.
fn slower_than(ms: f64, what: &Value) -> u64 {
    let entries = what["histogram"].as_array().expect("a histogram").iter();
    entries.filter(|entry| entry[0].as_f64() > Some(ms)).map(|entry| number(&entry[1])).sum()
}

/// Buyers who arrive while the server does not answer wait from their arrival on, not from when it answers again.
#[tokio::test(flavor = "multi_thread")]
async fn a_stall_of_the_server_shows_in_the_latency_of_everybody_who_came_in_it() {
    const STALL: Duration = Duration::from_secs(1);
    let (server, child) = server_that_can_hang().await;
    let dir = Scratch::new();
    let json = dir.path().join("report.json");
    let args = ["--buyers", "300", "--rate", "100", "--no-reads", "--own-seats", "--sections", "2", "--seats-per-section", "150"];
    let mut command = on(&server, &args).await;
    command.arg("--json").arg(&json);
    let mut rush = Running::start(command).await;
    tickets_above(&server, 20).await;
    child.signal("STOP");
    tokio::time::sleep(STALL).await;
    child.signal("CONT");
    assert!(rush.ended().await.success(), "{}{}", rush.stdout(), rush.stderr());
    let report: Value = serde_json::from_slice(&std::fs::read(&json).expect("the report")).expect("JSON");
    assert_eq!(report["sold"], 300, "{report}");
    // About 100 arrive within the second: half of them wait for more than half of it, three quarters for more than a quarter.
    let (answered, claim) = (&report["from_arrival_ms"]["answered"], &report["latency_ms"]["claim"]);
    for what in [answered, claim] {
        assert!(slower_than(550.0, what) >= 30 && slower_than(275.0, what) >= 50, "{what}");
        assert!(what["max"].as_f64() > Some(900.0), "{what}");
    }
}

/// Leaving them out would make a server look better the more it fails to answer.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_never_answered_counts_with_as_long_as_it_waited() {
    let (server, child) = server_that_can_hang().await;
    let dir = Scratch::new();
    let json = dir.path().join("report.json");
    // The verification waits until the orders whose payment nobody answered have expired.
    let args =
        ["--buyers", "60", "--rate", "30", "--timeout-s", "1", "--no-reads", "--own-seats", "--sections", "1", "--window-ms", "1000"];
    let mut command = on(&server, &args).await;
    command.arg("--json").arg(&json);
    let mut rush = Running::start(command).await;
    tickets_above(&server, 5).await;
    child.signal("STOP");
    let status = rush.ended().await;
    child.signal("CONT");
    assert_eq!(status.code(), Some(1), "{}", rush.stderr());
    let report: Value = serde_json::from_slice(&std::fs::read(&json).expect("the report")).expect("JSON");
    let (answered, silent) = (&report["from_arrival_ms"]["answered"], number(&report["buyers_ended"]["timed_out"]));
    assert!(silent > 20 && report["broken"].to_string().contains("got no answer in time"), "{report}");
    assert_eq!(answered["count"], 60, "everybody who came: {answered}");
    // Not every one: some waited for the answer to their payment and had been answered before.
    assert!(slower_than(990.0, answered) > silent / 2, "{silent} buyers: {answered}");
}

/// The server hangs, so that the verification would wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_twice_to_stop_is_obeyed_at_once() {
    let (server, child) = server_that_can_hang().await;
    let event = server.small_event(&[("A", 1000, 50)]).await;
    let mut command = rowlock_lab(&["rush", "--buyers", "60", "--rate", "10", "--no-reads", "--own-seats", "--url", &server.url]);
    command.args(["--event-id", &event.id.to_string(), "--jwt-secret", JWT_SECRET, "--webhook-secret", WEBHOOK_SECRET]);
    let mut rush = Running::start(command).await;
    tickets_above(&server, 0).await;
    child.signal("STOP");
    rush.signal("INT");
    eventually(GONE_WITHIN, || async { rush.stderr().contains("again to quit at once") }).await;
    rush.signal("INT");
    let status = rush.ended().await;
    child.signal("CONT");
    assert_eq!((status.code(), rush.stdout().as_str()), (Some(130), ""), "{}", rush.stderr());
}
