//! `rowlock-lab bench`: every bound on speed, measured.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use rowlock::flags::whole;
use tokio_util::sync::CancellationToken;

use super::interrupt::{Interrupted, cancelled_when_asked};
use crate::{
    bench::{self, BenchReport, Scale, Selection},
    stack::{Stack, StackSettings},
};

/// What `bench` can be told.
#[derive(Args, Clone, Debug)]
pub struct BenchArgs {
    /// How many times each figure is measured; the median counts [default: 5, or 1 with --quick].
    #[arg(long, value_parser = whole::<u16>(1..=100))]
    rounds: Option<u16>,
    /// One round with shorter loads and smaller events, for daily work.
    #[arg(long)]
    quick: bool,
    /// Measures only the figures with these ids, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "ID,…")]
    only: Vec<String>,
    /// The folder for report.json, report.html and table.md.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
    /// The folder for the private servers' data and logs; the database starts empty.
    #[arg(long, default_value = ".rowlock/bench")]
    dir: PathBuf,
}

/// Measures, prints the table and writes the report. Stopped early, it reports what was measured until then.
///
/// # Errors
/// When something cannot be measured, a promise was broken, or it was stopped.
pub async fn run(args: BenchArgs) -> anyhow::Result<()> {
    let selection = Selection::new(&args.only)?;
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot create {}", args.out.display()))?;
    super::ensure_writable(&args.out.join("report.json"))?;
    let stop = cancelled_when_asked();
    let scale = if args.quick { Scale::QUICK } else { Scale::FULL };
    let rounds = args.rounds.map_or(if args.quick { 1 } else { 5 }, usize::from);
    let report = on_private_stack(&args, rounds, scale, selection, &stop).await?;
    report.write(&args.out)?;
    println!("{}", report.table());
    println!("Finished in {:.0} s; the full report is in {}", report.seconds, args.out.display());
    for broken in &report.broken {
        println!("BROKEN  {broken}");
    }
    if !report.broken.is_empty() {
        bail!("promises were broken: see above");
    }
    for failed in &report.failed {
        println!("FAILED  {failed}");
    }
    if stop.is_cancelled() {
        bail!(Interrupted);
    }
    if !report.failed.is_empty() {
        bail!("not everything could be measured: see above");
    }
    Ok(())
}

async fn on_private_stack(
    args: &BenchArgs,
    rounds: usize,
    scale: Scale,
    selection: Selection,
    stop: &CancellationToken,
) -> anyhow::Result<BenchReport> {
    if cfg!(debug_assertions) {
        eprintln!("This is a debug build, so its figures mean nothing. `make bench` uses a release build.");
    }
    eprintln!("Starting a private PostgreSQL, Redis and server in {} …", args.dir.display());
    let settings = StackSettings { dir: args.dir.clone(), port: 0, fresh: true };
    let starting = stop.run_until_cancelled(Stack::start_with(&settings, &["--bench-routes"])).await;
    let mut stack = starting.context(Interrupted)??;
    let outcome = match bench::prepare(&stack, scale, selection).await {
        Ok(stage) => {
            let ended = async {
                tokio::select! {
                    error = stack.server_ended() => error,
                    () = stop.cancelled() => anyhow!(Interrupted),
                }
            };
            bench::run(stage, rounds, ended).await
        }
        Err(error) => Err(error),
    };
    stack.stop().await?;
    outcome
}
