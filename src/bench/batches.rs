//! Throughput against batch size: claims in batches over one connection, as a lane makes them, with no server in between.

use std::time::Instant;

use anyhow::ensure;

use super::{
    lone::claim_request,
    stage::{Stage, draw_seats},
};
use crate::{
    db::{Endpoint, batches},
    domain::{ClaimOutcome, ClaimRequest},
};

const SIZES: [usize; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
/// The size that stands in the table: a lane's cap.
const USUAL: usize = 256;
/// Seats for all sizes together.
const SEATS: usize = 100_000;

/// One round.
///
/// # Errors
/// When a claim fails.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<()> {
    let sale = stage.house(10, SEATS / 10).await?;
    stage.settle().await?;
    let seats = draw_seats(&sale, SEATS, &mut stage.rng());
    let lane = batches::LaneClient::prepare(Endpoint::new(&stage.database_url, None)?.connect_as_app().await?).await?;
    let mut requests = seats.into_iter().enumerate().map(|(number, seat)| claim_request(&sale, seat, number));
    let mut claimed = 0;
    for size in SIZES {
        let (begun, mut done) = (Instant::now(), 0);
        while begun.elapsed() < stage.scale.batches {
            let batch: Vec<ClaimRequest> = requests.by_ref().take(size).collect();
            if batch.len() < size {
                break;
            }
            let answers = batches::claim(&lane, sale.concert.event_id, &batch.iter().collect::<Vec<_>>()).await?;
            let all = answers.iter().all(|answer| matches!(answer, Some(ClaimOutcome::Claimed(_))));
            ensure!(all, "a claim of a free seat was refused");
            done += size;
        }
        let per_second = done as f64 / begun.elapsed().as_secs_f64();
        stage.record.point("claims_per_s_by_batch_size", size as u64, per_second);
        if size == USUAL {
            stage.note("batched_claims_per_s", per_second);
        }
        claimed += done as u64;
    }
    stage.expect_orders(&sale, "pending_payment", claimed).await?;
    stage.clear().await
}
