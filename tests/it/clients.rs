//! The generated clients: made from the current document, with a method for every operation, and their examples work against a server.
//! `make sdk` generates them and compiles the examples.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pretty_assertions::assert_eq;
use rowlock::auth::mint_customer_token;
use serde_json::{Value, json};

use crate::drift::in_project;
use crate::harness::{EventHandle, JWT_SECRET, TestServer, WEBHOOK_SECRET, event_json};

const LANGUAGES: [&str; 3] = ["typescript", "python", "rust"];
const TOKEN_TTL_S: u64 = 600;

/// What `make sdk` wrote at this path below `openapi/sdk`.
#[track_caller]
fn generated(path: &str) -> String {
    let file = in_project("openapi/sdk").join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}; `make sdk` writes it", file.display()))
}

#[test]
fn the_clients_are_generated_from_the_committed_document() {
    let committed = std::fs::read_to_string(in_project("openapi/openapi.json")).expect("the document");
    for language in LANGUAGES {
        let used = generated(&format!("{language}/openapi.json"));
        assert!(used == committed, "the client for {language} was generated from another document; `make sdk` generates it anew");
    }
}

/// `claimSeats` as `claim_seats`.
fn snake_case(name: &str) -> String {
    name.chars().flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] }).collect()
}

#[test]
fn every_operation_has_a_method_of_its_name_in_each_client() {
    let typescript = generated("typescript/client.ts");
    let python = generated("python/rowlock_client/__init__.py");
    let rust = generated("rust/src/client.rs");
    let operations = rowlock::operations();
    let names = operations.lines().map(|line| line.rsplit(' ').next().expect("three words"));
    for name in names.clone() {
        let snake = snake_case(name);
        assert!(typescript.contains(&format!("\n  async {name}(")), "TypeScript has no method {name}");
        assert!(python.contains(&format!("\n    def {snake}(\n")), "Python has no method {snake}");
        assert!(python.contains(&format!("\n    async def {snake}(\n")), "asynchronous Python has no method {snake}");
        assert!(rust.contains(&format!("\n    pub fn {snake}(&self)")), "Rust has no method {snake}");
    }
    assert_eq!(typescript.matches("\n  async ").count(), names.clone().count(), "a method for each operation and no other");
    assert_eq!(snake_case("claimSeats"), "claim_seats");
}

/// A program that must be installed.
#[track_caller]
fn program(path: impl Into<PathBuf>, remedy: &str) -> Command {
    let path = path.into();
    assert!(path.exists(), "{} is missing: run {remedy}", path.display());
    Command::new(path)
}

fn typescript() -> Command {
    let script = in_project("openapi/sdk/example/example.js");
    assert!(script.exists(), "{} is missing: run `make sdk-typescript`", script.display());
    let mut command = Command::new("node");
    command.arg(script);
    command
}

/// Python with the generated package on its path.
fn python() -> Command {
    let mut command = program(in_project("openapi/.venv/bin/python"), "`make sdk-python`");
    command.env("PYTHONPATH", in_project("openapi/sdk/python")).env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(in_project("openapi/examples/python/example.py"));
    command
}

/// Built next to the server's own binary.
fn rust() -> Command {
    program(Path::new(env!("CARGO_BIN_EXE_rowlock")).with_file_name("rowlock-example"), "`make sdk-rust`")
}

/// Runs an example against that server, for a customer of this name.
async fn run(mut example: Command, server: &TestServer, event: EventHandle, customer: &str, webhook_secret: &str) -> Output {
    let token = |customer: &str| mint_customer_token(JWT_SECRET, customer, TOKEN_TTL_S).expect("a token");
    example
        .env("ROWLOCK_URL", &server.url)
        .env("ROWLOCK_EVENT_ID", event.id.to_string())
        .env("ROWLOCK_TOKEN", token(customer))
        .env("ROWLOCK_RIVAL_TOKEN", token("rival"))
        .env("ROWLOCK_WEBHOOK_SECRET", webhook_secret)
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null());
    tokio::task::spawn_blocking(move || example.output().expect("the example runs")).await.expect("no panic")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The example runs to its end and leaves in the database what it says; and it notices when something is wrong.
async fn goes_all_the_way(example: fn() -> Command) {
    let server = TestServer::start().await;
    let mut event = event_json(&[("A", 1000, 4), ("B", 500, 20)]);
    event["window_ms"] = json!(60_000);
    let event = server.event(event).await;

    let output = run(example(), &server, event, "alice", WEBHOOK_SECRET).await;
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    for said in ["section B: 20 of 20 available, 500 TWD", "refused (seat_taken)", "asking again with the same key", "seats B3, B4"] {
        assert!(told.contains(said), "{said:?} is missing in:\n{told}");
    }
    assert_eq!(told.lines().last(), Some("read back: one paid, one cancelled"));
    let orders: Value = server
        .ask(
            "select jsonb_agg(jsonb_build_array(customer_id, status, (select count(*) from rowlock.tickets t where t.order_id = o.order_id))
                              order by created_at, order_id) from rowlock.orders o",
        )
        .await;
    assert_eq!(orders, json!([["rival", "cancelled", 0], ["alice", "paid", 2], ["alice", "cancelled", 0]]), "each claim was made once");

    let deceived = run(example(), &server, event, "carol", "whsec_YW5vdGhlciBzZWNyZXQsIGFuZCBsb25nIGVub3VnaA==").await;
    assert!(!deceived.status.success(), "a notice that was refused went unnoticed:\n{}", text(&deceived.stdout));
    assert!(text(&deceived.stderr).contains("invalid_signature"), "{}", text(&deceived.stderr));
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_example_goes_all_the_way() {
    goes_all_the_way(typescript).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_example_goes_all_the_way() {
    goes_all_the_way(python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_example_goes_all_the_way() {
    goes_all_the_way(rust).await;
}
