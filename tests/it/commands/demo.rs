//! `rowlock-lab demo`: what it prints works as pasted, and nothing outlives it.

use std::process::Command;
use std::time::Duration;

use super::process::{Running, alive, descendants, output_of, rowlock_lab};
use crate::harness::{Scratch, eventually, skip};
use crate::psql::logins::connect;

/// A debug build starts three servers on a busy machine.
const UP_WITHIN: Duration = Duration::from_secs(120);
/// PostgreSQL may write a checkpoint while it stops.
const GONE_WITHIN: Duration = Duration::from_secs(60);

async fn demo(dir: &Scratch) -> Running {
    let mut command = rowlock_lab(&["demo", "--no-rush", "--port", "0", "--dir"]);
    // Settings of a shell in which somebody runs a server of their own.
    let foreign = ["ROWLOCK_REQUESTS_PER_ADDRESS_PER_S", "ROWLOCK_LANES", "ROWLOCK_JWT_SECRET_FILE", "REDIS_URL"];
    command.arg(dir.path()).envs(foreign.map(|name| (name, "nonsense")));
    let demo = Running::start(command).await;
    eventually(UP_WITHIN, || async { demo.stdout().contains("Ctrl-C stops everything") }).await;
    demo
}

/// The lines of the page with this prefix.
fn lines<'a>(page: &'a str, beginning: &str) -> Vec<&'a str> {
    page.lines().filter(|line| line.starts_with(beginning)).collect()
}

/// Pastes lines into one shell; returns what it printed.
fn paste(lines: &[&str]) -> String {
    let output = output_of(Command::new("sh").args(["-c", &lines.join("\n")]));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{lines:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn is_installed(program: &str) -> bool {
    output_of(Command::new("sh").args(["-c", &format!("command -v {program}")])).status.success()
}

fn assert_works_as_pasted(page: &str) {
    if is_installed("curl") && is_installed("openssl") {
        let [read, claim, pay] = ["curl -s ", "order=$(curl ", "id=$(echo"].map(|beginning| lines(page, beginning));
        assert_eq!([read.len(), claim.len(), pay.len()], [1, 1, 1], "{page}");
        assert!(paste(&read).contains(r#""section":"A""#));
        let bought = paste(&[claim[0], pay[0]]);
        assert!(bought.contains(r#""status":"pending_payment""#) && bought.contains(r#"{"outcome":"paid"}"#), "{bought}");
    } else {
        skip("curl", "no curl or no openssl for the demo's lines");
    }
    if is_installed("psql") {
        let [check, session] = lines(page, "psql ")[..] else { panic!("a check and a session: {page}") };
        let violations = paste(&[check]);
        assert!(violations.contains("(0 rows)"), "{violations}");
        let asked = paste(&[&format!("echo 'select name from admin.seats_by_event' | {session}")]);
        assert!(asked.contains("Try it"), "{asked}");
    } else {
        skip("psql", "no psql for the demo's line");
    }
}

/// The server's connections are those of a login that is no superuser.
async fn assert_serves_without_privileges(page: &str) {
    let line = lines(page, "psql ")[0];
    let (_, rest) = line.split_once("postgres://").expect("a URL");
    let url = format!("postgres://{}", rest.split(['\'', '"', ' ']).next().expect("a URL"));
    let db = connect(&url).await;
    let sql = "select string_agg(distinct r.rolname || ' ' || r.rolsuper || ' ' || pg_has_role(r.oid, 'rowlock_owner', 'member'), ', ')
        from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
        where a.datname = current_database() and a.pid <> pg_backend_pid() and a.state = 'idle' and a.query like '%rowlock%'";
    let serving: Option<String> = db.query_one(sql, &[]).await.expect("the sessions").get(0);
    assert_eq!(serving.as_deref(), Some("rowlock_server false false"));
}

/// The first demo ends in order, the second is killed.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_demo_prints_works_its_data_is_kept_and_nothing_survives_it() {
    let dir = Scratch::new();
    let mut first = demo(&dir).await;
    let started = descendants(first.pid());
    assert!(started.len() >= 5, "PostgreSQL's processes, Redis, the server and their guards: {:?}", alive(&started));
    first.signal("INT");
    eventually(GONE_WITHIN, || async { alive(&started).is_empty() }).await;
    let status = first.ended().await;
    assert!(status.success(), "{status}: {}", first.stderr());
    let mut second = demo(&dir).await;
    let event = |page: &str| page.split("fresh concert to try: event ").nth(1).and_then(|rest| rest.split(',').next()).map(str::to_owned);
    assert_eq!(event(&first.stdout()).as_deref(), Some("1"), "{}", first.stdout());
    assert_eq!(event(&second.stdout()).as_deref(), Some("2"), "{}", second.stdout());
    assert_works_as_pasted(&second.stdout());
    assert_serves_without_privileges(&second.stdout()).await;
    let started = descendants(second.pid());
    second.signal("KILL");
    second.ended().await;
    eventually(GONE_WITHIN, || async { alive(&started).is_empty() }).await;
}
