//! From an empty database to a paid seat, with the commands an operator types.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::process::{Running, output_of, printed_by, rowlock, serve};
use crate::harness::{EventHandle, JWT_SECRET, PATIENCE, RedisMode, TestDatabase, TestServer, WEBHOOK_SECRET, event_json, eventually};
use crate::psql::logins::{Logins, PASSWORD, url_as};

/// How long `serve` may take to end when no request is in progress.
const STOPPED_WITHIN: Duration = Duration::from_secs(5);

/// An operator's settings, with the most verbose log.
fn settings<'a>(redis_url: &'a str, log_format: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("REDIS_URL", redis_url),
        ("ROWLOCK_JWT_SECRET", JWT_SECRET),
        ("ROWLOCK_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("ROWLOCK_LOG", "debug"),
        ("ROWLOCK_LOG_FORMAT", log_format),
    ]
}

/// Stops it as an operator would, and checks how it ended.
async fn ends_in_order(mut server: Running, signal: &str) {
    let begun = Instant::now();
    server.signal(signal);
    let status = server.ended().await;
    assert!(status.success(), "SIG{signal}: {status}: {}", server.stderr());
    assert!(begun.elapsed() < STOPPED_WITHIN, "it took {} ms to stop", begun.elapsed().as_millis());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_migrates_makes_a_key_serves_and_sells() {
    let mut server = TestServer::builder().redis(RedisMode::Own).unmigrated().start().await;
    let database_url = server.database_url.clone();
    let migrated = printed_by(rowlock(&["migrate"]).env("DATABASE_URL", &database_url));
    assert!(migrated.contains("applied V1__roles") && migrated.contains("the database is at migration"), "{migrated}");
    let again = printed_by(rowlock(&["migrate"]).env("DATABASE_URL", &database_url));
    assert!(!again.contains("applied V") && again.starts_with("0 of "), "{again}");

    let made = output_of(rowlock(&["api-key", "create", "--name", "box office"]).env("DATABASE_URL", &database_url));
    let (api_key, said) = (String::from_utf8(made.stdout).expect("UTF-8"), String::from_utf8(made.stderr).expect("UTF-8"));
    let api_key = api_key.trim().to_owned();
    assert!(api_key.starts_with("rlk_") && said.contains("for box office") && !said.contains(&api_key), "{said}");
    let token = printed_by(rowlock(&["token", "--customer", "alice"]).env("ROWLOCK_JWT_SECRET", JWT_SECRET));

    let redis_url = server.redis_url().expect("Redis");
    let (child, url) = serve(&database_url, &settings(&redis_url, "text")).await;
    let health = printed_by(&mut rowlock(&["health", "--url", &format!("{url}/readyz")]));
    assert!(health.contains("\"ready\""), "{health}");
    // From here on everybody calls the child instead of the server in this process.
    server.url = url.clone();
    let (admin, alice) = (server.anyone().with("x-api-key", &api_key), server.bearer(token.trim()));
    let event = EventHandle {
        id: admin.post("/v1/events", &event_json(&[("A", 1000, 10)])).await.expect(201)["event_id"].as_i64().expect("an id"),
    };
    admin.patch(&event.path(), &json!({"status": "open"})).await.expect(200);
    let order = alice.post(&event.at("orders"), &json!({"seats": [{"section": "A", "seat": 1}]})).await.expect(201);
    assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid");
    refused_in_many_ways(&server, &event).await;

    let id = said.split_whitespace().nth(1).expect("its number").to_owned();
    let listed = || printed_by(rowlock(&["api-key", "list"]).env("DATABASE_URL", &database_url));
    // Id, created, last used, revoked, and the name with its space.
    let columns = || listed().lines().nth(1).expect("a line").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    eventually(PATIENCE, || std::future::ready(columns()[2] != "-")).await;
    assert_eq!((&columns()[0], &columns()[3..]), (&id, &["-", "box", "office"].map(str::to_owned)[..]), "{}", listed());
    printed_by(rowlock(&["api-key", "revoke", "--id", &id]).env("DATABASE_URL", &database_url));
    eventually(PATIENCE, || async { admin.get("/v1/admin/dead-letters").await.status == 401 }).await;
    assert!(columns()[3].ends_with('Z') && !listed().contains(&api_key), "{}", listed());
    let unknown = output_of(rowlock(&["api-key", "revoke", "--id", "4711"]).env("DATABASE_URL", &database_url));
    let why = "rowlock: there is no API key 4711: `rowlock api-key list` shows every key";
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains(why), "{unknown:?}");

    let passwords = [password_of(&database_url), password_of(&redis_url)];
    let secrets =
        [JWT_SECRET, WEBHOOK_SECRET, WEBHOOK_SECRET.trim_start_matches("whsec_"), &api_key, token.trim(), passwords[0], passwords[1]];
    assert_no_secret(&child.stderr(), &secrets);
    assert_eq!(child.stdout(), "", "the log goes to standard error");
    ends_in_order(child, "TERM").await;
    let gone = output_of(&mut rowlock(&["health", "--url", &format!("{url}/readyz")]));
    assert!(!gone.status.success(), "nobody serves any more");
}

