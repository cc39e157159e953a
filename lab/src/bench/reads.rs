//! Ten thousand readers of the section summary while claims run, compared with a GET that does nothing under the same claims.

use super::{
    load::{Until, closed_loop},
    paced::paced,
    requests::{Claims, read},
    stage::{Stage, draw_seats},
};
use crate::rush::sale::Sale;

/// Claims per second that run at the same time. The rate is fixed, because two loads that both take what they can get would share the
/// cores by chance.
const CLAIMS_PER_SECOND: usize = 4_000;
/// Their connections, besides the readers': each of them waits behind the readers, so that fewer could not keep the pace.
pub(super) const CLAIMING: usize = 2_000;

/// One round.
///
/// # Errors
/// When a side cannot be measured.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<()> {
    let time = stage.scale.reads;
    let wanted = (CLAIMS_PER_SECOND as f64 * time.as_secs_f64()).ceil() as usize;
    let mut readers = stage.connections(stage.scale.crowd).await?;
    let sides = [
        ("summaries_per_s", "claims_beside_summaries_per_s", None),
        ("no_op_reads_per_s", "claims_beside_no_ops_per_s", Some("/bench/no-op")),
    ];
    for side in 0..sides.len() {
        let (id, claims_id, path) = sides[if stage.is_swapped() { 1 - side } else { side }];
        let sale = stage.event(10, wanted.div_ceil(10)).await?;
        stage.settle().await?;
        let claims = Claims::new(stage, &sale, draw_seats(&sale, wanted, &mut stage.rng()));
        let reading = read(&sale, path)?;
        // Opening them is not part of the measurement.
        let claiming = stage.connections(CLAIMING).await?;
        let meter = stage.meter();
        let claiming = tokio::spawn(paced(claiming, CLAIMS_PER_SECOND, time, claims));
        let (free, outcome) = closed_loop(readers, Until::Elapsed(time), reading).await?;
        let claimed = claiming.await??;
        readers = free;
        stage.note(id, outcome.per_second());
        stage.note(claims_id, claimed as f64 / time.as_secs_f64());
        if path.is_none() {
            stage.note_share("generator_summaries", &meter);
        }
        held(stage, &sale, claimed).await?;
    }
    stage.note_ratio("summaries_per_no_op", "summaries_per_s", "no_op_reads_per_s");
    Ok(())
}

async fn held(stage: &mut Stage, sale: &Sale, claimed: u64) -> anyhow::Result<()> {
    stage.expect_orders(sale, "pending_payment", claimed).await?;
    stage.clear().await
}
