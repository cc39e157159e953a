//! The limit that commits are compared with: pgbench updating one row per commit, in the same cluster.

use std::process::Stdio;

use anyhow::{Context, ensure};
use tokio::io::AsyncWriteExt;
use tokio_postgres::{Config, config::Host};

use super::stage::Stage;
use crate::embedded::postgres_program;

/// Rows that the updates meet at random.
const ROWS: u32 = 10_000;

/// Updates per second, each its own commit, by eight clients.
///
/// # Errors
/// When pgbench is not installed or fails.
pub async fn updates_per_second(stage: &Stage) -> anyhow::Result<f64> {
    // A new table each time: it has no dead rows yet, and all of it is in memory.
    let table = format!(
        "drop table if exists public.bench_rows; create table public.bench_rows (id integer primary key, value integer not null); \
         insert into public.bench_rows select id, 0 from generate_series(1, {ROWS}) id; \
         vacuum (analyze) public.bench_rows; checkpoint"
    );
    for statement in table.split("; ") {
        stage.db.batch_execute(statement).await.with_context(|| format!("cannot prepare for pgbench: {statement}"))?;
    }
    let script = format!("\\set id random(1, {ROWS})\nupdate public.bench_rows set value = value + 1 where id = :id;\n");
    let config: Config = stage.database_url.parse().map_err(|_| anyhow::anyhow!("the database URL cannot be read"))?;
    let host = config.get_hosts().iter().find_map(|host| if let Host::Tcp(host) = host { Some(host.as_str()) } else { None });
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let mut pgbench = tokio::process::Command::new(postgres_program("pgbench")?);
    pgbench.args(["--no-vacuum", "--protocol=prepared", "--client=8", "--jobs=2"]).arg(format!("--time={}", stage.scale.pgbench_s));
    pgbench.args(["--file=-", "--host", host.unwrap_or("127.0.0.1"), "--port", &port]);
    pgbench.args(["--username", config.get_user().unwrap_or_default(), config.get_dbname().unwrap_or_default()]);
    // In the environment: everyone can see arguments.
    pgbench.env("PGPASSWORD", String::from_utf8_lossy(config.get_password().unwrap_or_default()).as_ref()).env("LC_ALL", "C");
    pgbench.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut running = pgbench.spawn().context("cannot run pgbench")?;
    let mut input = running.stdin.take().context("pgbench has no standard input")?;
    input.write_all(script.as_bytes()).await.context("pgbench does not read its script")?;
    drop(input);
    let output = running.wait_with_output().await.context("cannot wait for pgbench")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "pgbench failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    tps(&said).with_context(|| format!("pgbench printed no rate: {said}"))
}

/// 8123.45 of `tps = 8123.45 (without initial connection time)`.
fn tps(said: &str) -> Option<f64> {
    let line = said.lines().rev().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_the_last_line() {
        let said = "number of clients: 8\nlatency average = 0.9 ms\ntps = 8123.451 (without initial connection time)\n";
        assert_eq!(tps(said), Some(8123.451));
        assert_eq!(tps("nothing"), None);
    }
}