/// Bad tokens, keys, signatures and bodies: a refusal may be logged, but not what was refused.
async fn refused_in_many_ways(server: &TestServer, event: &EventHandle) {
    let path = event.at("orders");
    server.bearer("forged.bearer.token-hunter2").post(&path, &json!({})).await.problem(401, "unauthorized");
    server.anyone().with("x-api-key", "rlk_hunter2").get("/v1/admin/dead-letters").await.problem(401, "unauthorized");
    let mut signed = server.gateway().sign(&json!({"amount": 1}));
    signed.headers[2].1 = "v1,hunter2".to_owned();
    server.gateway().raw(&signed.headers, signed.body).await.problem(401, "invalid_signature");
}

/// There must be a log, and none of these may be in it.
fn assert_no_secret(log: &str, secrets: &[&str]) {
    assert!(log.contains("listening") && log.contains("DEBUG"), "no log at all: {log}");
    for secret in secrets.iter().chain(&["hunter2"]) {
        assert!(!log.contains(secret), "the log gives {secret} away:\n{log}");
    }
}

/// The password in the URL of a server.
fn password_of(url: &str) -> &str {
    url.split(':').nth(2).and_then(|rest| rest.split('@').next()).expect("a URL with a password")
}

fn with_password(url: &str, password: &str) -> String {
    url.replace(password_of(url), password)
}

