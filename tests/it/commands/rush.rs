//! `rowlock-lab rush` with few buyers: every preset, both reports, and a rush that is stopped.

mod hanging_server;

use std::process::Command;
use std::time::Duration;

use futures_util::future::join_all;
use pretty_assertions::assert_eq;
use rowlock::db::{Endpoint, api_keys};
use serde_json::{Value, json};

use super::process::{Running, alive, descendants, output_of, rowlock_lab};
use crate::harness::{JWT_SECRET, Scratch, TestServer, WEBHOOK_SECRET, eventually};

/// A debug build on a busy machine.
const GONE_WITHIN: Duration = Duration::from_secs(120);

/// Runs it with `--json` and `--html`, and returns the report once it kept every promise.
async fn report_of(mut command: Command) -> Value {
    let dir = Scratch::new();
    let (json, html) = (dir.path().join("report.json"), dir.path().join("report.html"));
    command.arg("--json").arg(&json).arg("--html").arg(&html).args(["--timeout-s", "120"]);
    let output = tokio::task::spawn_blocking(move || output_of(&mut command)).await.expect("no panic");
    let (said, text) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {text}\n{said}", output.status);
    let report: Value = serde_json::from_slice(&std::fs::read(&json).expect("the report")).expect("JSON");
    for key in ["buyers", "seats", "sold", "oversold", "violations", "sell_out_seconds", "requests", "statuses"] {
        assert!(!report[key].is_null(), "the report has no {key}: {report}");
    }
    assert_eq!((&report["oversold"], &report["violations"], &report["interrupted"]), (&json!(0), &json!(0), &json!(false)), "{report}");
    assert!(said.contains("seats sold") && said.contains("oversold        0"), "{said}");
    for (what, file) in [("page", &html), ("JSON", &json)] {
        assert!(said.contains(&format!("  {what}            {}\n", file.display())), "it does not say where the {what} is: {said}");
    }
    assert_accounted_for(&report);
    let page = std::fs::read_to_string(&html).expect("the page");
    assert!(page.contains("Every promise was kept") && page.matches("<svg").count() >= 5, "{page}");
    report
}

/// Every order and every buyer is counted once.
fn assert_accounted_for(report: &Value) {
    let sum = |of: &Value, but: &str| -> u64 {
        let parts = of.as_object().expect("counts").iter().filter(|(name, _)| *name != but);
        parts.map(|(_, count)| count.as_u64().expect("a count")).sum()
    };
    assert_eq!(sum(&report["orders"], "orders"), number(&report["orders"]["orders"]), "{report}");
    assert_eq!(sum(&report["buyers_ended"], ""), number(&report["buyers"]), "{report}");
    let last = report["sold_over_time"].as_array().and_then(|points| points.last()).expect("a timeline");
    assert_eq!(last[1], report["sold"], "{report}");
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))
}

