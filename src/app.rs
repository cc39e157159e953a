//! The parts of a server that a request may need.

use std::sync::Arc;

use crate::auth::Auth;
use crate::config::ServeConfig;
use crate::db::{Db, Endpoint, Patience};
use crate::lanes::Lanes;
use crate::metrics::{Metrics, Readings};
use crate::reads::{Catalogue, SeatMaps, Summaries};
use crate::redis::{ExpiryQueue, RedisLink};

/// Creating an event describes every row of a large venue, and blocking may list each of its seats: such bodies may be this many times
/// larger than others.
const LARGE_BODY_FACTOR: usize = 64;

/// Everything a request may need.
pub(crate) struct App {
    /// Reads and rare changes.
    pub db: Db,
    /// Claims and payments.
    pub lanes: Lanes,
    /// Events and their layouts.
    pub catalogue: Catalogue,
    /// Section summaries.
    pub summaries: Summaries,
    /// Seats.
    pub seat_maps: SeatMaps,
    /// Who is calling.
    pub auth: Auth,
    /// What operators watch.
    pub metrics: Arc<Metrics>,
    /// Pending orders by deadline.
    pub queue: ExpiryQueue,
    /// How large a body may be.
    pub limits: HttpLimits,
}

/// How large a request body may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpLimits {
    /// Any body, in bytes.
    pub body_max_bytes: usize,
    /// A body that creates an event, blocks or unblocks seats, in bytes.
    pub large_body_max_bytes: usize,
}

/// The application as requests share it.
pub(crate) type SharedApp = Arc<App>;

impl App {
    /// Creates the parts; nothing is connected yet.
    ///
    /// # Errors
    /// When a setting is wrong.
    pub(crate) fn new(config: &ServeConfig, endpoint: &Endpoint) -> anyhow::Result<Self> {
        let redis = match &config.redis_url {
            Some(url) => RedisLink::new(url, &config.redis_prefix)?,
            None => RedisLink::off(),
        };
        let metrics = Arc::new(Metrics::new());
        let db = Db::new(endpoint, usize::from(config.pool_size), Patience::POOL)?;
        let queue = ExpiryQueue::new(redis.clone());
        let body_max_bytes = config.body_max_bytes as usize;
        Ok(Self {
            lanes: Lanes::start(endpoint, config.lanes, &queue, &metrics),
            catalogue: Catalogue::new(db.clone()),
            summaries: Summaries::new(db.clone(), redis, Arc::clone(&metrics)),
            seat_maps: SeatMaps::new(db.clone(), Arc::clone(&metrics)),
            auth: Auth::new(&config.auth)?,
            metrics,
            queue,
            limits: HttpLimits { body_max_bytes, large_body_max_bytes: body_max_bytes * LARGE_BODY_FACTOR },
            db,
        })
    }

    /// The metrics, including current values.
    pub(crate) fn metrics_text(&self) -> String {
        let (claims_waiting, payments_waiting) = self.lanes.depths();
        let (pool_open, pool_idle) = self.db.pool_size();
        self.metrics.encode(Readings { claims_waiting, payments_waiting, pool_open, pool_idle })
    }
}
