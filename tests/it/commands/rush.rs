//! `rowlock rush`, in small.

use pretty_assertions::assert_eq;
use rowlock::db::{Endpoint, api_keys};
use serde_json::Value;

use super::process::{output_of, rowlock};
use crate::harness::{JWT_SECRET, Scratch, TestServer, WEBHOOK_SECRET};

const CONCERT: [&str; 4] = ["--sections", "4", "--seats-per-section", "50"];

/// Runs it with `--json` and answers the report, once it kept every promise.
async fn report_of(args: Vec<String>) -> Value {
    let dir = Scratch::new();
    let file = dir.path().join("report.json");
    let mut command = rowlock(&["rush", "--buyers", "200"]);
    command.args(CONCERT).args(args).arg("--json").arg(&file).arg("--timeout-s").arg("120");
    let output = tokio::task::spawn_blocking(move || output_of(&mut command)).await.expect("no panic");
    let (said, text) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {text}\n{said}", output.status);
    let report: Value = serde_json::from_slice(&std::fs::read(&file).expect("the report")).expect("JSON");
    for key in ["buyers", "seats", "sold", "oversold", "violations", "sell_out_seconds", "requests", "statuses"] {
        assert!(!report[key].is_null(), "the report has no {key}: {report}");
    }
    for (name, figure) in [("oversold", 0), ("violations", 0), ("buyers", 200), ("seats", 200)] {
        assert_eq!(report[name], figure, "{name}: {report}");
    }
    assert!(said.contains("seats sold") && said.contains("oversold        0"), "{said}");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rush_on_a_private_stack_sells_every_seat_once() {
    let dir = Scratch::new();
    let report = report_of(vec!["--dir".to_owned(), dir.path().display().to_string()]).await;
    assert_eq!(report["sold"], 200, "{report}");
    assert!(report["statuses"]["201"].as_u64() >= Some(200), "{report}");
}

/// Some leave without paying: their seats come back and are sold to others; some take what is given to them.
#[tokio::test(flavor = "multi_thread")]
async fn a_rush_on_a_running_server_with_buyers_of_every_kind_keeps_every_promise() {
    let server = TestServer::start().await;
    let endpoint = Endpoint::new(&server.database_url, None).expect("a URL");
    let (_, api_key) = api_keys::create(&endpoint, "rush").await.expect("an API key");
    let settings = [
        ("--url", server.url.as_str()),
        ("--jwt-secret", JWT_SECRET),
        ("--webhook-secret", WEBHOOK_SECRET),
        ("--api-key", &api_key),
        ("--database-url", &server.database_url),
        ("--abandon", "0.2"),
        ("--best-available", "0.5"),
        ("--window-ms", "1000"),
        ("--seed", "7"),
    ];
    let report = report_of(settings.iter().flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()]).collect()).await;
    assert!(report["buyers_ended"]["abandoned"].as_u64() > Some(0), "{report}");
    assert_eq!(report["seed"], 7);
    assert_eq!(
        server.ask::<i64>("select count(*) from rowlock.orders where status = 'paid'").await,
        report["sold"].as_i64().expect("a count")
    );
    server.assert_invariants().await;
}
