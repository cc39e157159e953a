//! The crowd: every buyer connected beforehand, all released at the same moment.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use hyper::header::HeaderValue;
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use tokio::{sync::watch, task::JoinSet};

use super::{
    Plan,
    buyer::{Buyer, Intent},
    client::{Connection, Target},
    sale::Sale,
};
use crate::auth::mint_customer_token;

/// Connections opened at the same time: well below the accept queues of common systems.
const OPENING_AT_ONCE: usize = 256;
/// Time for the tokens on top of the rush itself, in seconds.
const TOKEN_TTL_EXTRA_S: u64 = 3600;

/// Buyers who stand at the gate.
pub struct Crowd {
    buyers: Vec<Buyer>,
}

impl Crowd {
    /// Mints every buyer's token, draws its intent from the plan's seed and opens its connection.
    ///
    /// # Errors
    /// When a connection cannot be opened.
    pub async fn gather(plan: &Plan, target: &Target, jwt_secret: &str) -> anyhow::Result<Self> {
        // Customers of their own for each rush: a limit of seats for each customer and event must not meet those of another rush.
        let run = format!("{:08x}", rand::random::<u32>());
        let buyers = stream::iter(0..plan.buyers)
            .map(|index| {
                let run = &run;
                async move {
                    let mut rng = SmallRng::seed_from_u64(plan.seed.wrapping_add(index as u64));
                    let intent = Intent {
                        quantity: plan.seats_per_order,
                        best_available: rng.random_bool(plan.best_available),
                        abandon: rng.random_bool(plan.abandon),
                    };
                    let customer_id = format!("rush-{run}-{index}");
                    let token = mint_customer_token(jwt_secret, &customer_id, plan.timeout.as_secs() + TOKEN_TTL_EXTRA_S)?;
                    let mut authorization = HeaderValue::from_str(&format!("Bearer {token}"))?;
                    authorization.set_sensitive(true);
                    let opening = Connection::open(target, index).await;
                    let connection = opening.with_context(|| format!("buyer {} of {} cannot connect", index + 1, plan.buyers))?;
                    anyhow::Ok(Buyer::new(intent, connection, authorization, rng))
                }
            })
            .buffer_unordered(OPENING_AT_ONCE);
        Ok(Self { buyers: buyers.try_collect().await? })
    }

    /// Releases everybody at once; answers the buyers after their evening, and the moment of the release.
    ///
    /// # Errors
    /// When a buyer's task panicked.
    pub async fn release(self, sale: &Arc<Sale>, patience: Duration) -> anyhow::Result<(Vec<Buyer>, Instant)> {
        let (gate, _) = watch::channel(None::<Instant>);
        let mut shopping = JoinSet::new();
        for mut buyer in self.buyers {
            let (sale, mut opened) = (sale.clone(), gate.subscribe());
            shopping.spawn(async move {
                let released_at = opened.wait_for(Option::is_some).await.ok().and_then(|moment| *moment);
                if let Some(released_at) = released_at {
                    buyer.shop(&sale, released_at + patience).await;
                }
                buyer
            });
        }
        let released_at = Instant::now();
        gate.send_replace(Some(released_at));
        let mut buyers = Vec::with_capacity(shopping.len());
        while let Some(buyer) = shopping.join_next().await {
            buyers.push(buyer.context("a buyer's task broke")?);
        }
        Ok((buyers, released_at))
    }
}
