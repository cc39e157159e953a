//! One seat and ten thousand rivals: one winner, and everybody is told.

use super::{
    load::{Until, closed_loop},
    requests::Rivals,
    stage::Stage,
};

/// One round.
///
/// # Errors
/// When somebody is not answered.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<()> {
    let sale = stage.event(1, 1).await?;
    let connections = stage.connections(stage.scale.crowd).await?;
    let rivals = Rivals::new(stage, &sale, connections.len())?;
    let meter = stage.meter();
    let (connections, outcome) = closed_loop(connections, Until::Once, rivals.clone()).await?;
    stage.note_share("generator_rivals", &meter);
    // Closing them is not part of the measurement.
    drop(connections);
    stage.note("one_seat_s", outcome.took.as_secs_f64());
    stage.note("one_seat_p99_ms", outcome.quantile_ms(0.99));
    if rivals.winners() != 1 {
        stage.record.broken.push(format!("one seat was given to {} rivals", rivals.winners()));
    }
    stage.expect_orders(&sale, "pending_payment", 1).await?;
    stage.clear().await
}
