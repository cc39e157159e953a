//! Runs each query of the cookbook in `sql/README.md` through the `psql` program, exactly as printed there.

use std::path::Path;
use std::process::Command;

use pretty_assertions::assert_eq;
use rowlock::db::Endpoint;
use rowlock::db::migrate::migrate;
use rowlock_lab::embedded::postgres_program;
use tokio_postgres::Client;

use super::SALE;
use super::logins::{connect, url_as};
use crate::drift::{blessing, in_project};
use crate::harness::{PATIENCE, Scratch, eventually, own_postgres};

const README: &str = "sql/README.md";
const QUESTIONS: usize = 20;
const PASSWORD: &str = "open-sesame";
/// Values under these headings differ from run to run.
const MEASURED: [&str; 4] = ["overdue_ms", "waiting_ms", "waiting_pid", "blocking_pids"];

/// A question's query and its answer.
#[derive(Debug, PartialEq, Eq)]
struct Recipe {
    sql: String,
    /// First and last line of the answer, as indexes into the lines of the page.
    answer: std::ops::Range<usize>,
}

/// The questions' titles, and the queries with their answers.
fn read_cookbook(lines: &[&str]) -> (Vec<String>, Vec<Recipe>) {
    let begin = lines.iter().position(|line| *line == "## Cookbook").expect("a cookbook");
    let (mut titles, mut recipes) = (Vec::new(), Vec::new());
    let mut at = begin + 1;
    while at < lines.len() && !lines[at].starts_with("## ") {
        if let Some(title) = lines[at].strip_prefix("### ") {
            titles.push(title.to_owned());
        }
        if lines[at] == "```sql" {
            let end = close(lines, at);
            assert_eq!(lines[end + 1..=end + 2], ["", "```text"], "line {}: the answer follows the query", end + 1);
            let answer_end = close(lines, end + 2);
            recipes.push(Recipe { sql: lines[at + 1..end].join("\n"), answer: end + 3..answer_end });
            at = answer_end;
        }
        at += 1;
    }
    (titles, recipes)
}

