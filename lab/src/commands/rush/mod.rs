//! `rowlock-lab rush`: a crowd of buyers on one concert, held to every promise.

mod args;

use std::path::Path;

use anyhow::{Context, bail};
use tokio_util::sync::CancellationToken;

pub use self::args::RushArgs;
use super::interrupt::{Interrupted, cancelled_when_asked};
use crate::{
    rush::{RushReport, rush_until},
    stack::{Stack, StackSettings},
};

/// Runs the rush, on a private stack unless a running server is named, and prints its report. Stopped early, it reports what had
/// happened until then.
///
/// # Errors
/// When it cannot be run, a promise was broken, or it was stopped.
pub async fn run(args: RushArgs) -> anyhow::Result<()> {
    args.check()?;
    let stop = cancelled_when_asked();
    let rushed = match &args.running.url {
        Some(url) => {
            let (plan, on) = args.plan_and_concert();
            rush_until(&args.running.access(url)?, &on, &plan, &stop).await
        }
        None => on_private_stack(&args, &stop).await,
    };
    let report = match rushed {
        Err(error) if stop.is_cancelled() => return Err(error.context(Interrupted)),
        rushed => rushed?,
    };
    println!("{report}");
    write(&args, &report)?;
    verdict(&report)
}

/// Writes the report to the files that were asked for, and prints their paths.
fn write(args: &RushArgs, report: &RushReport) -> anyhow::Result<()> {
    if let Some(file) = &args.html {
        write_to(file, &report.html()?)?;
        println!("  page            {}", shown(file));
    }
    if let Some(file) = &args.json {
        write_to(file, &(serde_json::to_string_pretty(report)? + "\n"))?;
        println!("  JSON            {}", shown(file));
    }
    Ok(())
}

fn write_to(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// The whole path, which a terminal or a browser can open from anywhere.
fn shown(file: &Path) -> String {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned()).display().to_string()
}

/// An error if a promise was broken or the rush was stopped.
fn verdict(report: &RushReport) -> anyhow::Result<()> {
    if !report.is_kept() {
        bail!("the rush broke a promise: see its report");
    }
    if report.interrupted {
        bail!(Interrupted);
    }
    Ok(())
}

async fn on_private_stack(args: &RushArgs, stop: &CancellationToken) -> anyhow::Result<RushReport> {
    eprintln!("Starting a private PostgreSQL, Redis and server in {} …", args.dir.display());
    let settings = StackSettings { dir: args.dir.clone(), port: 0, fresh: true };
    let starting = stop.run_until_cancelled(Stack::start(&settings)).await;
    let mut stack = starting.context("stopped before the servers had started")??;
    if !stack.has_redis() {
        eprintln!("redis-server is not installed, so only the sweep expires orders");
    }
    let (access, (plan, on)) = (stack.access()?, args.plan_and_concert());
    let outcome = tokio::select! {
        report = rush_until(&access, &on, &plan, stop) => report,
        error = stack.server_ended() => Err(error),
    };
    stack.stop().await?;
    outcome
}
