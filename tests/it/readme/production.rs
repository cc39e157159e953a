//! "Running it in production", step by step: migrate, create a key, serve as a login that may touch no table.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use clap::Subcommand;
use rowlock::commands::Command as Rowlock;
use uuid::Uuid;

use super::blocks::{Block, Kind};
use super::readme_block;
use crate::commands::process::{Running, printed_by, rowlock};
use crate::harness::{Cluster, JWT_SECRET, PATIENCE, TestDatabase, WEBHOOK_SECRET, eventually};

/// A login of the cluster, for as long as the test runs.
struct Login {
    name: String,
    url: String,
}

impl Login {
    async fn create(database: &TestDatabase) -> Self {
        let (name, password) = (format!("shop_{}", Uuid::now_v7().simple()), Uuid::now_v7().simple().to_string());
        let sql = format!("create role {name} login password '{password}' in role rowlock_app");
        database.connect().await.batch_execute(&sql).await.expect("a login");
        let url = database.url();
        let (_, place) = url.rsplit_once('@').expect("a URL with a password");
        Self { url: format!("postgres://{name}:{password}@{place}"), name }
    }
}

fn settings() -> Vec<String> {
    let cli = Rowlock::augment_subcommands(clap::Command::new("rowlock"));
    let serve = cli.find_subcommand("serve").expect("serve").clone();
    serve.get_arguments().filter_map(|arg| Some(arg.get_env()?.to_string_lossy().into_owned())).collect()
}

/// Runs the line exactly as written, with this build's `rowlock`.
fn run(line: &str, environment: &BTreeMap<String, String>) -> String {
    let folder = Path::new(env!("CARGO_BIN_EXE_rowlock")).parent().expect("a folder");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    printed_by(Command::new("sh").args(["-c", line]).env("PATH", path).envs(environment))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_lead_to_a_server_that_is_ready() {
    let database = TestDatabase::empty().await;
    let cluster = Cluster::shared().await;
    let (settings, mut environment, mut login) = (settings(), BTreeMap::new(), None);
    let (mut done, mut server) = (Vec::new(), None);
    for line in readme_block(Kind::Shell, "Running it in production").iter().flat_map(Block::commands) {
        done.push(line.split_whitespace().take(2).collect::<Vec<_>>().join(" ").split('=').next().unwrap_or_default().to_owned());
        if let Some(setting) = line.strip_prefix("export ") {
            let (name, _) = setting.split_once('=').unwrap_or_else(|| panic!("{line} gives no value"));
            assert!(settings.iter().any(|known| known == name), "{name} is no setting");
            let value = match name {
                // The owner migrates; the server's login has fewer privileges.
                "DATABASE_URL" if environment.contains_key(name) => login.insert(Login::create(&database).await).url.clone(),
                "DATABASE_URL" => database.url(),
                "REDIS_URL" => cluster.redis_url.clone().unwrap_or_default(),
                "ROWLOCK_JWT_SECRET" => JWT_SECRET.to_owned(),
                "ROWLOCK_WEBHOOK_SECRET" => WEBHOOK_SECRET.to_owned(),
                other => panic!("the test has no value for {other}"),
            };
            environment.insert(name.to_owned(), value);
        } else if line.starts_with("rowlock serve ") {
            server = Some(serve(&line, &environment).await);
        } else {
            let printed = run(&line, &environment);
            assert!(!line.contains("api-key") || printed.trim().starts_with("rlk_"), "{line} prints {printed}");
        }
    }
    let expected = [
        "export DATABASE_URL",
        "rowlock migrate",
        "rowlock api-key",
        "export DATABASE_URL",
        "export REDIS_URL",
        "export ROWLOCK_JWT_SECRET",
        "export ROWLOCK_WEBHOOK_SECRET",
        "rowlock serve",
    ];
    assert_eq!(done, expected);
    drop(server.expect("a server"));
    let sql = format!("drop role {}", login.expect("a login").name);
    database.connect().await.batch_execute(&sql).await.expect("dropped");
}

/// Serves as the line says, but on a free port; returns when the server is ready.
async fn serve(line: &str, environment: &BTreeMap<String, String>) -> Running {
    let flags = line.strip_prefix("rowlock ").expect("rowlock").replace("0.0.0.0:8080", "127.0.0.1:0");
    let address_file = crate::harness::Scratch::new();
    let address = address_file.path().join("address");
    let mut command = rowlock(&flags.split_whitespace().collect::<Vec<_>>());
    command.arg("--address-file").arg(&address).envs(environment);
    let server = Running::start(command).await;
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    eventually(PATIENCE, || async {
        let address = std::fs::read_to_string(&address).unwrap_or_default();
        let answer = http.get(format!("http://{}/readyz", address.trim())).send().await;
        matches!(answer, Ok(answer) if answer.status() == 200)
    })
    .await;
    server
}