/// The end of the block that begins there.
fn close(lines: &[&str], begin: usize) -> usize {
    (begin + 1..lines.len()).find(|at| lines[*at] == "```").expect("the block's end")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_of_the_cookbook_is_answered_as_printed() {
    let dir = Scratch::new();
    let Some(postgres) = own_postgres(dir.path()).await else { return };
    let url = postgres.url("rowlock");
    migrate(&Endpoint::new(&url, None).expect("a URL")).await.expect("migrated");
    let db = connect(&url).await;
    for (login, role) in [("olivia", "rowlock_admin"), ("otto", "rowlock_admin"), ("rita", "rowlock_readonly"), ("shop", "rowlock_app")] {
        db.batch_execute(&format!("create role {login} login password '{PASSWORD}' in role {role}")).await.expect("a login");
    }
    db.batch_execute(SALE).await.unwrap_or_else(|error| panic!("{error:?}"));

    let page = std::fs::read_to_string(in_project(README)).expect("a text");
    let lines: Vec<&str> = page.lines().collect();
    let (titles, recipes) = read_cookbook(&lines);
    let numbers: Vec<_> = titles.iter().map(|title| title.split('.').next().and_then(|number| number.parse().ok())).collect();
    assert_eq!(numbers, (1..=QUESTIONS).map(Some).collect::<Vec<_>>(), "{titles:?}");
    let mut answers = Vec::new();
    for recipe in &recipes {
        let scene = if recipe.sql.contains("admin.lock_waits") { Some(Hanging::begin(&url, &db).await) } else { None };
        answers.push(ask(&url, dir.path(), &recipe.sql));
        if let Some(scene) = scene {
            scene.end().await;
        }
    }
    let exported = std::fs::read_to_string(dir.path().join("sale.csv")).expect("the file that was copied");
    assert_eq!(exported.lines().count(), 5, "a heading and four seats: {exported}");
    assert!(exported.lines().nth(3).is_some_and(|line| line.starts_with("A,1,3,280000,TWD,") && line.contains(",ben,")), "{exported}");

    if blessing() {
        return bless(&lines, &recipes, &answers);
    }
    for (recipe, answer) in recipes.iter().zip(&answers) {
        let printed = lines[recipe.answer.clone()].join("\n");
        assert_eq!(shape(&printed), shape(answer), "`ROWLOCK_BLESS=1` prints the answers anew:\n{}", recipe.sql);
    }
    drop(db);
    postgres.stop().await.expect("stopped");
}

/// Runs a query through psql and returns what it prints.
fn ask(url: &str, dir: &Path, sql: &str) -> String {
    let login = sql.lines().next().and_then(|line| line.strip_prefix("-- as ")).unwrap_or("olivia");
    let psql = postgres_program("psql").unwrap_or_else(|_| "psql".into());
    let script = dir.join("question.sql");
    std::fs::write(&script, format!("{sql}\n")).expect("written");
    let output = Command::new(psql)
        .args(["-X", "-v", "ON_ERROR_STOP=1", "-f"])
        .arg(&script)
        .arg(url_as(url, login, PASSWORD))
        .current_dir(dir)
        .env("PGTZ", "UTC")
        .env("PGCLIENTENCODING", "UTF8")
        .output()
        .expect("psql: install PostgreSQL's client programs");
    assert!(output.status.success(), "{sql}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{sql}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.trim_end().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// An operator who began a change and left for a coffee, and a server that waits for the lock.
struct Hanging {
    otto: Client,
    server: tokio::task::JoinHandle<()>,
}

impl Hanging {
    async fn begin(url: &str, db: &Client) -> Self {
        let otto = connect(&url_as(url, "otto", PASSWORD)).await;
        otto.batch_execute("begin; select admin.pause_event(1, 'what was I about to do?')").await.expect("a change");
        let shop = connect(&url_as(url, "shop", PASSWORD)).await;
        let server = tokio::spawn(async move {
            shop.batch_execute("select rowlock.change_event(1, '{\"status\": \"open\"}')").await.expect("otto gives way")
        });
        let waits = "select count(*) from admin.lock_waits";
        eventually(PATIENCE, || async { db.query_one(waits, &[]).await.expect("an answer").get::<_, i64>(0) == 1 }).await;
        Self { otto, server }
    }

    async fn end(self) {
        self.otto.batch_execute("rollback").await.expect("undone");
        self.server.await.expect("no panic");
    }
}

/// What must be the same in every run: headings, row counts, and all values but times, measurements, pseudonyms.
fn shape(answer: &str) -> String {
    let lines: Vec<&str> = answer.lines().collect();
    let mut headings: Vec<&str> = Vec::new();
    let mut shaped = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if lines.get(at + 1).is_some_and(|next| is_rule(next)) {
            headings.clone_from(&cells);
        } else if !is_rule(line) && cells.len() == headings.len() && !line.starts_with('(') {
            let masked = |(cell, heading): (&&str, &&str)| if MEASURED.contains(heading) { "#".to_owned() } else { mask(cell) };
            shaped.push(cells.iter().zip(&headings).map(masked).collect::<Vec<_>>().join(" | "));
            continue;
        }
        shaped.push(if is_rule(line) { "---".to_owned() } else { cells.join(" | ") });
    }
    shaped.join("\n")
}

fn is_rule(line: &str) -> bool {
    line.starts_with('-') && line.bytes().all(|byte| byte == b'-' || byte == b'+')
}

/// A value without the times and pseudonyms in it.
fn mask(cell: &str) -> String {
    let is_time = |word: &str| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        digits >= 6
            && word.len() < 20
            && word.bytes().all(|byte| byte.is_ascii_digit() || b"-:.+".contains(&byte))
            && word.contains([':', '-'])
    };
    let word = |word: &str| match word {
        word if is_time(word) => "<time>".to_owned(),
        word if word.len() == 18 && word.starts_with("c-") => "<pseudonym>".to_owned(),
        word if word.contains("T") && word.contains("+00:00\"") => "<time>".to_owned(),
        word => word.to_owned(),
    };
    cell.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Prints the answers that changed into the page.
fn bless(lines: &[&str], recipes: &[Recipe], answers: &[String]) {
    let mut page = Vec::new();
    let mut at = 0;
    for (recipe, answer) in recipes.iter().zip(answers) {
        page.extend(lines[at..recipe.answer.start].iter().map(ToString::to_string));
        let printed = lines[recipe.answer.clone()].join("\n");
        page.push(if shape(&printed) == shape(answer) { printed } else { answer.clone() });
        at = recipe.answer.end;
    }
    page.extend(lines[at..].iter().map(ToString::to_string));
    std::fs::write(in_project(README), page.join("\n") + "\n").expect("written");
}

#[test]
fn the_shape_of_an_answer_keeps_what_must_be_the_same() {
    let one = " status |          ended_at          | overdue_ms\n--------+----------------------------+------------\n paid   | 2026-05-01 20:00:00.123+00 |       1234\n(1 row)";
    let other = " status |        ended_at        | overdue_ms\n--------+------------------------+------------\n paid   | 2027-05-01 20:00:00+00 | 7\n(1 row)";
    assert_eq!(shape(one), shape(other));
    for (from, to) in [("paid", "sold"), ("status", "state"), ("(1 row)", "(2 rows)")] {
        assert_ne!(shape(one), shape(&one.replace(from, to)));
    }
    assert_eq!(
        mask("c-425b395efb719020 01970000-0000-7000-8000-000000000001 A 1-20"),
        "<pseudonym> 01970000-0000-7000-8000-000000000001 A 1-20"
    );
}
