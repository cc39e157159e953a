//! The crowd: every buyer connected beforehand, all starting at the same moment.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use futures_util::{
    StreamExt, TryStreamExt,
    future::{AbortHandle, Abortable},
    stream,
};
use hyper::header::HeaderValue;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    buyer::{Buyer, Ending},
    intent::Drawn,
    sale::Sale,
};
use crate::client::Connection;
use rowlock::auth::mint_customer_token;

/// Connections opened at the same time: well below the accept queues of common systems.
const OPENING_AT_ONCE: usize = 256;
/// How much longer than the rush the tokens are valid, in seconds.
const TOKEN_TTL_EXTRA_S: u64 = 3600;

/// Buyers who wait for the start.
pub struct Crowd {
    buyers: Vec<Buyer>,
}

impl Crowd {
    /// Creates a buyer for each intent: mints its token, valid for a rush of that `span`, and opens its connection.
    ///
    /// # Errors
    /// When a connection cannot be opened.
    pub async fn gather(drawn: Vec<Drawn>, span: Duration, sale: &Sale, jwt_secret: &str) -> anyhow::Result<Self> {
        // Each rush has its own customers, so that the seat limit per customer and event does not count those of another rush.
        let run = format!("{:08x}", rand::random::<u32>());
        let (count, token_ttl_s) = (drawn.len(), span.as_secs() + TOKEN_TTL_EXTRA_S);
        let buyers = stream::iter(drawn.into_iter().enumerate())
            .map(|(index, drawn)| {
                let (run, target) = (&run, &sale.target);
                async move {
                    let token = mint_customer_token(jwt_secret, &format!("rush-{run}-{index}"), token_ttl_s)?;
                    let mut authorization = HeaderValue::from_str(&format!("Bearer {token}"))?;
                    authorization.set_sensitive(true);
                    let opening = Connection::open(target, index).await;
                    let connection = opening.with_context(|| format!("buyer {} of {} cannot connect", index + 1, count))?;
                    anyhow::Ok(Buyer::new(drawn, connection, authorization))
                }
            })
            .buffer_unordered(OPENING_AT_ONCE);
        Ok(Self { buyers: buyers.try_collect().await? })
    }

    /// Starts all buyers at once, each to arrive at its own time. Returns the buyers when they have left, and the moment of the
    /// start. Buyers who are still there at `stop` leave.
    ///
    /// # Errors
    /// When a buyer's task panicked.
    pub async fn start(self, sale: &Arc<Sale>, patience: Duration, stop: &CancellationToken) -> anyhow::Result<(Vec<Buyer>, Instant)> {
        let (gate, _) = watch::channel(None::<Instant>);
        let (mut shopping, mut aborts) = (JoinSet::new(), Vec::with_capacity(self.buyers.len()));
        for mut buyer in self.buyers {
            let (sale, mut opened) = (sale.clone(), gate.subscribe());
            // One flag for each: a token shared by all would be locked at every wait of every buyer.
            let (abort, aborted) = AbortHandle::new_pair();
            aborts.push(abort);
            shopping.spawn(async move {
                let shopping = async {
                    let started_at = opened.wait_for(Option::is_some).await.ok().and_then(|moment| *moment);
                    if let Some(started_at) = started_at {
                        buyer.shop(&sale, started_at, patience).await;
                    }
                };
                if Abortable::new(shopping, aborted).await.is_err() {
                    buyer.ending = Some(Ending::Interrupted);
                }
                buyer.gone_at = Some(Instant::now());
                buyer
            });
        }
        let started_at = Instant::now();
        sale.counters.started(started_at);
        gate.send_replace(Some(started_at));
        let mut buyers = Vec::with_capacity(shopping.len());
        loop {
            tokio::select! {
                buyer = shopping.join_next() => match buyer {
                    Some(buyer) => buyers.push(buyer.context("a buyer's task panicked")?),
                    None => return Ok((buyers, started_at)),
                },
                () = stop.cancelled(), if !aborts.is_empty() => aborts.drain(..).for_each(|abort| abort.abort()),
            }
        }
    }
}
