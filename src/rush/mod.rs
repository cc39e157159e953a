//! The rush: a crowd of buyers, each on its own connection, all released at once on one concert, and held to its promises.
//!
//! Every buyer reads the sections, reads the seats of one, chooses, claims (and chooses again when others were faster), and pays
//! through the signed notice of the gateway. At the end the buyers' ledger (which order was promised which seats) is held against the
//! database's tickets, and the database is asked for its invariants. The generator shares its machine with the server, so it does
//! as little as it can for each request: tokens, headers and paths are made before the release, and bodies that came before are
//! not decoded again.

mod buyer;
mod choice;
mod client;
mod concert;
mod crowd;
mod progress;
mod report;
mod sale;
mod tally;
mod verify;
mod views;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use bytes::Bytes;
use hyper::{Method, Uri};

pub use self::{
    client::Target,
    concert::{Concert, ConcertSection, NewConcert, Promoter},
    report::{Endings, Report},
    tally::{Latency, Totals},
};
use self::{
    client::{Call, Connection},
    crowd::Crowd,
    sale::Sale,
    views::Summary,
};
use crate::{db::Endpoint, embedded::raise_open_files};

/// Descriptors a process needs beside its connections.
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
    /// Seeds what they choose.
    pub seed: u64,
    /// When everybody goes home, counted from the release.
    pub timeout: Duration,
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
    /// Creates the concert; not needed for one that exists.
    pub api_key: Option<String>,
    /// Asks for the invariants and the tickets, as a user who may read them; without it the server is asked what it shows.
    pub database: Option<Endpoint>,
}

/// The concert to rush.
#[derive(Clone, Debug)]
pub enum On {
    /// One made for it: nobody else buys there.
    New(NewConcert),
    /// One that is on sale already.
    Event(i64),
}

/// Runs one rush from the gathering of the crowd to the verdict.
///
/// # Errors
/// When it cannot be run: the server is not there or refuses the concert, or this process may not open enough files. Broken
/// promises are no error but in the report.
pub async fn rush(access: &Access, on: &On, plan: &Plan) -> anyhow::Result<Report> {
    let (wanted, room) = (plan.buyers as u64, connections_possible(plan.buyers));
    ensure!(
        wanted <= room,
        "{wanted} buyers need as many open files, and a process may have {room} here: fewer --buyers, or a higher `ulimit -n`"
    );
    let target = Target::resolve(&access.url).await?;
    let mut promoter = Promoter::connect(&target, access.api_key.as_deref()).await?;
    let concert = match on {
        On::New(concert) => promoter.open(concert).await?,
        On::Event(event_id) => promoter.find(*event_id).await?,
    };
    let limit = concert.seats_per_customer;
    ensure!(plan.seats_per_order <= limit, "a customer may have {limit} seats at this concert, not {}", plan.seats_per_order);
    let sale = Arc::new(Sale::new(&target, concert, &access.webhook_secret)?);
    let seats = seats_on_sale(&sale).await?;
    let crowd = Crowd::gather(plan, &target, &access.jwt_secret).await?;
    let selling = crowd.release(&sale, plan.timeout);
    let (mut buyers, released_at) = tokio::select! {
        sold = selling => sold?,
        never = progress::show(&sale, seats as u64) => match never {},
    };
    let gone_at = Instant::now();
    let only_ours = matches!(on, On::New(_));
    let findings = match &access.database {
        Some(endpoint) => verify::ask_database(endpoint, &sale, &buyers, only_ours).await?,
        None => verify::ask_server(&sale, &mut buyers, only_ours).await?,
    };
    Ok(Report::new(plan, &sale, seats, &buyers, released_at, gone_at, findings))
}

/// Whether a server at `url` says that it is ready.
pub async fn is_ready(url: &str) -> bool {
    let asking = async {
        let target = Target::resolve(url).await?;
        let (headers, uri) = (client::common_headers(&target), Uri::from_static("/readyz"));
        let call = Call { method: Method::GET, uri, headers, body: Bytes::new() };
        anyhow::Ok(Connection::open(&target, 0).await?.send(&call).await?.status.is_success())
    };
    asking.await.unwrap_or(false)
}

/// How many of `wanted` connections this process may open at most.
pub fn connections_possible(wanted: usize) -> u64 {
    raise_open_files(wanted as u64 + SPARE_FILES).saturating_sub(SPARE_FILES)
}

async fn seats_on_sale(sale: &Sale) -> anyhow::Result<usize> {
    let answer = Connection::open(&sale.target, 0).await?.send(&sale.summary_call).await?;
    let summary: Summary = serde_json::from_slice(&answer.body)?;
    ensure!(summary.sections.len() == sale.sections.len(), "the summary has other sections than the event");
    Ok(summary.sections.iter().map(|section| section.available).sum())
}
