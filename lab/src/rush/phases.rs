//! One rush in its phases: the crowd gathers, starts, has its answers, and the promises are verified.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use tokio_util::sync::CancellationToken;

use crate::client::{Connection, Target};

use super::{
    Access, NewConcert, Plan, Promoter,
    bodies::Summary,
    buyer::Buyer,
    connections_possible,
    crowd::Crowd,
    intent::draw,
    progress,
    sale::Sale,
    settings::Settings,
    setup::Setup,
    verify::{self, Findings},
};

/// The concert to rush.
#[derive(Clone, Debug)]
pub enum On {
    /// One created for the rush: nobody else buys there.
    New(NewConcert),
    /// One that is on sale already.
    Event(i64),
}

/// A concert on sale and its crowd, every buyer connected.
pub struct Gathered {
    setup: Setup,
    crowd: Crowd,
}

/// A rush after its last answer: the buyers' connections are still open.
pub struct Answered {
    pub(super) setup: Setup,
    pub(super) buyers: Vec<Buyer>,
    pub(super) started_at: Instant,
    pub(super) gone_at: Instant,
    pub(super) settings: Settings,
    stop: CancellationToken,
}

impl Gathered {
    /// Creates or finds the concert and gathers its crowd.
    ///
    /// # Errors
    /// When the server is not there or refuses the concert, or this process may not open enough files.
    pub async fn gather(access: &Access, on: &On, plan: &Plan) -> anyhow::Result<Self> {
        let (wanted, room) = (plan.buyers as u64, connections_possible(plan.buyers));
        ensure!(
            wanted <= room,
            "{wanted} buyers need {wanted} open files, but a process may have only {room} here: use fewer --buyers, or raise `ulimit -n`"
        );
        let target = Target::resolve(&access.url).await?;
        let mut promoter = Promoter::connect(&target, access.api_key.as_deref()).await?;
        let concert = match on {
            On::New(concert) => promoter.open(concert).await?,
            On::Event(event_id) => promoter.find(*event_id).await?,
        };
        let limit = concert.seats_per_customer;
        ensure!(plan.seats_per_order <= limit, "a customer may have at most {limit} seats at this concert, not {}", plan.seats_per_order);
        let capacities: Vec<usize> = concert.sections.iter().map(|section| section.capacity).collect();
        let drawn = draw(plan, &capacities);
        let span = plan.timeout + drawn.last().map_or(Duration::ZERO, |(intent, _)| intent.arrival);
        let sale = Arc::new(Sale::new(&target, concert, &access.webhook_secret)?);
        let seats = seats_on_sale(&sale).await?;
        let crowd = Crowd::gather(drawn, span, &sale, &access.jwt_secret).await?;
        let (only_ours, database) = (matches!(on, On::New(_)), access.database.clone());
        Ok(Self { setup: Setup { sale, plan: plan.clone(), seats, only_ours, database }, crowd })
    }

    /// Starts the crowd and waits until all have left, or until `stop`: then all buyers leave at once.
    ///
    /// # Errors
    /// When a buyer's task panicked.
    pub async fn start(self, stop: &CancellationToken) -> anyhow::Result<Answered> {
        let Self { setup, crowd } = self;
        let selling = crowd.start(&setup.sale, setup.plan.timeout, stop);
        let (buyers, started_at) = tokio::select! {
            sold = selling => sold?,
            never = progress::show(&setup.sale.counters, setup.seats as u64) => match never {},
        };
        if stop.is_cancelled() {
            eprintln!("Stopping … (press Ctrl-C again to quit at once)");
        }
        let settings = Settings::of(&setup.plan, &setup.sale.concert);
        Ok(Answered { setup, buyers, started_at, gone_at: Instant::now(), settings, stop: stop.clone() })
    }
}

impl Answered {
    /// How long the rush took, from the start to the last answer.
    pub fn took(&self) -> Duration {
        self.gone_at - self.started_at
    }

    /// Whether it was stopped before its end, verification included.
    pub fn is_interrupted(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Compares what the buyers were told with what the database says, or else the server.
    pub(super) async fn verify(&mut self) -> anyhow::Result<Findings> {
        match &self.setup.database {
            Some(endpoint) => verify::ask_database(endpoint, &self.setup, &self.buyers, &self.stop).await,
            None => verify::ask_server(&self.setup, &mut self.buyers, &self.stop).await,
        }
    }
}

async fn seats_on_sale(sale: &Sale) -> anyhow::Result<usize> {
    let answer = Connection::open(&sale.target, 0).await?.send(&sale.summary_call).await?;
    let summary: Summary = serde_json::from_slice(&answer.body)?;
    ensure!(summary.sections.len() == sale.sections.len(), "the summary lists different sections than the event");
    Ok(summary.sections.iter().map(|section| section.available).sum())
}
