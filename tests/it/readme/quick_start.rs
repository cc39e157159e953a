//! "Try it by hand" and "From psql", run exactly as written against a server like the demo's.

use std::process::Output;

use rowlock::auth::mint_customer_token;
use serde_json::Value;
use tokio::process::Command;

use super::blocks::{Block, Kind};
use super::readme_block;
use crate::harness::{JWT_SECRET, TestServer, event_json, postgres_program, skip};

async fn shell(command: &str, variables: &[(&str, &str)]) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).envs(variables.iter().copied());
    shell.output().await.expect("a shell")
}

/// Runs a `curl` line; returns status and body.
async fn ask(line: &str, variables: &[(&str, &str)]) -> (u16, Value) {
    let line = line.replace("curl -s ", "curl -s -w '\n%{http_code}' ");
    let output = shell(&line, variables).await;
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let (body, status) = text.rsplit_once('\n').unwrap_or_else(|| panic!("{line}: {}", String::from_utf8_lossy(&output.stderr)));
    (status.parse().expect("a status"), serde_json::from_str(body).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_tried_by_hand_works_as_pasted() {
    let server = TestServer::start().await;
    let event = server.event(event_json(&[("A", 680_000, 1000), ("B", 640_000, 1000)])).await.id.to_string();
    let token = mint_customer_token(JWT_SECRET, "you", 3600).expect("a token");
    let lines: Vec<_> = readme_block(Kind::Shell, "Try it by hand").iter().flat_map(Block::commands).collect();
    let (mut statuses, mut new_event) = (Vec::new(), String::new());
    for line in &lines {
        let [url, key] = [server.url.as_str(), server.admin_key()];
        let variables = [("URL", url), ("TOKEN", &token), ("KEY", key), ("EVENT", &event), ("NEW_EVENT", &new_event)];
        let (status, body) = ask(line, &variables).await;
        assert!(status < 300, "{line}: {status} {body}");
        statuses.push(status);
        if body["status"] == "draft" {
            new_event = body["event_id"].to_string();
        }
    }
    // Sections; two claims; a new event, opened.
    assert_eq!(statuses, [200, 201, 201, 201, 200]);
    let opened = server.anyone().get(&format!("/v1/events/{new_event}")).await.expect(200);
    assert_eq!((&opened["status"], opened["sections"].as_array().map(Vec::len)), (&"open".into(), Some(2)));
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_asked_in_psql_is_answered() {
    let server = TestServer::start().await;
    for id in [1, 2] {
        assert_eq!(server.event(event_json(&[("A", 1000, 1000), ("B", 800, 1000)])).await.id, id);
    }
    let major = server.ask::<i32>("select current_setting('server_version_num')::integer / 10000").await;
    let Some(psql) = postgres_program("psql", major) else {
        return skip("psql", &format!("there is no psql of PostgreSQL {major}"));
    };
    for block in readme_block(Kind::Sql, "From psql") {
        let mut run = Command::new(&psql);
        run.args(["--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--dbname", &server.database_url, "--command"]);
        // Each statement is one of psql's, with a transaction of its own.
        for statement in block.text.split_inclusive(";\n") {
            run.arg(statement.trim()).arg("--command");
        }
        let output = run.arg("select 'the end'").output().await.expect("psql runs");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && printed.contains("the end"), "{printed}{}", String::from_utf8_lossy(&output.stderr));
        assert!(printed.contains("(0 rows)"), "no invariant is violated: {printed}");
    }
    server.assert_invariants().await;
}
