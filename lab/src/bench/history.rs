//! An earlier sale, before anything is measured. PostgreSQL plans by the statistics it last gathered: without it the first figures
//! would be those of a database that has never sold a seat, and the later ones would depend on what autovacuum saw by chance.

use std::sync::Arc;

use anyhow::Context;

use super::{
    load::{Until, closed_loop},
    requests::{BestAvailable, Claims, Orders},
    stage::{CONNECTIONS, Stage, draw_seats, tables_of_events},
};

/// Sells, has PostgreSQL gather its statistics, and clears the stage; the statistics stay.
///
/// # Errors
/// When it cannot be sold.
pub async fn sell(stage: &mut Stage) -> anyhow::Result<()> {
    // As many of each kind: paid, and with the choice left to the server.
    let orders = stage.scale.earlier_orders;
    let sale = stage.event(10, orders.div_ceil(5)).await?;
    let claims = Claims::new(stage, &sale, draw_seats(&sale, orders, &mut stage.rng()));
    let connections = stage.connections(CONNECTIONS).await?;
    let (connections, paid) = closed_loop(connections, Until::Done(orders), Arc::new(Orders(claims))).await?;
    stage.expect_orders(&sale, "paid", paid.done).await?;
    let sale = stage.event(1, 2 * orders).await?;
    let (_, held) = closed_loop(connections, Until::Done(orders), BestAvailable::new(stage, &sale)).await?;
    stage.expect_orders(&sale, "pending_payment", held.done).await?;
    let tables = tables_of_events(&stage.db).await?.join(", ");
    stage.db.batch_execute(&format!("analyze {tables}")).await.context("cannot gather statistics")?;
    stage.clear().await
}
