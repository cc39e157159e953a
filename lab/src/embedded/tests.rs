//! The private servers, started for real.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio_postgres::NoTls;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// A directory of its own for each test, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let dir = std::env::temp_dir().join(format!("rowlock-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir_all(&dir).expect("a directory");
        Self(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn start(dir: &Path) -> anyhow::Result<PrivatePostgres> {
    PrivatePostgres::start(dir, PostgresProfile::Test).await
}

async fn ask(url: &str, question: &str) -> String {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client.query_one(question, &[]).await.expect("an answer").get(0)
}

async fn wait_closed(port: u16) {
    let closed = wait_until("the port to close", PATIENCE, || {
        std::future::ready(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err().then_some(()))
    });
    closed.await.expect("the server is gone");
}

#[tokio::test]
async fn a_cluster_is_durable_and_keeps_its_data() {
    let scratch = Scratch::new();
    let postgres = start(&scratch.0).await.expect("started");
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert_eq!(ask(&postgres.url("rowlock"), &format!("show {setting}")).await, "on", "{setting}");
    }
    assert_eq!(ask(&postgres.url("rowlock"), "show listen_addresses").await, "127.0.0.1");
    postgres.create_database("kept").await.expect("created");
    postgres.create_database("kept").await.expect("creating it again is fine");
    postgres.stop().await.expect("stopped");

    let again = start(&scratch.0).await.expect("started again");
    assert_eq!(ask(&again.url("kept"), "select current_database()::text").await, "kept");
    again.stop().await.expect("stopped again");
}

#[tokio::test]
async fn a_cluster_in_use_is_refused_and_a_dropped_one_goes_away() {
    let scratch = Scratch::new();
    let postgres = start(&scratch.0).await.expect("started");
    let port = postgres.port();
    let refusal = start(&scratch.0).await.expect_err("in use").to_string();
    assert!(refusal.contains(&format!("already running (pid {})", std::process::id())), "{refusal}");
    drop(postgres);
    let again = start(&scratch.0).await.expect("waits for the former server and starts");
    again.stop().await.expect("stopped");
    wait_closed(port).await;
}

#[tokio::test]
async fn a_cluster_of_another_version_or_a_broken_one_is_named() {
    let scratch = Scratch::new();
    let data = scratch.0.join("postgres");
    std::fs::create_dir_all(data.join("global")).expect("a directory");
    let refusal = start(&scratch.0).await.expect_err("broken").to_string();
    assert!(refusal.contains("not a whole PostgreSQL data directory"), "{refusal}");
    std::fs::write(data.join("global/pg_control"), "").expect("written");
    std::fs::write(data.join("PG_VERSION"), "9\n").expect("written");
    let refusal = start(&scratch.0).await.expect_err("too old").to_string();
    assert!(refusal.contains("was made by PostgreSQL 9"), "{refusal}");
}

#[tokio::test]
async fn redis_comes_back_empty_on_its_port() {
    let scratch = Scratch::new();
    let Some(mut server) = PrivateRedis::start(&scratch.0).await.expect("no failure") else {
        return eprintln!("redis-server is not installed");
    };
    let port = server.port();
    let client = redis::Client::open(server.url()).expect("a url");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    redis::cmd("SET").arg("seat").arg(1).query_async::<()>(&mut connection).await.expect("set");
    server.kill().await;
    wait_closed(port).await;
    server.restart().await.expect("restarted");
    assert_eq!(server.port(), port);
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let seat: Option<i32> = redis::cmd("GET").arg("seat").query_async(&mut connection).await.expect("get");
    assert_eq!(seat, None);
    server.stop().await;
    wait_closed(port).await;
}

#[test]
fn a_free_port_can_be_bound() {
    let port = free_port().expect("a port");
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("nobody listens there");
}

#[tokio::test]
async fn waiting_ends_with_the_first_answer_or_says_what_it_waited_for() {
    let mut looks = 0;
    let found = wait_until("three looks", Duration::from_secs(5), || {
        looks += 1;
        std::future::ready((looks == 3).then_some(looks))
    });
    assert_eq!(found.await.expect("found"), 3);
    let never = wait_until("a miracle", Duration::ZERO, || std::future::ready(None::<()>)).await;
    assert!(never.expect_err("gives up").to_string().contains("a miracle"));
}
