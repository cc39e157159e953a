//! What operators watch: counters, gauges and histograms for Prometheus.

mod labels;

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

pub use labels::{CacheResult, CredentialFault, Limited, RefusedConnection};

/// Metrics that differ in so many labels, whose names and values are words of our own, never what a caller chose.
type By<const LABELS: usize, M> = Family<[(&'static str, &'static str); LABELS], M>;

/// Values that are read at the moment of a scrape.
#[derive(Clone, Copy, Debug, Default)]
pub struct Readings {
    /// Claims in the lanes, waiting or in a call.
    pub claims_waiting: usize,
    /// Payments in the lanes, waiting or in a call.
    pub payments_waiting: usize,
    /// Open connections in the pool.
    pub pool_open: usize,
    /// Those of them that are idle.
    pub pool_idle: usize,
    /// Bytes of request bodies in memory.
    pub body_bytes: usize,
}

/// The metrics of one server.
pub struct Metrics {
    registry: Registry,
    claims: By<1, Counter>,
    payments: By<1, Counter>,
    claim_duration: Histogram,
    payment_duration: Histogram,
    batch_size: By<1, Histogram>,
    lane_depth: By<1, Gauge<i64, AtomicI64>>,
    expired: Counter,
    expiry_lag: Histogram,
    expiry_failures: Counter<u64, AtomicU64>,
    cache_reads: By<2, Counter>,
    pool: By<1, Gauge<i64, AtomicI64>>,
    connections: Gauge<i64, AtomicI64>,
    connections_closed_for_room: Counter,
    connections_refused: By<1, Counter>,
    requests_limited: By<1, Counter>,
    body_bytes: Gauge<i64, AtomicI64>,
    answer_bytes: Gauge<i64, AtomicI64>,
    slow_readers_closed: Counter,
    credentials_refused: By<2, Counter>,
    panics: Counter,
}

