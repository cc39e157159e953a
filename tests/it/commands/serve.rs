//! From an empty database to a paid seat, with the commands an operator types.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::json;

use super::process::{Running, output_of, printed_by, rowlock, serve};
use crate::harness::{EventHandle, JWT_SECRET, PATIENCE, RedisMode, TestServer, WEBHOOK_SECRET, event_json, eventually};

/// How long `serve` may take to end when nothing is under way.
const STOPPED_WITHIN: Duration = Duration::from_secs(5);

/// What an operator sets; the log is as talkative as can be.
fn settings<'a>(redis_url: &'a str, log_format: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("REDIS_URL", redis_url),
        ("ROWLOCK_JWT_SECRET", JWT_SECRET),
        ("ROWLOCK_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("ROWLOCK_LOG", "debug"),
        ("ROWLOCK_LOG_FORMAT", log_format),
    ]
}

/// Ends it as an operator would, and looks at how it ended.
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
    printed_by(rowlock(&["api-key", "revoke", "--id", &id]).env("DATABASE_URL", &database_url));
    eventually(PATIENCE, || async { admin.get("/v1/admin/dead-letters").await.status == 401 }).await;
    let unknown = output_of(rowlock(&["api-key", "revoke", "--id", "4711"]).env("DATABASE_URL", &database_url));
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("api_key_not_found"), "{unknown:?}");

    let passwords = [password_of(&database_url), password_of(&redis_url)];
    let secrets =
        [JWT_SECRET, WEBHOOK_SECRET, WEBHOOK_SECRET.trim_start_matches("whsec_"), &api_key, token.trim(), passwords[0], passwords[1]];
    assert_no_secret(&child.stderr(), &secrets);
    assert_eq!(child.stdout(), "", "the log goes to standard error");
    ends_in_order(child, "TERM").await;
    let gone = output_of(&mut rowlock(&["health", "--url", &format!("{url}/readyz")]));
    assert!(!gone.status.success(), "nobody serves any more");
}

/// Bad tokens, keys, signatures and bodies: what refuses them may log, but not what it refused.
async fn refused_in_many_ways(server: &TestServer, event: &EventHandle) {
    let path = event.at("orders");
    server.bearer("forged.bearer.token-hunter2").post(&path, &json!({})).await.problem(401, "unauthorized");
    server.anyone().with("x-api-key", "rlk_hunter2").get("/v1/admin/dead-letters").await.problem(401, "unauthorized");
    let mut signed = server.gateway().sign(&json!({"amount": 1}));
    signed.headers[2].1 = "v1,hunter2".to_owned();
    server.gateway().raw(&signed.headers, signed.body).await.problem(401, "invalid_signature");
}

/// The log must be there, and none of these in it.
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

/// A wrong password in either URL makes much noise in the log; the passwords are not part of it.
#[tokio::test(flavor = "multi_thread")]
async fn passwords_of_servers_that_refuse_them_are_not_logged() {
    let server = TestServer::builder().redis(RedisMode::Own).start().await;
    let redis_url = server.redis_url().expect("Redis");
    let (redis_url, database_url) = (with_password(&redis_url, "hunter2"), with_password(&server.database_url, "hunter2"));
    let (child, url) = serve(&database_url, &settings(&redis_url, "json")).await;
    let not_ready = output_of(&mut rowlock(&["health", "--url", &format!("{url}/readyz")]));
    assert!(!not_ready.status.success() && String::from_utf8_lossy(&not_ready.stderr).contains("503"), "{not_ready:?}");
    eventually(PATIENCE, || async { child.stderr().contains("Redis does not answer") && child.stderr().contains("the sweep cannot ask") })
        .await;
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
    let ready = server.anyone().get("/readyz").await.expect(200);
    assert_eq!(ready["redis"], "off");
    server.url = url;
    assert_eq!(server.anyone().get("/readyz").await.expect(200)["status"], "ready");
    ends_in_order(child, "TERM").await;
}
