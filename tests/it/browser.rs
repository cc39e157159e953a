//! The pages in a headless Chromium that can reach only this server. The steps are in `tests/browser/`; their screenshots are kept in
//! Cargo's folder for tests, `target/tmp/browser`.

use std::path::Path;
use std::process::Stdio;

use rowlock::auth::mint_customer_token;
use rowlock::db::Endpoint;
use rowlock_lab::charts::{Axis, BarChart, Cell, Column, Page, Table};
use rowlock_lab::rush::{Access, NewConcert, On, Plan, rush};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::drift::in_project;
use crate::harness::{JWT_SECRET, TestServer, WEBHOOK_SECRET, event_json};

/// A name that every page must treat as plain text.
const NAME: &str = "<b>Gala</b> [Sign in again](https://example.org/) & *more*";

/// An event like the demo's.
async fn concert(server: &TestServer) -> i64 {
    let sections: Vec<_> = ["A", "B", "C"].iter().zip(0..).map(|(code, index)| (*code, 680_000 - 40_000 * index, 1000)).collect();
    let mut event = event_json(&sections);
    event["name"] = json!(NAME);
    // Filling in a page takes longer than a test's request.
    event["window_ms"] = json!(600_000);
    server.event(event).await.id
}

/// Pages are too long for an environment variable, so the script gets their files.
fn write_pages(folder: &Path, pages: &Value) -> Value {
    let pages = pages.as_object().into_iter().flatten();
    pages.fold(json!({}), |mut files, (name, page)| {
        let file = folder.join(format!("report {name}.html"));
        std::fs::write(&file, page.as_str().expect("a page")).expect("a folder that can be written to");
        files[name] = json!(file);
        files
    })
}

/// Runs a script; it must succeed.
async fn browse(script: &str, mut given: Value) {
    assert!(in_project("openapi/node_modules/playwright-core").exists(), "playwright-core is missing: run .ci/clients");
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    std::fs::create_dir_all(&screenshots).expect("a folder for screenshots");
    given["screenshots"] = json!(screenshots);
    given["pages"] = write_pages(&screenshots, &given["pages"]);
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

/// The report page of a small rush. Some buyers never pay, so that every kind of step occurs.
async fn page_of_a_rush(server: &TestServer, sections: usize) -> String {
    let access = Access {
        url: server.url.clone(),
        jwt_secret: JWT_SECRET.to_owned(),
        webhook_secret: WEBHOOK_SECRET.to_owned(),
        api_key: Some(server.admin_key().to_owned()),
        database: Some(Endpoint::new(&server.database_url, None).expect("a URL")),
    };
    let name = format!("{sections} sections");
    let concert = NewConcert { name, sections, seats_per_section: 80_usize.div_ceil(sections), window_ms: 1000, seats_per_customer: 1 };
    let plan = Plan { buyers: 100, abandon: 0.3, seed: 12, ..Plan::default() };
    let report = rush(&access, &On::New(concert), &plan).await.expect("a rush");
    assert!(report.is_kept(), "{report}");
    report.html().expect("a page")
}

/// More bars, longer names and wider tables than a rush has.
fn crowded_page() -> String {
    let mut page = Page::new("Crowded", "Names that are long, and many of them");
    let names = |count: usize, name: &str| -> Vec<String> { (0..count).map(|index| format!("{name} {index}")).collect() };
    for (count, name) in [(5, "claim best available"), (12, "read"), (12, "give back some of the seats"), (40, "Balcony, left")] {
        let heights = |factor: f64| (0..count).map(|index| factor * 1.37_f64.powi(index as i32)).collect::<Vec<_>>();
        let (x, y) = (|| Axis::new("step", ""), || Axis::new("latency", "ms").log());
        let bars = BarChart::new(&format!("{count} × {name}"), names(count, name), x(), y());
        page.chart(&bars.bars("p50", heights(1.0)).bars("p90", heights(1.02)).bars("max", heights(1.04))).expect("drawn");
        let one = BarChart::new("One for each", names(count, name), x(), Axis::new("answers", ""));
        page.chart(&one.bars("answers", heights(1001.0))).expect("drawn");
    }
    let mut table = Table::new([Column::text("what")].into_iter().chain(["count", "p50", "p90", "p99", "max"].map(Column::number)));
    table.row(["from arrival until claimed again", "1,000,000", "1.0", "10.0", "100.0", "1,000.0"].map(Cell::from));
    page.table(&table);
    page.facts(&[("cpu", "without_a_space_".repeat(8))]);
    page.render()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_rush_can_be_read_on_any_screen_whatever_the_number_of_sections() {
    let server = TestServer::start().await;
    let mut pages = json!({"crowded": crowded_page()});
    for sections in [2, 10, 40] {
        pages[format!("{sections} sections")] = json!(page_of_a_rush(&server, sections).await);
    }
    browse("report.mjs", json!({"url": server.url, "pages": pages})).await;
}
