//! The pages in a headless Chromium that sees this server and nothing else. The steps are in `tests/browser/`. What a visit that failed saw
//! is kept as pictures in Cargo's folder for tests, `target/tmp/browser`; with `ROWLOCK_BROWSER_PICTURES=1`, what every visit saw.

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

/// Seats of each section: enough to choose from, and few enough that Swagger UI shows all of them at once without delay.
const SEATS: i32 = 60;

/// A concert of three sections, which begins in a given year if it is known when.
fn concert(name: &str, seats: i32, year: Option<i32>) -> Value {
    let sections: Vec<_> = ["A", "B", "C"].iter().zip(0..).map(|(code, index)| (*code, 680_000 - 40_000 * index, seats)).collect();
    let mut event = event_json(&sections);
    event["name"] = json!(name);
    // Filling in a page takes longer than a test's request.
    event["window_ms"] = json!(600_000);
    if let Some(year) = year {
        event["starts_at"] = json!(format!("{year}-05-01T11:00:00.000Z"));
    }
    event
}

/// Puts the concert on sale that the page of the API has to fill in: the newest whose seats can be claimed, wherever it is in the list.
async fn concert_to_fill_in(server: &TestServer) -> i64 {
    server.event(concert("On sale, and older", SEATS, None)).await;
    let wanted = server.event(concert(NAME, SEATS, Some(2093))).await;
    let paused = server.event(concert("Paused", SEATS, Some(2091))).await;
    server.set_status(&paused, "paused").await;
    let mut announced = concert("Not on sale yet", SEATS, Some(2092));
    announced["on_sale_at"] = json!("2092-01-01T00:00:00.000Z");
    server.event(announced).await;
    server.event(concert("Almost sold out", 5, None)).await;
    wanted.id
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

/// Visits every page; all visits must succeed.
async fn browse(mut given: Value) {
    assert!(in_project("openapi/node_modules/playwright-core").exists(), "playwright-core is missing: run .ci/clients");
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    std::fs::create_dir_all(&screenshots).expect("a folder for screenshots");
    given["screenshots"] = json!(screenshots);
    given["pages"] = write_pages(&screenshots, &given["pages"]);
    let mut node = Command::new("node");
    node.arg(in_project("tests/browser").join("all.mjs")).env("ROWLOCK_BROWSER_TEST", given.to_string());
    let output = node.stdin(Stdio::null()).kill_on_drop(true).output().await.expect("node runs: .ci/clients installs it");
    let (printed, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}{complaint}");
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

/// One browser for all of them: whatever Swagger UI is filled in with succeeds, and every page can be read on any screen, in light and in
/// dark, the pages of rushes whatever the number of their sections.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_works_and_can_be_read_on_any_screen() {
    let server = TestServer::start().await;
    let (few, some, many) = tokio::join!(page_of_a_rush(&server, 2), page_of_a_rush(&server, 10), page_of_a_rush(&server, 40));
    let event_id = concert_to_fill_in(&server).await;
    browse(json!({
        "url": server.url,
        "event_id": event_id,
        "event_name": NAME,
        "token": mint_customer_token(JWT_SECRET, "alice", 3600).expect("a token"),
        "api_key": server.admin_key(),
        "webhook_secret": WEBHOOK_SECRET,
        "pages": {"crowded": crowded_page(), "2 sections": few, "10 sections": some, "40 sections": many},
    }))
    .await;
    server.assert_invariants().await;
    let sql = format!("select count(*) from rowlock.orders where event_id = {event_id} and status = 'paid'");
    assert_eq!(server.ask::<i64>(&sql).await, 1, "the notice that the page signed was real");
}
