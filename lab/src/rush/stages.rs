//! One rush in stages: the crowd gathers, is released, has its answers, and the promises are verified.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use tokio_util::sync::CancellationToken;

use crate::client::{Connection, Target};

use super::{
    Access, NewConcert, Plan, Promoter, Report, buyer::Buyer, connections_possible, crowd::Crowd, intent::draw, progress, sale::Sale,
    scene::Scene, settings::Settings, verify, views::Summary,
};

/// The concert to rush.
#[derive(Clone, Debug)]
pub enum On {
    /// One made for it: nobody else buys there.
    New(NewConcert),
    /// One that is on sale already.
    Event(i64),
}

/// A concert on sale and its crowd, every buyer connected.
pub struct Gathered {
    scene: Scene,
    crowd: Crowd,
}

/// A rush after its last answer: the buyers' connections are open still.
pub struct Answered {
    pub(super) scene: Scene,
    pub(super) buyers: Vec<Buyer>,
    pub(super) released_at: Instant,
    pub(super) gone_at: Instant,
    pub(super) settings: Settings,
    stop: CancellationToken,
}

impl Gathered {
    /// Creates or finds the concert and gathers the crowd before it.
    ///
    /// # Errors
    /// When the server is not there or refuses the concert, or this process may not open enough files.
    pub async fn gather(access: &Access, on: &On, plan: &Plan) -> anyhow::Result<Self> {
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
        let capacities: Vec<usize> = concert.sections.iter().map(|section| section.capacity).collect();
        let drawn = draw(plan, &capacities);
        let span = plan.timeout + drawn.last().map_or(Duration::ZERO, |(intent, _)| intent.arrival);
        let sale = Arc::new(Sale::new(&target, concert, &access.webhook_secret)?);
        let seats = seats_on_sale(&sale).await?;
        let crowd = Crowd::gather(drawn, span, &sale, &access.jwt_secret).await?;
        let (only_ours, database) = (matches!(on, On::New(_)), access.database.clone());
        Ok(Self { scene: Scene { sale, plan: plan.clone(), seats, only_ours, database }, crowd })
    }

    /// Releases the crowd and waits until everybody has gone, or until `stop`: then everybody goes home at once.
    ///
    /// # Errors
    /// When a buyer's task panicked.
    pub async fn release(self, stop: &CancellationToken) -> anyhow::Result<Answered> {
        let Self { scene, crowd } = self;
        let selling = crowd.release(&scene.sale, scene.plan.timeout, stop);
        let (buyers, released_at) = tokio::select! {
            sold = selling => sold?,
            never = progress::show(&scene.sale.live, scene.seats as u64) => match never {},
        };
        if stop.is_cancelled() {
            eprintln!("Stopping … (once more to quit at once)");
        }
        let settings = Settings::of(&scene.plan, &scene.sale.concert);
        Ok(Answered { scene, buyers, released_at, gone_at: Instant::now(), settings, stop: stop.clone() })
    }
}

impl Answered {
    /// How long the rush took, from the release to the last answer.
    pub fn took(&self) -> Duration {
        self.gone_at - self.released_at
    }

    /// Whether it was stopped before its end, verification included.
    pub fn is_interrupted(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Closes the connections, holds what the buyers were told against what the server or its database says, and reports.
    ///
    /// # Errors
    /// When neither can be asked.
    pub async fn verify(mut self) -> anyhow::Result<Report> {
        let findings = match &self.scene.database {
            Some(endpoint) => verify::ask_database(endpoint, &self.scene, &self.buyers, &self.stop).await?,
            None => verify::ask_server(&self.scene, &mut self.buyers, &self.stop).await?,
        };
        Ok(Report::new(&self, findings))
    }
}

async fn seats_on_sale(sale: &Sale) -> anyhow::Result<usize> {
    let answer = Connection::open(&sale.target, 0).await?.send(&sale.summary_call).await?;
    let summary: Summary = serde_json::from_slice(&answer.body)?;
    ensure!(summary.sections.len() == sale.sections.len(), "the summary has other sections than the event");
    Ok(summary.sections.iter().map(|section| section.available).sum())
}
