//! A claim that has the server to itself, compared with its stored function called directly over PostgreSQL's protocol.

use std::time::Instant;

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use uuid::Uuid;

use super::{
    load::Work,
    requests::Claims,
    stage::{Seat, Stage, draw_seats},
};
use crate::rush::sale::Sale;
use rowlock::{
    db::{Endpoint, batches::LaneClient},
    domain::{ClaimOutcome, ClaimRequest, Idempotency, SeatRef, Wanted},
};

/// One round: one connection to the server, one to PostgreSQL, and they take turns.
///
/// # Errors
/// When a claim fails.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<()> {
    let pairs = stage.scale.single_claims;
    let sale = stage.event(10, (2 * pairs).div_ceil(10)).await?;
    stage.settle().await?;
    let seats = draw_seats(&sale, 2 * pairs, &mut stage.rng());
    let over_http = Claims::new(stage, &sale, seats[..pairs].to_vec());
    let mut connection = stage.connections(1).await?.pop().context("no connection")?;
    let client = LaneClient::prepare(Endpoint::new(&stage.database_url, None)?.connect_as_app().await?).await?;
    let (mut http, mut call) = (Histogram::<u64>::new(3)?, Histogram::<u64>::new(3)?);
    let meter = stage.meter();
    for number in 0..pairs {
        let request = claim_request(&sale, seats[pairs + number], number);
        for side in 0..2 {
            let asked_at = Instant::now();
            let micros = if (side == 0) == number.is_multiple_of(2) {
                over_http.once(&mut connection, number).await?;
                &mut http
            } else {
                let answers = client.claim_seats(request.event_id, &[&request]).await?;
                ensure!(matches!(answers[..], [Some(ClaimOutcome::Claimed(_))]), "a claim of a free seat was answered {answers:?}");
                &mut call
            };
            micros.record(u64::try_from(asked_at.elapsed().as_micros())?)?;
        }
    }
    stage.note_share("generator_single", &meter);
    let p50_ms = |micros: &Histogram<u64>| micros.value_at_quantile(0.5) as f64 / 1000.0;
    stage.note("single_claim_ms", p50_ms(&http));
    stage.note("single_call_ms", p50_ms(&call));
    stage.note_ratio("single_claim_per_call", "single_claim_ms", "single_call_ms");
    stage.expect_orders(&sale, "pending_payment", 2 * pairs as u64).await?;
    stage.clear().await
}

/// What the server makes of a claim with an idempotency key.
pub fn claim_request(sale: &Sale, (section, seat_no): Seat, number: usize) -> ClaimRequest {
    let section_no = i32::try_from(section + 1).unwrap_or(i32::MAX);
    ClaimRequest {
        event_id: sale.concert.event_id,
        order_id: Uuid::now_v7(),
        customer_id: format!("direct-{}", number % 10_000),
        idempotency: Some(Idempotency { key: number.to_string(), fingerprint: [7; 32] }),
        wanted: Wanted::Seats(vec![SeatRef { section_no, seat_no }]),
    }
}
