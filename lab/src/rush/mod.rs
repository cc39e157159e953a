//! The rush: a crowd of buyers, each on its own connection, all starting at once on one concert, and held to its promises.
//!
//! Every buyer reads the sections, reads the seats of one, chooses, claims (and chooses again when others were faster), and pays
//! through the signed notice of the gateway. At the end the buyers' ledger (which order was promised which seats) is compared with the
//! database's tickets, and the database is asked for its invariants. The generator shares its machine with the server, so it does
//! as little as it can for each request: tokens, headers and paths are made before the start, and bodies that came before are
//! not decoded again.

pub(crate) mod bodies;
mod buyer;
mod choice;
mod concert;
mod crowd;
mod intent;
mod order_counts;
mod phases;
mod preset;
mod progress;
mod report;
pub(crate) mod sale;
mod settings;
mod setup;
mod tally;
mod timeline;
mod verify;

use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

pub use self::{
    concert::{Concert, ConcertSection, NewConcert, Promoter},
    order_counts::OrderCounts,
    phases::{Answered, Gathered, On},
    preset::Preset,
    report::{Endings, FromArrival, RushReport},
    settings::{Machine, Settings},
    tally::{Latency, Totals},
    timeline::Timeline,
    verify::SectionLeft,
};
use rowlock::{db::Endpoint, open_files::raise_open_files};

/// File descriptors that a process needs besides its connections.
pub const SPARE_FILES: u64 = 100;

/// Who comes and what they want.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many buyers.
    pub buyers: usize,
    /// How many seats each wants, in one order.
    pub seats_per_order: usize,
    /// The share of the buyers who let the server choose, 0 to 1.
    pub best_available: f64,
    /// The share of the buyers who claim and never pay, 0 to 1.
    pub abandon: f64,
    /// Buyers read the sections and the seats of one before they claim. Otherwise they claim random seats, and read only after
    /// a refusal.
    pub reads: bool,
    /// Each buyer tries seats of its own, as long as there are enough, so that nobody is refused; a buyer whose seats are taken all the
    /// same chooses others.
    pub own_seat: bool,
    /// A buyer leaves when its first claim is refused.
    pub one_try: bool,
    /// Buyers who arrive per second, as a Poisson stream, whether or not earlier ones were answered; `None`: all at once.
    pub rate: Option<f64>,
    /// The seed of what they choose and when they arrive.
    pub seed: u64,
    /// When a buyer leaves, counted from its arrival.
    pub timeout: Duration,
}

impl Default for Plan {
    /// The reference scenario: 10,000 buyers of one seat each, who read, choose and pay.
    fn default() -> Self {
        Self {
            buyers: 10_000,
            seats_per_order: 1,
            best_available: 0.0,
            abandon: 0.0,
            reads: true,
            own_seat: false,
            one_try: false,
            rate: None,
            seed: 0,
            timeout: Duration::from_secs(60),
        }
    }
}

/// The server, and the secrets that make customers, notices and events.
#[derive(Clone)]
pub struct Access {
    /// `http://host:port`
    pub url: String,
    /// Signs the customers' tokens.
    pub jwt_secret: String,
    /// Signs the gateway's notices.
    pub webhook_secret: String,
    /// Creates the concert; not needed if it exists.
    pub api_key: Option<String>,
    /// Asks for the invariants and the tickets, as a user who may read them; without it, the API is asked.
    pub database: Option<Endpoint>,
}

/// Runs one rush from the gathering of the crowd to the verdict.
///
/// # Errors
/// When it cannot be run: the server is not there or refuses the concert, or this process may not open enough files. Broken
/// promises are not errors: they are in the report.
pub async fn rush(access: &Access, on: &On, plan: &Plan) -> anyhow::Result<RushReport> {
    rush_until(access, on, plan, &CancellationToken::new()).await
}

/// The same until `stop`: then all buyers leave, and the report covers what had happened until then.
///
/// # Errors
/// As above, and when it is stopped before the crowd has gathered.
pub async fn rush_until(access: &Access, on: &On, plan: &Plan, stop: &CancellationToken) -> anyhow::Result<RushReport> {
    let gathering = stop.run_until_cancelled(Gathered::gather(access, on, plan)).await;
    let answered = gathering.context("stopped before the crowd had gathered")??.start(stop).await?;
    RushReport::of(answered).await
}

/// How many of `wanted` connections this process may open at most.
pub fn connections_possible(wanted: usize) -> u64 {
    raise_open_files(wanted as u64 + SPARE_FILES).saturating_sub(SPARE_FILES)
}
