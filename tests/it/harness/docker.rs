//! PostgreSQL and Redis in containers, if there is a container engine.

use std::process::{Command, Stdio};

use testcontainers::core::{IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

use super::reaper::after_our_end;
use super::skip::skip;

/// A container and the URL of what runs in it. Dropping it removes the container.
pub struct Container {
    _container: ContainerAsync<GenericImage>,
    /// Where it listens, as a URL.
    pub url: String,
}

/// `postgres:15` with a superuser; the URL names the database `postgres`.
pub async fn postgres() -> anyhow::Result<Container> {
    // The image starts the server once to prepare it, and then for good.
    let ready = WaitFor::message_on_stderr("database system is ready to accept connections");
    let image = GenericImage::new("postgres", "15").with_exposed_port(5432.tcp()).with_wait_for(ready.clone()).with_wait_for(ready);
    let request = image.with_env_var("POSTGRES_PASSWORD", "rowlock").with_env_var("LANG", "C.UTF-8").with_cmd([
        "postgres",
        "-c",
        "max_connections=200",
    ]);
    let container = request.start().await?;
    clean_up_later(&container)?;
    let (host, port) = (container.get_host().await?, container.get_host_port_ipv4(5432.tcp()).await?);
    Ok(Container { _container: container, url: format!("postgres://postgres:rowlock@{host}:{port}/postgres") })
}

/// `redis:7`.
pub async fn redis() -> anyhow::Result<Container> {
    let ready = WaitFor::message_on_stdout("Ready to accept connections");
    let container = GenericImage::new("redis", "7").with_exposed_port(6379.tcp()).with_wait_for(ready).start().await?;
    clean_up_later(&container)?;
    let (host, port) = (container.get_host().await?, container.get_host_port_ipv4(6379.tcp()).await?);
    Ok(Container { _container: container, url: format!("redis://{host}:{port}/") })
}

/// The shared containers are never dropped: they live as long as this process.
fn clean_up_later(container: &ContainerAsync<GenericImage>) -> anyhow::Result<()> {
    Ok(after_our_end("docker rm --force --volumes \"$1\"", container.id())?)
}

/// Whether an engine answers and has both images, or can get them.
fn engine_is_usable() -> bool {
    let succeeds = |args: &[&str]| {
        let status = Command::new("docker").args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    succeeds(&["info"])
        && ["postgres:15", "redis:7"].iter().all(|image| succeeds(&["image", "inspect", image]) || succeeds(&["pull", "--quiet", image]))
}

#[tokio::test]
async fn postgresql_and_redis_run_in_containers_where_an_engine_answers() {
    if !engine_is_usable() {
        return skip("docker", "no container engine with the images postgres:15 and redis:7");
    }
    let (postgres, redis) = tokio::try_join!(postgres(), redis()).expect("two containers");
    let endpoint = rowlock::db::Endpoint::new(&postgres.url, None).expect("a URL");
    let report = rowlock::db::migrate::migrate(&endpoint).await.expect("migrated");
    assert_eq!(report.state, rowlock::db::migrate::expected());
    let client = ::redis::Client::open(redis.url.as_str()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    assert_eq!(::redis::cmd("PING").query_async::<String>(&mut connection).await.expect("an answer"), "PONG");
}
