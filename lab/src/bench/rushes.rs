//! Whole rushes: ten thousand buyers on ten thousand connections, one seat each.

use tokio_util::sync::CancellationToken;

use super::{hot, stage::Stage};
use crate::rush::{Gathered, NewConcert, On, Plan, RushReport};

/// One kind of rush.
struct Kind {
    id: &'static str,
    share: &'static str,
    reads: bool,
    own_seat: bool,
}

/// Claim and pay; both reads before; both reads and a choice of their own, in which they collide.
const KINDS: [Kind; 3] = [
    Kind { id: "rush_s", share: "generator_rush", reads: false, own_seat: true },
    Kind { id: "rush_with_reads_s", share: "generator_rush_with_reads", reads: true, own_seat: true },
    Kind { id: "rush_choosing_s", share: "generator_rush_choosing", reads: true, own_seat: false },
];
/// The server's memory is read after this one.
const REMEMBERED: &str = "rush_s";
const MEMORY: &str = "server_memory_mb";
/// Figures that need that rush.
const REMEMBERED_BY: [&str; 4] = [MEMORY, "hot_seats", "hot_orders", "hot_sections"];

/// One round.
///
/// # Errors
/// When a rush cannot be run.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<()> {
    let wants = |kind: &Kind| {
        stage.selection.wants(kind.id)
            || stage.selection.wants(kind.share)
            || (kind.id == REMEMBERED && REMEMBERED_BY.iter().any(|id| stage.selection.wants(id)))
    };
    let mut kinds: Vec<Kind> = KINDS.into_iter().filter(wants).collect();
    if stage.is_swapped() {
        kinds.reverse();
    }
    let before = hot::updates(stage).await?;
    for kind in kinds {
        rush(stage, &kind).await?;
    }
    // Sessions that rest tell their counts seconds later: in a later round these would be those of the round before, expiries included.
    if stage.round == 0 { hot::note_since(stage, &before).await } else { Ok(()) }
}

async fn rush(stage: &mut Stage, kind: &Kind) -> anyhow::Result<()> {
    let plan = Plan { buyers: stage.scale.crowd, reads: kind.reads, own_seat: kind.own_seat, seed: stage.round as u64, ..Plan::default() };
    let gathered = Gathered::gather(&stage.access, &On::New(NewConcert::reference("Bench")), &plan).await?;
    let meter = stage.meter();
    let answered = gathered.start(&CancellationToken::new()).await?;
    stage.note_share(kind.share, &meter);
    if kind.id == REMEMBERED {
        // Every buyer's connection is still open.
        let memory_mb = stage.processes.server_memory_mb()?;
        stage.note(MEMORY, memory_mb);
    }
    let report = RushReport::of(answered).await?;
    stage.note(kind.id, report.sell_out_seconds);
    if report.sold != report.seats {
        stage.record.broken.push(format!("{}: {} of {} seats were sold", kind.id, report.sold, report.seats));
    }
    stage.record.broken.extend(report.broken.into_iter().map(|broken| format!("{}: {broken}", kind.id)));
    stage.clear().await
}
