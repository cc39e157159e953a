//! The pages in a headless Chromium that sees this server and nothing else. The steps are in `tests/browser/`; what they saw is kept as
//! pictures in Cargo's folder for tests, `target/tmp/browser`.

use std::path::Path;
use std::process::Stdio;

use rowlock::auth::mint_customer_token;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::drift::in_project;
use crate::harness::{JWT_SECRET, TestServer, WEBHOOK_SECRET, event_json};

/// What no page may take for more than text.
const NAME: &str = "<b>Gala</b> [Sign in again](https://example.org/) & *more*";

/// A house like the demo's.
async fn concert(server: &TestServer) -> i64 {
    let sections: Vec<_> = ["A", "B", "C"].iter().zip(0..).map(|(code, index)| (*code, 680_000 - 40_000 * index, 1000)).collect();
    let mut event = event_json(&sections);
    event["name"] = json!(NAME);
    server.event(event).await.id
}

/// Runs a script; it must succeed.
async fn browse(script: &str, mut given: Value) {
    assert!(in_project("openapi/node_modules/playwright-core").exists(), "playwright-core is missing: run .ci/clients");
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    std::fs::create_dir_all(&screenshots).expect("a folder for screenshots");
    given["screenshots"] = json!(screenshots);
    let mut node = Command::new("node");
    node.arg(in_project("tests/browser").join(script)).env("ROWLOCK_BROWSER_TEST", given.to_string());
    let output = node.stdin(Stdio::null()).kill_on_drop(true).output().await.expect("node runs: .ci/clients installs it");
    let (printed, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}: {printed}{complaint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_swagger_ui_is_filled_in_with_succeeds_and_a_seat_is_sold_once() {
    let server = TestServer::start().await;
    let event_id = concert(&server).await;
    let token = mint_customer_token(JWT_SECRET, "alice", 3600).expect("a token");
    let api_key = server.admin_key();
    browse(
        "docs.mjs",
        json!({
            "url": server.url,
            "event_id": event_id,
            "event_name": NAME,
            "token": token,
            "api_key": api_key,
            "webhook_secret": WEBHOOK_SECRET,
        }),
    )
    .await;
    server.assert_invariants().await;
    let paid = server.ask::<i64>("select count(*) from rowlock.orders where status = 'paid'").await;
    assert_eq!(paid, 1, "the notice that the page signed was real");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_for_people_are_whole_in_light_and_dark_and_on_a_phone() {
    let server = TestServer::start().await;
    concert(&server).await;
    browse("pages.mjs", json!({"url": server.url})).await;
}
