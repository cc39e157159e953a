//! Closed loops on 256 connections: claims, claims with their payments, best available, and what they are held against.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    least,
    load::{Outcome, Until, Work, closed_loop},
    pgbench,
    requests::{BestAvailable, Claims, Orders, gateway_no_op, no_op},
    stage::{CONNECTIONS, Stage, draw_seats},
};
use crate::rush::{client::Connection, sale::Sale};

/// What is measured by itself, in the order of an even round: what belongs to one ratio stands side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Updates,
    GatewayNoOps,
    CustomerNoOps,
    NoOps,
    Claims,
    Best,
    Orders,
    Pairs,
    Least,
}

impl Side {
    const ALL: [Self; 9] = [
        Self::Updates,
        Self::GatewayNoOps,
        Self::CustomerNoOps,
        Self::NoOps,
        Self::Claims,
        Self::Best,
        Self::Orders,
        Self::Pairs,
        Self::Least,
    ];

    /// The figures it gives: how many a second, the generator's share of the CPU, and the CPU time of all processes for one.
    fn ids(self) -> &'static [&'static str] {
        match self {
            Self::Updates => &["updates_per_s"],
            Self::GatewayNoOps => &["gateway_no_ops_per_s", "generator_gateway_no_ops", "gateway_no_op_cpu_us"],
            Self::CustomerNoOps => &["customer_no_ops_per_s", "generator_customer_no_ops", "customer_no_op_cpu_us"],
            Self::NoOps => &["no_ops_per_s", "generator_no_ops", "no_op_cpu_us"],
            Self::Claims => &["claims_per_s", "generator_claims", "claim_cpu_us"],
            Self::Best => &["best_per_s", "generator_best"],
            Self::Orders => &["orders_per_s", "generator_orders", "order_cpu_us"],
            Self::Pairs => &["no_op_pairs_per_s", "generator_no_op_pairs"],
            Self::Least => &["least_claim_cpu_us", "least_payment_cpu_us", "least_claim_of_order_cpu_us", "least_payment_of_order_cpu_us"],
        }
    }
}

/// The ratios, and the two sides of each.
const RATIOS: [(&str, Side, Side); 4] = [
    ("claims_per_update", Side::Claims, Side::Updates),
    ("claims_per_no_op", Side::Claims, Side::NoOps),
    ("best_per_claim", Side::Best, Side::Claims),
    ("orders_per_no_op_pair", Side::Orders, Side::Pairs),
];

/// The most that those ratios could be, and the sides that say so.
const BOUNDS: [(&str, &[Side]); 2] = [
    ("claims_per_no_op_bound", &[Side::GatewayNoOps, Side::CustomerNoOps, Side::NoOps, Side::Least]),
    ("orders_per_no_op_pair_bound", &[Side::GatewayNoOps, Side::CustomerNoOps, Side::NoOps, Side::Least]),
];

/// One round.
///
/// # Errors
/// When a side cannot be measured.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<()> {
    let mut sides: Vec<Side> = needed(stage).into_iter().collect();
    if stage.is_swapped() {
        sides.reverse();
    }
    let mut connections = stage.connections(CONNECTIONS).await?;
    for side in sides {
        connections = one_side(stage, side, connections).await?;
    }
    for (id, of, to) in RATIOS {
        if stage.selection.wants(id) {
            stage.note_ratio(id, of.ids()[0], to.ids()[0]);
        }
    }
    note_bounds(stage);
    Ok(())
}

/// All processes together use all of the CPU, so requests a second are as the CPU time of one to the other's. A claim is at least a
/// request that does nothing but verify its customer, and the least that PostgreSQL does for it; a payment one that does nothing but
/// verify its gateway, and the least for it.
fn note_bounds(stage: &mut Stage) {
    let last = |id| stage.record.last(id);
    let (Some(no_op), Some(customer_no_op)) = (last("no_op_cpu_us"), last("customer_no_op_cpu_us")) else { return };
    let (Some(claim), Some(order_claim)) = (last("least_claim_cpu_us"), last("least_claim_of_order_cpu_us")) else { return };
    let (Some(gateway_no_op), Some(payment)) = (last("gateway_no_op_cpu_us"), last("least_payment_of_order_cpu_us")) else { return };
    stage.note(BOUNDS[0].0, no_op / (customer_no_op + claim));
    stage.note(BOUNDS[1].0, 2.0 * no_op / (customer_no_op + order_claim + gateway_no_op + payment));
}

/// The sides that the wanted figures are made of.
fn needed(stage: &Stage) -> BTreeSet<Side> {
    let wants = |id| stage.selection.wants(id);
    let alone = Side::ALL.into_iter().filter(|side| side.ids().iter().any(|id| wants(id)));
    let of_ratios = RATIOS.into_iter().filter(|(id, ..)| wants(id)).flat_map(|(_, of, to)| [of, to]);
    let of_bounds = BOUNDS.into_iter().filter(|(id, _)| wants(id)).flat_map(|(_, sides)| sides.iter().copied());
    alone.chain(of_ratios).chain(of_bounds).collect()
}

async fn one_side(stage: &mut Stage, side: Side, connections: Vec<Connection>) -> anyhow::Result<Vec<Connection>> {
    let scale = stage.scale;
    match side {
        Side::Updates => {
            let rate = pgbench::updates_per_second(stage).await?;
            stage.note(side.ids()[0], rate);
            Ok(connections)
        }
        Side::Least => {
            least::measure(stage).await?;
            Ok(connections)
        }
        Side::GatewayNoOps => {
            let sale = stage.house(1, 1).await?;
            let work = gateway_no_op(&sale)?;
            run(stage, side, connections, scale.no_ops, work).await.map(|(connections, _)| connections)
        }
        Side::NoOps | Side::CustomerNoOps | Side::Pairs => {
            let (path, times) = match side {
                Side::CustomerNoOps => ("/bench/customer-no-op", 1),
                Side::Pairs => ("/bench/no-op", 2),
                _ => ("/bench/no-op", 1),
            };
            let sale = stage.house(1, 1).await?;
            let work = no_op(stage, &sale, path, times)?;
            run(stage, side, connections, scale.no_ops / times, work).await.map(|(connections, _)| connections)
        }
        Side::Claims | Side::Orders => {
            let count = if side == Side::Claims { scale.claims } else { scale.orders };
            let sale = stage.house(10, scale.claims.div_ceil(10)).await?;
            stage.settle().await?;
            let claims = Claims::new(stage, &sale, draw_seats(&sale, count, &mut stage.rng()));
            if side == Side::Claims {
                let (connections, outcome) = run(stage, side, connections, count, claims).await?;
                return sold(stage, &sale, "pending_payment", &outcome, connections).await;
            }
            let (connections, outcome) = run(stage, side, connections, count, Arc::new(Orders(claims))).await?;
            sold(stage, &sale, "paid", &outcome, connections).await
        }
        Side::Best => {
            let sale = stage.house(1, scale.best_seats).await?;
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
    let meter = stage.meter();
    let (connections, outcome) = closed_loop(connections, Until::Done(count), work).await?;
    let mut ids = side.ids().iter();
    if let Some(id) = ids.next() {
        stage.note(id, outcome.per_second());
    }
    if let Some(id) = ids.next() {
        let times = stage.note_share(id, &meter);
        if let Some(id) = ids.next() {
            stage.note(id, times.all_ms() as f64 * 1000.0 / outcome.done.max(1) as f64);
        }
    }
    Ok((connections, outcome))
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
