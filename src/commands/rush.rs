//! `rowlock rush`: a crowd of buyers on one concert, held to every promise.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::Args;

use crate::{
    db::Endpoint,
    rush::{Access, NewConcert, On, Plan, Report, rush},
    stack::{Stack, StackSettings},
};

/// Releases a crowd of buyers on one concert and checks every promise; exit status 1 if one was broken.
#[derive(Args, Clone, Debug)]
pub struct RushArgs {
    /// How many buyers, each on its own connection.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    buyers: u32,
    /// How many seats each buyer wants, in one order.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    seats_per_order: u32,
    /// Share of the buyers who let the server choose the seats, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    best_available: f64,
    /// Share of the buyers who claim and never pay, 0 to 1: their orders expire and the seats are sold again.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    abandon: f64,
    /// Buyers claim without reading the sections and the seats first: 2 requests each, and more after a refusal.
    #[arg(long)]
    no_reads: bool,
    /// Each buyer goes for seats of its own, as far as the house reaches, so that nobody is refused.
    #[arg(long)]
    own_seats: bool,
    /// A buyer whose first claim is refused goes home.
    #[arg(long)]
    one_try: bool,
    /// Buyers who come each second, as a Poisson stream [default: all at once].
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    /// Sections of the concert that is created.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=500))]
    sections: u32,
    /// Seats of each section.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    seats_per_section: u32,
    /// How long a pending order holds its seats, in milliseconds.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1000..=86_400_000))]
    window_ms: u64,
    /// When everybody goes home, in seconds after the release.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout_s: u64,
    /// Seeds what the buyers choose [default: drawn at random and reported].
    #[arg(long)]
    seed: Option<u64>,
    /// Writes the report to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where the private stack keeps its cluster and logs; its database begins empty.
    #[arg(long, default_value = ".rowlock/rush", conflicts_with = "url")]
    dir: PathBuf,
    #[command(flatten)]
    running: RunningServer,
}

/// A server that runs already, instead of a private stack.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "A running server instead of a private stack")]
struct RunningServer {
    /// Its address, http://host:port.
    #[arg(long, requires_all = ["jwt_secret", "webhook_secret"])]
    url: Option<String>,
    /// Rushes this event, on sale already, instead of creating one.
    #[arg(long, requires = "url")]
    event_id: Option<i64>,
    /// The secret that signs customers' tokens.
    #[arg(long, env = "ROWLOCK_JWT_SECRET", hide_env_values = true)]
    jwt_secret: Option<String>,
    /// The secret that signs the gateway's notices, whsec_….
    #[arg(long, env = "ROWLOCK_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
    /// An admin's API key, to create the concert.
    #[arg(long, env = "ROWLOCK_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// Its database, as a user who may read all of it: to ask for the invariants and the tickets.
    #[arg(long, env = "ROWLOCK_RUSH_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
}

fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "a share is a number from 0 to 1".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|rate| (0.001..=1e6).contains(rate)).ok_or_else(|| "a rate is a number from 0.001 to 1000000".to_owned())
}

impl RushArgs {
    fn plan(&self) -> Plan {
        Plan {
            buyers: self.buyers as usize,
            seats_per_order: self.seats_per_order as usize,
            best_available: self.best_available,
            abandon: self.abandon,
            reads: !self.no_reads,
            own_seat: self.own_seats,
            one_try: self.one_try,
            rate: self.rate,
            seed: self.seed.unwrap_or_else(|| u64::from(rand::random::<u32>())),
            timeout: Duration::from_secs(self.timeout_s),
        }
    }

    fn on(&self) -> On {
        self.running.event_id.map_or_else(
            || {
                On::New(NewConcert {
                    name: "Rush".to_owned(),
                    sections: self.sections as usize,
                    seats_per_section: self.seats_per_section as usize,
                    window_ms: self.window_ms,
                    seats_per_customer: self.seats_per_order.max(4) as usize,
                })
            },
            On::Event,
        )
    }
}

impl RunningServer {
    fn access(&self, url: &str) -> anyhow::Result<Access> {
        if self.event_id.is_none() && self.api_key.is_none() {
            bail!("to create the concert, --api-key is needed; or name one that is on sale with --event-id");
        }
        let database = self.database_url.as_deref().map(|url| Endpoint::new(url, None)).transpose()?;
        Ok(Access {
            url: url.to_owned(),
            jwt_secret: self.jwt_secret.clone().context("--jwt-secret is missing")?,
            webhook_secret: self.webhook_secret.clone().context("--webhook-secret is missing")?,
            api_key: self.api_key.clone(),
            database,
        })
    }
}

/// Runs the rush, on a private stack unless a running server is named, and prints its report.
///
/// # Errors
/// When it cannot be run, or a promise was broken.
pub async fn run(args: RushArgs) -> anyhow::Result<()> {
    let report = match &args.running.url {
        Some(url) => rush(&args.running.access(url)?, &args.on(), &args.plan()).await?,
        None => on_private_stack(&args).await?,
    };
    println!("{report}");
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(&report)? + "\n";
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    verdict(&report)
}

/// An error if a promise was broken.
pub(super) fn verdict(report: &Report) -> anyhow::Result<()> {
    if report.is_kept() {
        return Ok(());
    }
    bail!("the rush broke a promise: see its report")
}

async fn on_private_stack(args: &RushArgs) -> anyhow::Result<Report> {
    eprintln!("Starting a private PostgreSQL, Redis and server in {} …", args.dir.display());
    let settings = StackSettings { dir: args.dir.clone(), port: 0, fresh: true };
    let interrupted = super::signal::stop_asked();
    tokio::pin!(interrupted);
    let mut stack = tokio::select! {
        stack = Stack::start(&settings) => stack?,
        () = &mut interrupted => bail!("interrupted"),
    };
    if !stack.has_redis() {
        eprintln!("redis-server is not installed: orders are expired by the sweep alone");
    }
    let access = stack.access()?;
    let (on, plan) = (args.on(), args.plan());
    let outcome = tokio::select! {
        report = rush(&access, &on, &plan) => report,
        error = stack.server_ended() => Err(error),
        () = &mut interrupted => Err(anyhow::anyhow!("interrupted")),
    };
    stack.stop().await?;
    outcome
}