/// From half a millisecond to ten seconds.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics that start at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("rowlock"),
            claims: Family::default(),
            payments: Family::default(),
            claim_duration: Histogram::new(SECONDS),
            payment_duration: Histogram::new(SECONDS),
            batch_size: Family::new_with_constructor(|| Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0])),
            lane_depth: Family::default(),
            expired: Counter::default(),
            expiry_lag: Histogram::new(SECONDS),
            expiry_failures: Counter::default(),
            cache_reads: Family::default(),
            pool: Family::default(),
            connections: Gauge::default(),
            connections_closed_for_room: Counter::default(),
            connections_refused: Family::default(),
            requests_limited: Family::default(),
            body_bytes: Gauge::default(),
            answer_bytes: Gauge::default(),
            slow_readers_closed: Counter::default(),
            credentials_refused: Family::default(),
            panics: Counter::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("claims", "Claims answered, by outcome", self.claims.clone());
        registry.register("payments", "Payment notices answered, by outcome", self.payments.clone());
        let help = "Time from the arrival of a claim in its lane to its answer";
        registry.register_with_unit("claim_duration", help, Unit::Seconds, self.claim_duration.clone());
        let help = "Time from the arrival of a payment notice in its lane to its answer";
        registry.register_with_unit("payment_duration", help, Unit::Seconds, self.payment_duration.clone());
        registry.register("batch_size", "Requests per call to the database", self.batch_size.clone());
        registry.register("lane_depth", "Requests in the lanes, waiting or in a call", self.lane_depth.clone());
        registry.register("orders_expired", "Orders this server expired", self.expired.clone());
        let help = "Time from an order's deadline until its seats are on sale again";
        registry.register_with_unit("expiry_lag", help, Unit::Seconds, self.expiry_lag.clone());
        registry.register("expiry_failures", "Expiries that failed", self.expiry_failures.clone());
        registry.register("cache_reads", "Cached reads, by where the answer came from", self.cache_reads.clone());
        registry.register("pool_connections", "Connections in the pool, by state", self.pool.clone());
        registry.register("connections_open", "Connections of clients", self.connections.clone());
        let help = "Idle connections of clients that were closed because others needed the room";
        registry.register("connections_closed_for_room", help, self.connections_closed_for_room.clone());
        registry.register("connections_refused", "Connections of clients that were refused, by reason", self.connections_refused.clone());
        registry.register("requests_limited", "Requests answered 429, by limit", self.requests_limited.clone());
        let help = "Request bodies in memory, arriving or being read";
        registry.register_with_unit("bodies_in_flight", help, Unit::Bytes, self.body_bytes.clone());
        let help = "Answers of more than 16 KB that clients have yet to take; one that several read counts once";
        registry.register_with_unit("answers_in_flight", help, Unit::Bytes, self.answer_bytes.clone());
        let help = "Connections closed because their clients read slowly while unread answers took too much memory";
        registry.register("slow_readers_closed", help, self.slow_readers_closed.clone());
        let help = "Requests refused for their credentials, by kind and fault";
        registry.register("credentials_refused", help, self.credentials_refused.clone());
        registry.register("panics", "Panics: faults of Rowlock itself, which cost a request or a batch", self.panics.clone());
    }

    /// Counts a claim's answer; `outcome` is one of the API's words.
    pub fn claim_answered(&self, outcome: &'static str, took: Duration) {
        self.claims.get_or_create(&[("outcome", outcome)]).inc();
        self.claim_duration.observe(took.as_secs_f64());
    }

    /// Counts a payment notice's answer; `outcome` is one of the API's words.
    pub fn payment_answered(&self, outcome: &'static str, took: Duration) {
        self.payments.get_or_create(&[("outcome", outcome)]).inc();
        self.payment_duration.observe(took.as_secs_f64());
    }

    /// Counts a batch of claims.
    #[allow(clippy::cast_precision_loss)]
    pub fn claims_batched(&self, size: usize) {
        self.batch_size.get_or_create(&[("lane", "claims")]).observe(size as f64);
    }

    /// Counts a batch of payment notices.
    #[allow(clippy::cast_precision_loss)]
    pub fn payments_batched(&self, size: usize) {
        self.batch_size.get_or_create(&[("lane", "payments")]).observe(size as f64);
    }

    /// Counts an expired order, with the time since its deadline where it is known.
    pub fn order_expired(&self, lag: Option<Duration>) {
        self.expired.inc();
        if let Some(lag) = lag {
            self.expiry_lag.observe(lag.as_secs_f64());
        }
    }

    /// Counts an expiry that failed.
    pub fn expiry_failed(&self) {
        self.expiry_failures.inc();
    }

    /// The counter of a cache's reads with that result.
    pub fn cache_reads(&self, cache: &'static str, result: CacheResult) -> Counter {
        self.cache_reads.get_or_create_owned(&[("cache", cache), ("result", result.as_str())])
    }

    /// A client's connection was accepted (1), or has ended (-1).
    pub(crate) fn connections_changed(&self, by: i64) {
        self.connections.inc_by(by);
    }

    /// Counts an idle connection that was closed because another client needed the room.
    pub fn connection_closed_for_room(&self) {
        self.connections_closed_for_room.inc();
    }

    /// Counts a connection that was refused.
    pub fn connection_refused(&self, why: RefusedConnection) {
        self.connections_refused.get_or_create(&[("reason", why.as_str())]).inc();
    }

    /// So many bytes of answers are in memory that clients have yet to take.
    pub(crate) fn answers_in_flight(&self, bytes: usize) {
        self.answer_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Counts connections that were closed because their clients read slowly.
    pub(crate) fn slow_readers_closed(&self, count: u64) {
        self.slow_readers_closed.inc_by(count);
    }

    /// Counts a request whose credentials were refused; `credential` is their kind.
    pub fn credential_refused(&self, credential: &'static str, fault: CredentialFault) {
        self.credentials_refused.get_or_create(&[("credential", credential), ("fault", fault.as_str())]).inc();
    }

    /// Counts a request that was one too many.
    pub fn request_limited(&self, of: Limited) {
        self.requests_limited.get_or_create(&[("limit", of.as_str())]).inc();
    }

    /// Counts a panic that was caught.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// Everything, in the OpenMetrics text format.
    pub fn encode(&self, readings: Readings) -> String {
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.lane_depth.get_or_create(&[("lane", "claims")]).set(gauge(readings.claims_waiting));
        self.lane_depth.get_or_create(&[("lane", "payments")]).set(gauge(readings.payments_waiting));
        self.pool.get_or_create(&[("state", "open")]).set(gauge(readings.pool_open));
        self.pool.get_or_create(&[("state", "idle")]).set(gauge(readings.pool_idle));
        self.body_bytes.set(gauge(readings.body_bytes));
        let mut text = String::new();
        // Writing to a string cannot fail.
        encode(&mut text, &self.registry).ok();
        text
    }
}
