//! Closed loops on 256 connections: claims, claims with their payments, best available, and what they are compared with.

use std::sync::Arc;

use super::{
    load::{Outcome, Until, Work, closed_loop},
    pgbench,
    requests::{BestAvailable, Claims, Orders, no_op},
    stage::{CONNECTIONS, Stage, draw_seats},
};
use crate::{client::Connection, rush::sale::Sale};

/// What is measured by itself, in the order of an even round: the two sides of a ratio are near each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Best,
    Updates,
    Claims,
    NoOps,
    CustomerNoOps,
    Orders,
    Pairs,
}

impl Side {
    const ALL: [Self; 7] = [Self::Best, Self::Updates, Self::Claims, Self::NoOps, Self::CustomerNoOps, Self::Orders, Self::Pairs];

    fn ids(self) -> Ids {
        let ids = |rate, share, cpu_us| Ids { rate, share: Some(share), cpu_us: Some(cpu_us) };
        match self {
            Self::Best => Ids { rate: "best_per_s", share: Some("generator_best"), cpu_us: None },
            Self::Updates => Ids { rate: "updates_per_s", share: None, cpu_us: None },
            Self::NoOps => ids("no_ops_per_s", "generator_no_ops", "no_op_cpu_us"),
            Self::CustomerNoOps => ids("customer_no_ops_per_s", "generator_customer_no_ops", "customer_no_op_cpu_us"),
            Self::Claims => ids("claims_per_s", "generator_claims", "claim_cpu_us"),
            Self::Orders => ids("orders_per_s", "generator_orders", "order_cpu_us"),
            Self::Pairs => ids("no_op_pairs_per_s", "generator_no_op_pairs", "no_op_pair_cpu_us"),
        }
    }
}

/// The figures that a side gives.
struct Ids {
    /// How many per second.
    rate: &'static str,
    /// The generator's share of the CPU.
    share: Option<&'static str>,
    /// The CPU time of all processes for one, in microseconds.
    cpu_us: Option<&'static str>,
}

impl Ids {
    fn all(&self) -> impl Iterator<Item = &'static str> {
        [Some(self.rate), self.share, self.cpu_us].into_iter().flatten()
    }
}

/// The ratios, and the two sides of each.
const RATIOS: [(&str, Side, Side); 4] = [
    ("claims_per_update", Side::Claims, Side::Updates),
    ("claims_per_no_op", Side::Claims, Side::NoOps),
    ("best_per_claim", Side::Best, Side::Claims),
    ("orders_per_no_op_pair", Side::Orders, Side::Pairs),
];

/// One round.
///
/// # Errors
/// When a side cannot be measured.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<()> {
    let mut sides = needed(stage);
    if stage.is_swapped() {
        sides.reverse();
    }
    let mut connections = stage.connections(CONNECTIONS).await?;
    for side in sides {
        connections = one_side(stage, side, connections).await?;
    }
    for (id, of, to) in RATIOS {
        if stage.selection.wants(id) {
            stage.note_ratio(id, of.ids().rate, to.ids().rate);
        }
    }
    Ok(())
}

/// The sides that the wanted figures are made of, in the order of an even round.
fn needed(stage: &Stage) -> Vec<Side> {
    let wants = |id| stage.selection.wants(id);
    let of_ratio = |side: &Side| RATIOS.iter().any(|(id, of, to)| wants(id) && (of == side || to == side));
    Side::ALL.into_iter().filter(|side| side.ids().all().any(wants) || of_ratio(side)).collect()
}

async fn one_side(stage: &mut Stage, side: Side, connections: Vec<Connection>) -> anyhow::Result<Vec<Connection>> {
    let scale = stage.scale;
    match side {
        Side::Updates => {
            let rate = pgbench::updates_per_second(stage).await?;
            stage.note(side.ids().rate, rate);
            Ok(connections)
        }
        Side::NoOps | Side::CustomerNoOps | Side::Pairs => {
            let (path, times) = match side {
                Side::CustomerNoOps => ("/bench/customer-no-op", 1),
                Side::Pairs => ("/bench/no-op", 2),
                _ => ("/bench/no-op", 1),
            };
            let sale = stage.event(1, 1).await?;
            let work = no_op(stage, &sale, path, times)?;
            run(stage, side, connections, scale.no_ops / times, work).await.map(|(connections, _)| connections)
        }
        Side::Claims | Side::Orders => sell(stage, side, connections).await,
        Side::Best => {
            let sale = stage.event(1, scale.best_seats).await?;
            stage.settle().await?;
            let work = BestAvailable::new(stage, &sale);
            let (connections, outcome) = run(stage, side, connections, scale.best_seats, work).await?;
            sold(stage, &sale, "pending_payment", &outcome, connections).await
        }
    }
}

async fn run<W: Work>(
    stage: &mut Stage,
    side: Side,
    connections: Vec<Connection>,
    count: usize,
    work: Arc<W>,
) -> anyhow::Result<(Vec<Connection>, Outcome)> {
    let (ids, meter) = (side.ids(), stage.meter());
    let (connections, outcome) = closed_loop(connections, Until::Done(count), work).await?;
    let times = stage.times_since(&meter);
    stage.note(ids.rate, outcome.per_second());
    if let Some(id) = ids.share {
        stage.record.note(id, times.generator_share());
    }
    if let Some(id) = ids.cpu_us {
        stage.note(id, times.all_ms() as f64 * 1000.0 / outcome.done.max(1) as f64);
    }
    Ok((connections, outcome))
}

/// Claims, or claims and pays, in an event of ten sections.
async fn sell(stage: &mut Stage, side: Side, connections: Vec<Connection>) -> anyhow::Result<Vec<Connection>> {
    let (count, status) = if side == Side::Orders { (stage.scale.orders, "paid") } else { (stage.scale.claims, "pending_payment") };
    let sale = stage.event(10, stage.scale.claims.div_ceil(10)).await?;
    stage.settle().await?;
    let claims = Claims::new(stage, &sale, draw_seats(&sale, count, &mut stage.rng()));
    let (connections, outcome) = match side {
        Side::Orders => run(stage, side, connections, count, Arc::new(Orders(claims))).await?,
        _ => run(stage, side, connections, count, claims).await?,
    };
    sold(stage, &sale, status, &outcome, connections).await
}

/// Holds the answers against the database, and makes room for the next side.
async fn sold(
    stage: &mut Stage,
    sale: &Sale,
    status: &str,
    outcome: &Outcome,
    connections: Vec<Connection>,
) -> anyhow::Result<Vec<Connection>> {
    stage.expect_orders(sale, status, outcome.done).await?;
    stage.clear().await?;
    Ok(connections)
}
