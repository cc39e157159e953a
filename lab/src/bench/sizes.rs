//! Events of different sizes with the same number of sections: what a claim and an uncached summary cost in each.

use std::sync::Arc;

use hdrhistogram::Histogram;

use super::{
    load::{Outcome, Until, Work, closed_loop},
    requests::{Claims, read},
    stage::{CONNECTIONS, Stage, draw_seats},
};
use crate::{client::Connection, rush::sale::Sale};

/// The same for all events, because the summary is about sections.
const SECTIONS: usize = 10;
/// Seats of a small event, all of which are claimed.
const SMALL: usize = 10_000;
/// How often the events take turns within a round: one small event is sold out too soon to tell.
const TURNS: usize = 3;

/// Sums of several loads on events of one size.
#[derive(Default)]
struct Sum {
    done: u64,
    seconds: f64,
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        self.done += outcome.done;
        self.seconds += outcome.took.as_secs_f64();
    }

    fn per_second(&self) -> f64 {
        self.done as f64 / self.seconds.max(1e-6)
    }
}

/// One round.
///
/// # Errors
/// When an event cannot be created or sold.
pub async fn measure(stage: &mut Stage) -> anyhow::Result<()> {
    let large_seats = stage.scale.large_event;
    let large = stage.event(SECTIONS, large_seats / SECTIONS).await?;
    let mut smalls = Vec::new();
    for _ in 0..TURNS {
        smalls.push(stage.event(SECTIONS, SMALL / SECTIONS).await?);
    }
    stage.settle().await?;
    claims(stage, &smalls, &large).await?;
    let p99s = summaries(stage, &[&smalls[0], &large]).await?;
    stage.note("small_summary_p99_ms", p99s[0]);
    stage.note("large_summary_p99_ms", p99s[1]);
    stage.note_ratio("large_summary_per_small", "large_summary_p99_ms", "small_summary_p99_ms");
    stage.clear().await
}

/// Claims as many seats in each event as a small one has, small and large in turns.
async fn claims(stage: &mut Stage, smalls: &[Arc<Sale>], large: &Arc<Sale>) -> anyhow::Result<()> {
    let mut connections = stage.connections(CONNECTIONS).await?;
    let mut of_large = draw_seats(large, SMALL * TURNS, &mut stage.rng());
    let (mut small_sum, mut large_sum) = (Sum::default(), Sum::default());
    let meter = stage.meter();
    for (turn, small) in smalls.iter().enumerate() {
        let in_small = Claims::new(stage, small, draw_seats(small, SMALL, &mut stage.rng()));
        let in_large = Claims::new(stage, large, of_large.split_off(of_large.len() - SMALL.min(of_large.len())));
        let small_first = turn.is_multiple_of(2) != stage.is_swapped();
        let sides = if small_first {
            [(&mut small_sum, in_small), (&mut large_sum, in_large)]
        } else {
            [(&mut large_sum, in_large), (&mut small_sum, in_small)]
        };
        for (sum, claims) in sides {
            let (free, outcome) = claim_all(connections, claims).await?;
            (connections, _) = (free, sum.add(&outcome));
        }
    }
    stage.note_share("generator_sizes", &meter);
    stage.note("small_event_claims_per_s", small_sum.per_second());
    stage.note("large_event_claims_per_s", large_sum.per_second());
    stage.note_ratio("large_event_per_small", "large_event_claims_per_s", "small_event_claims_per_s");
    stage.expect_orders(large, "pending_payment", large_sum.done).await
}

async fn claim_all(connections: Vec<Connection>, claims: Arc<Claims>) -> anyhow::Result<(Vec<Connection>, Outcome)> {
    let count = claims.count();
    closed_loop(connections, Until::Done(count), claims).await
}

/// The p99 of uncached summaries of each event in milliseconds, asked in turns over one connection.
async fn summaries(stage: &Stage, events: &[&Arc<Sale>]) -> anyhow::Result<Vec<f64>> {
    let mut connection = stage.connections(1).await?.pop().ok_or_else(|| anyhow::anyhow!("no connection"))?;
    let mut asked = Vec::new();
    for sale in events {
        let path = format!("/bench/events/{}/sections", sale.concert.event_id);
        asked.push((read(sale, Some(&path))?, Histogram::<u64>::new(3)?));
    }
    for number in 0..stage.scale.summaries {
        // The second one finds warm connections and caches, so each event is second half of the time.
        if number > 0 {
            asked.reverse();
        }
        for (work, micros) in &mut asked {
            let asked_at = std::time::Instant::now();
            work.once(&mut connection, number).await?;
            micros.record(u64::try_from(asked_at.elapsed().as_micros())?)?;
        }
    }
    if stage.scale.summaries.is_multiple_of(2) {
        asked.reverse();
    }
    Ok(asked.iter().map(|(_, micros)| micros.value_at_quantile(0.99) as f64 / 1000.0).collect())
}
