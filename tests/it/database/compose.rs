//! `compose.yaml` creates the server's login with a script, which runs here exactly as written there.

use std::path::Path;

use pretty_assertions::assert_eq;
use rowlock::db::Endpoint;
use tokio::process::Command;
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use uuid::Uuid;

use crate::drift::in_project;
use crate::harness::{TestDatabase, postgres_program, skip};
use crate::psql::logins::url_as;

/// The script of the service `login`, for a different login than the one that compose creates.
fn script(login: &str) -> String {
    let compose = std::fs::read_to_string(in_project("compose.yaml")).expect("a text");
    let (_, service) = compose.split_once("\n  login:\n").expect("the service");
    let (_, script) = service.split_once("      - |\n").expect("its script");
    let lines = script.lines().take_while(|line| line.starts_with("        "));
    // Compose reads two dollars as one.
    let script: String = lines.map(|line| format!("{}\n", line.trim_start_matches("        ").replace("$$", "$"))).collect();
    assert!(script.contains("rowlock_server"), "{script}");
    script.replace("rowlock_server", login)
}

/// Runs it with the environment that the service has.
async fn run(psql: &Path, database: &TestDatabase, script: &str, password: &str) {
    let path = format!("{}:{}", psql.parent().unwrap_or(Path::new("")).display(), std::env::var("PATH").unwrap_or_default());
    let config: Config = database.url().parse().expect("a URL");
    let Host::Tcp(host) = &config.get_hosts()[0] else { panic!("no TCP host") };
    let mut command = Command::new("sh");
    command
        .args(["-euc", script])
        .env("PATH", path)
        .env("SERVER_PASSWORD", password)
        .env("PGHOST", host)
        .env("PGPORT", config.get_ports()[0].to_string());
    command.env("PGUSER", config.get_user().expect("a user")).env("PGDATABASE", config.get_dbname().expect("a database"));
    command.env("PGPASSWORD", String::from_utf8_lossy(config.get_password().expect("a password")).into_owned());
    let output = command.output().await.expect("sh runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
}

/// Only who migrates is the owner.
#[test]
fn the_server_of_compose_is_no_superuser() {
    let compose = std::fs::read_to_string(in_project("compose.yaml")).expect("a text");
    let mut logins = Vec::new();
    let mut service = "";
    for line in compose.lines() {
        if let Some(name) = line.strip_prefix("  ").and_then(|line| line.strip_suffix(':')).filter(|name| !name.starts_with([' ', '#'])) {
            service = name;
        }
        if let Some((_, url)) = line.split_once("DATABASE_URL: postgres://") {
            logins.push((service, url.split(':').next().expect("a login")));
        }
    }
    assert_eq!(logins, [("migrate", "rowlock"), ("rowlock", "rowlock_server")]);
}

/// No container may take the whole machine, and no log may fill its disk.
#[test]
fn every_service_of_compose_is_limited_and_its_log_is_rotated() {
    let compose = std::fs::read_to_string(in_project("compose.yaml")).expect("a text");
    let (_, shared) = compose.split_once("\nx-service: &service\n").expect("what all services share");
    let logging: Vec<_> = shared.lines().skip_while(|line| *line != "  logging:").take(3).map(str::trim).collect();
    assert_eq!(logging, ["logging:", "driver: local", "options: {max-size: 20m, max-file: \"5\"}"]);
    let (_, services) = compose.split_once("\nservices:\n").expect("services");
    let (services, _) = services.split_once("\nvolumes:\n").expect("volumes");
    let mut named = Vec::new();
    for service in services.split("\n\n") {
        let name = service.lines().find_map(|line| line.strip_prefix("  ")?.strip_suffix(':').filter(|name| !name.starts_with([' ', '#'])));
        let name = name.unwrap_or_else(|| panic!("no service in:\n{service}"));
        let has = |expected: &str| service.lines().any(|line| line.starts_with(expected));
        assert!(["    <<: *service", "    <<: [*rowlock, *service]"].into_iter().any(has), "{name} has no log rotation");
        let (_, limits) =
            service.split_once("    deploy:\n      resources:\n        limits: {").unwrap_or_else(|| panic!("{name} has no limits"));
        for limit in ["cpus: ", "memory: ", "pids: "] {
            assert!(limits.contains(limit), "{name} has no limit {limit}");
        }
        named.push(name);
    }
    assert_eq!(named, ["postgres", "redis", "migrate", "login", "rowlock"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_login_of_compose_works_as_rowlock_app_and_gets_a_new_password_when_it_is_told() {
    let database = TestDatabase::cloned().await;
    let major = "select current_setting('server_version_num')::integer / 10000";
    let major: i32 = database.connect().await.query_one(major, &[]).await.expect("a version").get(0);
    let Some(psql) = postgres_program("psql", major) else {
        return skip("psql", &format!("there is no psql of PostgreSQL {major}"));
    };
    let login = format!("server_{}", Uuid::now_v7().simple());
    let script = script(&login);
    let connect =
        async |password: &str| Endpoint::new(&url_as(&database.url(), &login, password), None).expect("a URL").connect_as_app().await;
    for password in ["first", "it's second", "third"] {
        run(&psql, &database, &script, password).await;
        if password == "it's second" {
            assert!(connect("first").await.is_err(), "the old password still works");
            continue;
        }
        let client = connect(password).await.expect("a connection");
        let who = "select concat_ws(' ', session_user, current_user)";
        assert_eq!(client.query_one(who, &[]).await.expect("an answer").get::<_, String>(0), format!("{login} rowlock_app"));
    }
    database.connect().await.batch_execute(&format!("drop owned by {login}; drop role {login}")).await.expect("dropped");
}
