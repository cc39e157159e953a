//! The benchmark: every bound on speed as a figure, taken in one run on one machine, load generator included.
//!
//! A machine's speed drifts by a factor of two within an hour, so a figure in seconds says little by itself. Where there is a limit to
//! hold it against (bare commits of PostgreSQL, an empty request of this server), both are measured one right after the other, in
//! turns, round after round, and the ratio is the figure. A figure is the median of all rounds.

mod catalogue;
mod expiry;
mod figure;
mod history;
mod hot;
mod load;
mod loops;
mod machine;
mod paced;
mod page;
mod pgbench;
mod processes;
mod reads;
mod record;
mod report;
mod requests;
mod rivals;
mod rushes;
mod single;
mod sizes;
mod stage;

use std::{
    collections::BTreeSet,
    future::Future,
    time::{Duration, Instant},
};

use anyhow::{bail, ensure};

use self::{
    catalogue::{Group, SPECS},
    machine::Machine,
};
pub use self::{report::BenchReport, stage::Stage};
use crate::{rush::connections_possible, stack::Stack};

/// How much is done in a round.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Orders of each kind that are sold before anything is measured.
    pub earlier_orders: usize,
    /// Buyers, readers, rivals: each on a connection of its own.
    pub crowd: usize,
    /// Claims on 256 connections.
    pub claims: usize,
    /// Orders claimed and paid on 256 connections.
    pub orders: usize,
    /// Requests that do nothing.
    pub no_ops: usize,
    /// Seats of the section that best-available claims fill.
    pub best_seats: usize,
    /// Seats of the large event.
    pub large_event: usize,
    /// Uncached summaries of each event.
    pub summaries: usize,
    /// How long the crowd reads.
    pub reads: Duration,
    pub single_claims: usize,
    /// How long pgbench runs, in whole seconds.
    pub pgbench_s: u32,
}

impl Scale {
    /// The figures as BENCHMARKS.md gives them.
    pub const FULL: Self = Self {
        earlier_orders: 5_000,
        crowd: 10_000,
        claims: 50_000,
        orders: 25_000,
        no_ops: 60_000,
        best_seats: 100_000,
        large_event: 1_000_000,
        summaries: 2_000,
        reads: Duration::from_millis(2_500),
        single_claims: 800,
        pgbench_s: 3,
    };
    /// For daily work: the same loads, shorter, and smaller events.
    pub const QUICK: Self = Self {
        earlier_orders: 1_000,
        claims: 20_000,
        orders: 10_000,
        no_ops: 30_000,
        best_seats: 20_000,
        large_event: 200_000,
        summaries: 500,
        reads: Duration::from_millis(1_500),
        single_claims: 200,
        pgbench_s: 2,
        ..Self::FULL
    };
}

/// Which figures are wanted.
#[derive(Clone, Debug)]
pub struct Selection(Option<BTreeSet<String>>);

impl Selection {
    /// These figures, or all of them if none is named.
    ///
    /// # Errors
    /// When there is no figure of a name.
    pub fn new(ids: &[String]) -> anyhow::Result<Self> {
        for id in ids {
            if !SPECS.iter().any(|spec| spec.id == id) {
                let known: Vec<&str> = SPECS.iter().map(|spec| spec.id).collect();
                bail!("there is no figure {id:?}; there are: {}", known.join(", "));
            }
        }
        Ok(Self((!ids.is_empty()).then(|| ids.iter().cloned().collect())))
    }

    /// Whether that figure is wanted.
    pub fn wants(&self, id: &str) -> bool {
        self.0.as_ref().is_none_or(|ids| ids.contains(id))
    }

    fn groups(&self) -> Vec<Group> {
        let has = |group| SPECS.iter().any(|spec| spec.group == group && self.wants(spec.id));
        Group::ALL.into_iter().filter(|group| has(*group)).collect()
    }
}

/// Prepares to measure a stack, which must serve the measuring routes.
///
/// # Errors
/// When a part of the stack cannot be reached, or this process may not open enough files.
pub async fn prepare(stack: &Stack, scale: Scale, selection: Selection) -> anyhow::Result<Stage> {
    let beside_the_crowd = if selection.groups().contains(&Group::Reads) { reads::CLAIMING } else { stage::CONNECTIONS };
    let wanted = scale.crowd + beside_the_crowd;
    let room = connections_possible(wanted);
    ensure!(
        wanted as u64 <= room,
        "{wanted} connections need {wanted} open files, but a process may have only {room} here: raise `ulimit -n`"
    );
    Stage::on(stack, scale, selection).await
}

/// Takes all wanted figures `rounds` times, or until `ended` says why to stop. What cannot be measured is reported,
/// and the others are measured all the same.
///
/// # Errors
/// When nothing can be measured at all. A broken promise is not an error: it is in the report.
pub async fn run(mut stage: Stage, rounds: usize, ended: impl Future<Output = anyhow::Error>) -> anyhow::Result<BenchReport> {
    let load_before = machine::load();
    let preparing = async {
        history::sell(&mut stage).await?;
        // After a checkpoint: the disk is still busy with a cluster that has just started.
        Machine::look(&stage.db, &stage.data_dir, load_before).await
    };
    tokio::pin!(ended);
    let machine = tokio::select! {
        machine = preparing => machine?,
        why = &mut ended => return Err(why),
    };
    machine.lines().iter().for_each(|line| eprintln!("{line}"));
    let begun = Instant::now();
    let outcome = tokio::select! {
        outcome = take_rounds(&mut stage, rounds, begun) => outcome,
        why = ended => Err(why),
    };
    if let Err(why) = outcome {
        stage.record.failed.push(format!("ended early: {why:#}"));
    }
    Ok(BenchReport::new(stage.record, machine, rounds, begun.elapsed()))
}

/// An error when the stage cannot be cleared for the next measurement.
async fn take_rounds(stage: &mut Stage, rounds: usize, begun: Instant) -> anyhow::Result<()> {
    let groups = stage.selection.groups();
    for round in 0..rounds {
        stage.round = round;
        for group in &groups {
            let name = group.name();
            eprintln!("  round {} of {rounds}, {} s: {name}", round + 1, begun.elapsed().as_secs());
            if let Err(error) = measure(stage, *group).await {
                let failed = format!("{name}, round {}: {error:#}", round + 1);
                eprintln!("    FAILED  {failed}");
                stage.record.failed.push(failed);
                stage.clear().await?;
            }
        }
    }
    Ok(())
}

async fn measure(stage: &mut Stage, group: Group) -> anyhow::Result<()> {
    match group {
        Group::Rushes => rushes::measure(stage).await,
        Group::Loops => loops::measure(stage).await,
        Group::Sizes => sizes::measure(stage).await,
        Group::Reads => reads::measure(stage).await,
        Group::Single => single::measure(stage).await,
        Group::Rivals => rivals::measure(stage).await,
        Group::Expiry => expiry::measure(stage).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_takes_the_groups_of_its_figures_and_refuses_strangers() {
        let all = Selection::new(&[]).expect("all");
        assert!(all.wants("rush_s") && all.groups() == Group::ALL);
        let some = Selection::new(&["one_seat_s".to_owned(), "single_claim_ms".to_owned()]).expect("some");
        assert_eq!(some.groups(), [Group::Single, Group::Rivals]);
        assert!(some.wants("one_seat_s") && !some.wants("one_seat_p99_ms"));
        let error = Selection::new(&["speed".to_owned()]).expect_err("no such figure");
        assert!(error.to_string().contains("claims_per_update"), "{error}");
    }
}
