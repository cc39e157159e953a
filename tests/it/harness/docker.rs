//! PostgreSQL and Redis in containers, where an engine answers.

use testcontainers::core::{IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

use super::reaper::after_our_end;

/// A container and the URL of what runs in it. Dropping it removes the container.
pub struct Container {
    container: ContainerAsync<GenericImage>,
    /// Where it listens, as a URL.
    pub url: String,
}

/// `postgres:15` with a superuser; the URL names the database `postgres`.
pub async fn postgres() -> anyhow::Result<Container> {
    // The image starts the server once to prepare it, and then for good.
    let ready = WaitFor::message_on_stderr("database system is ready to accept connections");
    let image = GenericImage::new("postgres", "15").with_exposed_port(5432.tcp()).with_wait_for(ready.clone()).with_wait_for(ready);
    let request = image.with_env_var("POSTGRES_PASSWORD", "rowlock").with_cmd(["postgres", "-c", "max_connections=200"]);
    let container = request.start().await?;
    clean_up_later(&container)?;
    let (host, port) = (container.get_host().await?, container.get_host_port_ipv4(5432.tcp()).await?);
    Ok(Container { container, url: format!("postgres://postgres:rowlock@{host}:{port}/postgres") })
}

/// `redis:7`.
pub async fn redis() -> anyhow::Result<Container> {
    let ready = WaitFor::message_on_stdout("Ready to accept connections");
    let container = GenericImage::new("redis", "7").with_exposed_port(6379.tcp()).with_wait_for(ready).start().await?;
    clean_up_later(&container)?;
    let (host, port) = (container.get_host().await?, container.get_host_port_ipv4(6379.tcp()).await?);
    Ok(Container { container, url: format!("redis://{host}:{port}/") })
}

/// The shared containers are never dropped: they live as long as this process.
fn clean_up_later(container: &ContainerAsync<GenericImage>) -> anyhow::Result<()> {
    Ok(after_our_end("docker rm --force --volumes \"$1\"", container.id())?)
}