/// `rowlock serve`, which must end by itself at once; returns its message.
async fn refused_start(database_url: &str, args: &[&str]) -> String {
    let mut command = rowlock(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .args(args)
        .env("DATABASE_URL", database_url)
        .envs([("ROWLOCK_JWT_SECRET", JWT_SECRET), ("ROWLOCK_WEBHOOK_SECRET", WEBHOOK_SECRET)]);
    let mut serve = Running::start(command).await;
    let status = serve.ended().await;
    assert_eq!(status.code(), Some(1), "{}", serve.stderr());
    serve.stderr()
}

/// Only an operator can fix these, and a server that started anyway would hide them from whoever started it.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_a_wrong_login_or_database_is_refused_with_what_to_do() {
    let database = TestDatabase::cloned().await;
    let logins = Logins::new(&database.url()).await;
    let login = |name: &str, password: &str| url_as(&database.url(), name, password);
    let refusals = [
        (login(&logins.name("shop"), "hunter2"), ["PostgreSQL refuses the login", "28P01", "the user and the password in --database-url"]),
        (login("nobody_of_that_name", "hunter2"), ["PostgreSQL refuses the login", "28P01", "(DATABASE_URL)"]),
        (login(&logins.name("sam"), PASSWORD), ["the login is not in role rowlock_app", "42501", "grant rowlock_app to"]),
        (with_database(&database.url(), "no_such_database"), ["the database does not exist", "3D000", "run `rowlock migrate`"]),
    ];
    for (url, said) in refusals {
        let log = refused_start(&url, &[]).await;
        let last = log.lines().last().unwrap_or_default();
        assert!(last.starts_with("rowlock: ") && said.iter().all(|part| last.contains(part)), "{said:?}: {log}");
        for secret in ["hunter2", PASSWORD, password_of(&database.url()), JWT_SECRET] {
            assert!(!log.contains(secret), "{secret} is given away: {log}");
        }
    }
    let (child, url) = serve(&login(&logins.name("shop"), PASSWORD), &settings("redis://127.0.0.1:1", "text")).await;
    printed_by(&mut rowlock(&["health", "--url", &format!("{url}/readyz")]));
    ends_in_order(child, "TERM").await;
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_that_cannot_be_kept_are_refused_at_the_start() {
    let database = TestDatabase::cloned().await;
    for (flag, value, said) in [
        ("--connections-max", "4294967295", "with 4294967295 connections of clients, the server needs "),
        ("--bodies-in-flight-max-mb", "3", "--bodies-in-flight-max-mb must be at least 8, so that"),
    ] {
        let log = refused_start(&database.url(), &[flag, value]).await;
        assert!(log.lines().last().is_some_and(|last| last.starts_with(&format!("rowlock: {said}"))), "{log}");
    }
}

pub fn with_database(url: &str, database: &str) -> String {
    let (place, _) = url.rsplit_once('/').expect("a URL with a database");
    format!("{place}/{database}")
}

/// A PostgreSQL that refuses every connection with this SQLSTATE, and counts them.
async fn refusing_postgres(sqlstate: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (port, refused) = (listener.local_addr().expect("an address").port(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&refused);
    tokio::spawn(async move {
        let fields = format!("SFATAL\0C{sqlstate}\0Mnot now\0\0");
        let length = i32::try_from(fields.len() + 4).expect("short").to_be_bytes();
        let message = [&b"E"[..], &length, fields.as_bytes()].concat();
        while let Ok((mut stream, _)) = listener.accept().await {
            // The request itself does not matter.
            let _read = stream.read(&mut [0; 1024]).await;
            stream.write_all(&message).await.ok();
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    (port, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_on_a_postgresql_that_has_no_time_yet_waits_for_it() {
    for (sqlstate, said, migrate) in [
        ("57P03", "PostgreSQL is starting up", "false"),
        ("57P03", "PostgreSQL is starting up", "true"),
        ("53300", "PostgreSQL has no connections left", "false"),
    ] {
        let (port, refused) = refusing_postgres(sqlstate).await;
        let settings = [settings("redis://127.0.0.1:1", "text"), vec![("ROWLOCK_MIGRATE", migrate)]].concat();
        let (child, url) = serve(&format!("postgres://shop:hidden@127.0.0.1:{port}/rowlock"), &settings).await;
        eventually(PATIENCE, || std::future::ready(refused.load(Ordering::Relaxed) >= 3)).await;
        let not_ready = output_of(&mut rowlock(&["health", "--url", &format!("{url}/readyz")]));
        assert!(!not_ready.status.success() && String::from_utf8_lossy(&not_ready.stderr).contains("503"), "{not_ready:?}");
        assert!(child.stderr().contains(said) && child.stderr().contains(sqlstate), "{}", child.stderr());
        ends_in_order(child, "TERM").await;
    }
}

/// A wrong Redis password is reported in the log, without the password.
#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_a_redis_that_refuses_it_is_not_logged() {
    let server = TestServer::builder().redis(RedisMode::Own).start().await;
    let redis_url = with_password(&server.redis_url().expect("Redis"), "hunter2");
    let (child, url) = serve(&server.database_url, &settings(&redis_url, "json")).await;
    // It may not have looked at PostgreSQL yet.
    let health = || output_of(&mut rowlock(&["health", "--url", &format!("{url}/readyz")])).stdout;
    eventually(PATIENCE, || async { String::from_utf8_lossy(&health()).contains("degraded") }).await;
    eventually(PATIENCE, || async { child.stderr().contains("Redis does not answer") }).await;
    for line in child.stderr().lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("no JSON: {line}: {error}"));
    }
    assert_no_secret(&child.stderr(), &[JWT_SECRET, WEBHOOK_SECRET]);
    ends_in_order(child, "INT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_migrates_when_it_is_told_to() {
    let mut server = TestServer::builder().redis(RedisMode::Off).unmigrated().start().await;
    server.anyone().get("/readyz").await.problem(503, "unavailable");
    let settings = [("ROWLOCK_JWT_SECRET", JWT_SECRET), ("ROWLOCK_WEBHOOK_SECRET", WEBHOOK_SECRET), ("ROWLOCK_MIGRATE", "true")];
    let (child, url) = serve(&server.database_url, &settings).await;
    let ready = || async { Some(server.anyone().get("/readyz").await).filter(|answer| answer.status == 200) };
    assert_eq!(eventually(PATIENCE, ready).await.expect(200)["redis"], "off");
    server.url = url;
    assert_eq!(server.anyone().get("/readyz").await.expect(200)["status"], "ready");
    ends_in_order(child, "TERM").await;
}
