//! The parts of a server that a request may need.

use std::sync::Arc;
use std::time::Duration;

use crate::auth::Auth;
use crate::budget::Budget;
use crate::client_address::Forwarding;
use crate::config::ServeConfig;
use crate::db::{Db, Endpoint, Portion, SessionTimeouts};
use crate::lanes::Lanes;
use crate::metrics::{Metrics, Readings};
use crate::pool_turns::{Errand, TooManyWaiting, Turns};
use crate::rate_limits::RateLimits;
use crate::readiness::ClaimsWatch;
use crate::reads::{Catalogue, READ_MAX, SeatMaps, Summaries};
use crate::redis::{ExpiryQueue, RedisLink};

/// Creating an event describes every row of a large venue, and blocking may list each of its seats: such bodies may be this many times
/// larger than others.
const LARGE_BODY_FACTOR: usize = 64;

/// Seat maps use at most one in this many connections of the pool, so that reading an order never waits behind a flood of maps.
const MAPS_PART: usize = 4;
/// How long a customer who gives back seats waits for the answer: longer than a call waits for a lock, so that whoever meets one is told
/// that nothing was done.
const GIVE_BACK_MAX: Duration = Duration::from_secs(8);

/// Connections apart from the pool, one of them for readiness.
pub(crate) const OWN_CONNECTIONS: usize = 5;

/// Everything a request may need.
pub(crate) struct App {
    /// Reads and rare changes.
    pub db: Db,
    /// A few connections apart, for what must not wait behind buyers: filling the caches of events and summaries, upkeep.
    pub own_db: Db,
    /// Another one, for readiness alone.
    pub readiness_db: Db,
    /// Keeps one customer from taking all of `db`.
    pub turns: Turns,
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
    /// Whether claims would succeed.
    pub claims_watch: ClaimsWatch,
    /// Pending orders by deadline.
    pub queue: ExpiryQueue,
    /// What a body may be.
    pub limits: HttpLimits,
    /// Bytes of all bodies that are in memory.
    pub bodies: Arc<Budget>,
    /// How many requests one client may send.
    pub rate_limits: Arc<RateLimits>,
    /// Who the client is.
    pub forwarding: Forwarding,
}

/// How large a request body may be, and how slow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpLimits {
    /// Any body, in bytes.
    pub body_max_bytes: usize,
    /// A body that creates an event, blocks or unblocks seats, in bytes.
    pub large_body_max_bytes: usize,
    /// How long any body may take to arrive.
    pub body_arrival_max: Duration,
}

/// The application as requests share it.
pub(crate) type SharedApp = Arc<App>;

impl App {
    /// Creates the parts; nothing is connected yet.
    ///
    /// # Errors
    /// When a setting is wrong.
    pub(crate) fn new(config: &ServeConfig, endpoint: &Endpoint) -> anyhow::Result<Self> {
        let redis = match config.redis_url()? {
            Some(url) => RedisLink::new(&url, &config.redis_prefix, endpoint.identity().clone())?,
            None => RedisLink::off(),
        };
        let metrics = Arc::new(Metrics::new());
        let db = Db::new(endpoint, usize::from(config.pool_size), SessionTimeouts::POOL)?;
        let own_db = Db::new(endpoint, OWN_CONNECTIONS - 1, SessionTimeouts::POOL)?;
        let readiness_db = Db::new(endpoint, 1, SessionTimeouts::POOL)?;
        let maps = Portion::new(usize::from(config.pool_size) / MAPS_PART, "too many seat maps are being read");
        let queue = ExpiryQueue::new(redis.clone());
        let stale_max = Duration::from_secs(config.stale_max_s);
        let limits = limits(config);
        let bodies_max_bytes = config.bodies_in_flight_max_mb as usize * 1024 * 1024;
        anyhow::ensure!(
            bodies_max_bytes >= 2 * limits.large_body_max_bytes,
            "--bodies-in-flight-max-mb must be at least {}, so that the largest body that --body-max-bytes allows can be read and decoded",
            (2 * limits.large_body_max_bytes).div_ceil(1024 * 1024)
        );
        // One client alone may send the largest body, and keeps no more than half from the others otherwise.
        let bodies_of_client_max_bytes = (bodies_max_bytes / 2).max(2 * limits.large_body_max_bytes);
        Ok(Self {
            lanes: Lanes::start(endpoint, config.lanes, &queue, &metrics),
            catalogue: Catalogue::new(own_db.answering_within(READ_MAX), stale_max),
            summaries: Summaries::new(own_db.answering_within(READ_MAX), redis, Arc::clone(&metrics), stale_max),
            seat_maps: SeatMaps::new(db.answering_within(READ_MAX).in_portion(&maps), Arc::clone(&metrics), stale_max),
            auth: Auth::new(&config.auth)?,
            rate_limits: Arc::new(RateLimits::new(config.rate_limits, Arc::clone(&metrics))),
            forwarding: config.forwarding.forwarding(),
            metrics,
            queue,
            limits,
            bodies: Budget::new(bodies_max_bytes, bodies_of_client_max_bytes),
            turns: Turns::new(),
            claims_watch: ClaimsWatch::new(endpoint.shortage().clone()),
            own_db,
            readiness_db,
            db,
        })
    }

    /// The database on behalf of a customer, once it is their turn.
    ///
    /// # Errors
    /// If too many of their own requests wait.
    pub(crate) async fn db_in_turn(&self, customer_id: &str, errand: Errand) -> Result<Db, TooManyWaiting> {
        let answer_max = match errand {
            Errand::Read => READ_MAX,
            Errand::GiveBack => GIVE_BACK_MAX,
        };
        Ok(self.db.answering_within(answer_max).in_turn(self.turns.take(customer_id, errand).await?))
    }

    /// The metrics, including current values.
    pub(crate) fn metrics_text(&self) -> String {
        let (claims_waiting, payments_waiting) = self.lanes.depths();
        let (pool_open, pool_idle) = self.db.pool_size();
        self.metrics.encode(Readings { claims_waiting, payments_waiting, pool_open, pool_idle, body_bytes: self.bodies.held() })
    }
}

fn limits(config: &ServeConfig) -> HttpLimits {
    let body_max_bytes = config.body_max_bytes as usize;
    HttpLimits {
        body_max_bytes,
        large_body_max_bytes: body_max_bytes * LARGE_BODY_FACTOR,
        body_arrival_max: Duration::from_secs(config.body_s),
    }
}