/// A rush on a running server.
async fn on(server: &TestServer, args: &[&str]) -> Command {
    let endpoint = Endpoint::new(&server.database_url, None).expect("a URL");
    let (_, api_key) = api_keys::create_api_key(&endpoint, "rush").await.expect("an API key");
    let mut command = rowlock_lab(&["rush"]);
    command.args(args).args(["--url", &server.url, "--jwt-secret", JWT_SECRET, "--webhook-secret", WEBHOOK_SECRET]);
    command.args(["--api-key", &api_key, "--database-url", &server.database_url]);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rush_on_a_private_stack_sells_every_seat_once() {
    let dir = Scratch::new();
    let mut command = rowlock_lab(&["rush", "--buyers", "200", "--sections", "4", "--seats-per-section", "50", "--dir"]);
    command.arg(dir.path());
    let report = report_of(command).await;
    assert_eq!((&report["sold"], &report["buyers"], &report["seats"]), (&json!(200), &json!(200), &json!(200)), "{report}");
    assert!(report["statuses"]["201"].as_u64() >= Some(200), "{report}");
}

/// Some leave without paying, and their seats are sold to others; some let the server choose.
#[tokio::test(flavor = "multi_thread")]
async fn a_rush_with_buyers_of_every_kind_keeps_every_promise() {
    let server = TestServer::start().await;
    let args = ["--buyers", "200", "--sections", "4", "--seats-per-section", "50", "--abandon", "0.2", "--best-available", "0.5"];
    let report = report_of(on(&server, &[&args[..], &["--window-ms", "1000", "--seed", "7"]].concat()).await).await;
    assert!(number(&report["buyers_ended"]["abandoned"]) > 0, "{report}");
    assert_eq!(report["seed"], 7);
    let paid = server.ask::<i64>("select count(*) from rowlock.orders where status = 'paid'").await;
    assert_eq!(paid as u64, number(&report["sold"]), "{report}");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_rivals_for_one_seat_exactly_one_wins_and_all_are_answered() {
    let server = TestServer::start().await;
    let report = report_of(on(&server, &["same-seat", "--buyers", "150"]).await).await;
    assert_eq!(report["statuses"], json!({"200": 1, "201": 1, "409": 149}), "{report}");
    assert_eq!((&report["sold"], &report["seats"], &report["orders"]["paid"]), (&json!(1), &json!(1), &json!(1)), "{report}");
    assert_eq!((&report["buyers_ended"]["paid"], &report["buyers_ended"]["refused"]), (&json!(1), &json!(149)), "{report}");
}

/// A free order is paid as it is claimed, even where its buyer meant to leave without paying.
#[tokio::test(flavor = "multi_thread")]
async fn free_seats_are_sold_without_a_payment() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 0, 20)]).await;
    let args = ["--event-id", &event.id.to_string(), "--buyers", "20", "--abandon", "0.5", "--seed", "1"];
    let report = report_of(on(&server, &args).await).await;
    assert_eq!(
        (&report["sold"], &report["orders"]["paid"], &report["buyers_ended"]["paid"]),
        (&json!(20), &json!(20), &json!(20)),
        "{report}"
    );
    assert!(report["latency_ms"].get("pay").is_none(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn abandoned_seats_expire_and_are_sold_to_those_who_wait() {
    let server = TestServer::start().await;
    let args = ["abandon-half", "--buyers", "40", "--sections", "2", "--seats-per-section", "6", "--window-ms", "1000", "--seed", "3"];
    let report = report_of(on(&server, &args).await).await;
    assert_eq!((&report["sold"], &report["orders"]["paid"], &report["orders"]["pending"]), (&json!(12), &json!(12), &json!(0)), "{report}");
    assert!(number(&report["orders"]["expired"]) > 0 && number(&report["claimed_again"]) > 0, "{report}");
    let ours = number(&report["claimed_again"]) + 12;
    assert_eq!(number(&report["orders"]["orders"]), ours, "every seat claimed again had an order before: {report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_preset_sells_what_its_buyers_came_for() {
    let server = TestServer::start().await;
    let presets = [("two-seats", "30", 60), ("best-available", "60", 60), ("million-seats", "40", 40)];
    let rushes = presets.map(async |(preset, buyers, sold)| {
        let args = [preset, "--buyers", buyers, "--sections", "2", "--seats-per-section", "30"];
        let report = report_of(on(&server, &args).await).await;
        assert_eq!(report["sold"], sold, "{preset}: {report}");
    });
    join_all(rushes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_who_know_their_seats_ask_twice_and_nobody_is_refused() {
    let server = TestServer::start().await;
    let args = ["--buyers", "60", "--sections", "3", "--seats-per-section", "20", "--own-seats"];
    let blind = [&args[..], &["--no-reads"]].concat();
    let (blind, reading) = tokio::join!(report_of(on(&server, &blind).await), report_of(on(&server, &args).await));
    assert_eq!(blind["statuses"], json!({"200": 60, "201": 60}), "{blind}");
    assert_eq!(reading["statuses"], json!({"200": 180, "201": 60}), "with both reads: {reading}");
}

/// The seats that a rush has sold: the order of arrival does not matter when buyers choose before they look.
async fn sold_by_seed(server: &TestServer, seed: &str) -> String {
    let args = ["--buyers", "40", "--sections", "2", "--seats-per-section", "500", "--no-reads", "--one-try", "--seed", seed];
    let report = report_of(on(server, &args).await).await;
    assert!(number(&report["sold"]) > 30, "{report}");
    let seats = "string_agg(section_no || ' ' || seat_no, ', ' order by section_no, seat_no)";
    server.ask(&format!("select {seats} from rowlock.tickets where event_id = {}", report["event_id"])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_buys_the_same_seats() {
    let server = TestServer::start().await;
    let (first, again, other) = tokio::join!(sold_by_seed(&server, "5"), sold_by_seed(&server, "5"), sold_by_seed(&server, "6"));
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rush_that_is_stopped_reports_what_had_happened_and_leaves_nothing_behind() {
    let dir = Scratch::new();
    let (json, html) = (dir.path().join("report.json"), dir.path().join("report.html"));
    // Half of the seats are held for an hour by orders that nobody pays.
    let mut command = rowlock_lab(&["rush", "--buyers", "40", "--sections", "2", "--seats-per-section", "10", "--abandon", "0.5"]);
    command.args(["--window-ms", "3600000", "--seed", "1", "--dir"]).arg(dir.path().join("stack"));
    command.arg("--json").arg(&json).arg("--html").arg(&html);
    let mut rush = Running::start(command).await;
    eventually(GONE_WITHIN, || async { rush.stderr().contains(" held, ") && !rush.stderr().contains("; 0 held") }).await;
    let started = descendants(rush.pid());
    assert!(started.len() >= 5, "{:?}", alive(&started));
    rush.signal("INT");
    let status = rush.ended().await;
    assert_eq!(status.code(), Some(130), "{}{}", rush.stdout(), rush.stderr());
    eventually(GONE_WITHIN, || async { alive(&started).is_empty() }).await;
    let report: Value = serde_json::from_slice(&std::fs::read(&json).expect("the report")).expect("JSON");
    assert_eq!((&report["interrupted"], &report["violations"], &report["oversold"]), (&json!(true), &json!(0), &json!(0)), "{report}");
    assert!(number(&report["orders"]["pending"]) > 0 && number(&report["buyers_ended"]["interrupted"]) > 0, "{report}");
    assert_accounted_for(&report);
    assert!(rush.stdout().contains("Stopped after"), "{}", rush.stdout());
    assert!(std::fs::read_to_string(&html).expect("the page").contains("stopped early"));
}
