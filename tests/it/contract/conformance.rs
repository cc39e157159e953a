//! Schemathesis generates valid and invalid requests from the document, and checks every answer against it.

use std::process::Stdio;
use std::time::Duration;

use rowlock::auth::mint_customer_token;
use tokio::process::Command;
use tokio::time::timeout;

use super::stage;
use super::tools::tool;
use crate::drift::in_project;
use crate::harness::{JWT_SECRET, Scratch, WEBHOOK_SECRET};

/// Always the same requests; `ROWLOCK_CONFORMANCE_SEED` tries others.
const SEED: &str = "20260901";
/// How many requests it generates per operation, in addition to those for the edges of the schema.
const EXAMPLES: &str = "30";
const TIME_MAX: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_whatever_is_sent_as_the_document_says() {
    let server = stage::server().await;
    let scratch = Scratch::new();
    for name in ["schemathesis.toml", "conformance.py", "openapi.json"] {
        scratch.file(name, std::fs::read(in_project("openapi").join(name)).expect("a file"));
    }
    let output = std::fs::File::create(scratch.path().join("output")).expect("a file");
    let mut run = Command::new(tool(".venv/bin/schemathesis"))
        .args(["run", "openapi.json", "--url", &server.url, "--max-examples", EXAMPLES])
        .args(["--seed", &std::env::var("ROWLOCK_CONFORMANCE_SEED").unwrap_or_else(|_| SEED.to_owned())])
        .current_dir(scratch.path())
        .env("ROWLOCK_TOKEN", mint_customer_token(JWT_SECRET, stage::CUSTOMER, 3600).expect("a token"))
        .env("ROWLOCK_API_KEY", server.admin_key())
        .env("ROWLOCK_WEBHOOK_SECRET", WEBHOOK_SECRET)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdout(output.try_clone().expect("a file"))
        .stderr(output)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("schemathesis runs");
    let ended = timeout(TIME_MAX, run.wait()).await;
    let said = said(&scratch);
    let status = ended.unwrap_or_else(|_| panic!("schemathesis took longer than {} s:\n{said}", TIME_MAX.as_secs()));
    assert!(status.expect("a status").success(), "{said}");
    let operations = rowlock::operations().lines().count();
    assert!(said.contains(&format!("Tested: {operations}")), "not every operation was tried:\n{said}");
    server.assert_invariants().await;
}

fn said(scratch: &Scratch) -> String {
    std::fs::read_to_string(scratch.path().join("output")).unwrap_or_default()
}
