//! What all measurements share: the stack, the events they sell, the customers who buy, and what was measured so far.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context;
use hyper::header::HeaderValue;
use rand::{SeedableRng, rngs::SmallRng};
use tokio_postgres::Client;

use super::{
    Scale, Selection,
    load::connect,
    processes::{CpuTimes, Moment, Processes},
    record::Record,
};
use crate::{
    client::{Connection, Target},
    rush::{Access, NewConcert, Promoter, sale::Sale},
    stack::Stack,
};
use rowlock::auth::mint_customer_token;

/// The number of connections of the steady loads.
pub const CONNECTIONS: usize = 256;
/// Customers take turns: each of them has a few orders, as at a real sale.
const CUSTOMERS: usize = 10_000;
const TOKEN_TTL_S: u64 = 6 * 3600;
/// Nothing expires while it is measured.
const WINDOW_MS: u64 = 24 * 3600 * 1000;
/// The most seats that a customer may have.
const SEATS_PER_CUSTOMER: usize = 1000;

/// One seat: the position of its section, and its number.
pub type Seat = (usize, i32);

/// The stack under measurement, and what was measured on it.
pub struct Stage {
    /// The server, and the secrets of its callers.
    pub access: Access,
    /// The server's address.
    pub target: Target,
    /// How much is done.
    pub scale: Scale,
    /// Which figures are wanted.
    pub selection: Selection,
    /// What was measured so far.
    pub record: Record,
    /// Who uses the CPU.
    pub processes: Processes,
    /// A superuser's connection to the database.
    pub db: Client,
    /// Redis, if there is one.
    pub redis_url: Option<String>,
    /// PostgreSQL's data directory.
    pub data_dir: PathBuf,
    /// PostgreSQL's address with the superuser's password.
    pub database_url: String,
    /// The headers that say who buys.
    pub customers: Arc<[HeaderValue]>,
    /// Counts the rounds from 0.
    pub round: usize,
}

impl Stage {
    /// Connects to the stack and mints the customers' tokens.
    ///
    /// # Errors
    /// When a part of the stack cannot be reached.
    pub(super) async fn on(stack: &Stack, scale: Scale, selection: Selection) -> anyhow::Result<Self> {
        let access = stack.access()?;
        let target = Target::resolve(&access.url).await?;
        let (db, _driver) = access.database.as_ref().context("a stack has a database")?.connect().await?;
        rest_autovacuum(&db).await?;
        let authorization = |index| {
            let token = mint_customer_token(&access.jwt_secret, &format!("bench-{index}"), TOKEN_TTL_S)?;
            anyhow::Ok(HeaderValue::from_str(&format!("Bearer {token}"))?)
        };
        let customers = (0..CUSTOMERS).map(authorization).collect::<anyhow::Result<Vec<_>>>()?.into();
        let (redis_url, database_url, processes) = (stack.redis_url(), stack.database_url(), Processes::new(stack.processes()));
        let (record, data_dir) = (Record::default(), stack.data_dir());
        Ok(Self { access, target, scale, selection, record, processes, db, redis_url, data_dir, database_url, customers, round: 0 })
    }

    /// A random source of this round.
    pub fn rng(&self) -> SmallRng {
        SmallRng::seed_from_u64(self.round as u64)
    }

    /// Whether the other side of each ratio begins this time.
    pub fn is_swapped(&self) -> bool {
        !self.round.is_multiple_of(2)
    }

    /// Puts a new event on sale, with the same number of seats in each section.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn event(&self, sections: usize, seats_per_section: usize) -> anyhow::Result<Arc<Sale>> {
        self.event_with_window(sections, seats_per_section, WINDOW_MS).await
    }

    /// The same, whose orders expire after `window_ms`.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn event_with_window(&self, sections: usize, seats_per_section: usize, window_ms: u64) -> anyhow::Result<Arc<Sale>> {
        let concert =
            NewConcert { name: "Bench".to_owned(), sections, seats_per_section, window_ms, seats_per_customer: SEATS_PER_CUSTOMER };
        let mut promoter = Promoter::connect(&self.target, self.access.api_key.as_deref()).await?;
        let concert = promoter.open(&concert).await?;
        Ok(Arc::new(Sale::new(&self.target, concert, &self.access.webhook_secret)?))
    }

    /// Leaves the tables as autovacuum leaves them soon after events were put on sale: a sale seldom begins in the same second.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub async fn settle(&self) -> anyhow::Result<()> {
        for table in ["seats", "sections"] {
            // One by one: vacuum must be a statement of its own.
            self.db.batch_execute(&format!("vacuum (analyze) rowlock.{table}")).await.context("cannot vacuum")?;
        }
        Ok(())
    }

    /// Opens connections for a load.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub async fn connections(&self, count: usize) -> anyhow::Result<Vec<Connection>> {
        connect(&self.target, count).await
    }

    /// Begins to measure who uses the CPU.
    pub fn meter(&mut self) -> Moment {
        self.processes.now()
    }

    /// Notes the generator's share of the CPU since then.
    pub fn note_share(&mut self, id: &'static str, since: &Moment) {
        let share = self.times_since(since).generator_share();
        self.record.note(id, share);
    }

    /// Everybody's CPU time since then, which it also prints.
    pub fn times_since(&mut self, since: &Moment) -> CpuTimes {
        let times = self.processes.since(since);
        let shares =
            [("generator", times.generator_ms), ("server", times.server_ms), ("PostgreSQL", times.postgres_ms), ("Redis", times.redis_ms)];
        let parts = shares.map(|(name, ms)| format!("{name} {:.0}%", ms as f64 * 100.0 / times.all_ms().max(1) as f64));
        eprintln!("      CPU: {}", parts.join(", "));
        times
    }

    /// Notes and prints a figure.
    pub fn note(&mut self, id: &'static str, value: f64) {
        self.record.note(id, value);
        eprintln!("    {id:<28} {}", super::figure::readable(value));
    }

    /// Notes the ratio of two figures of this round, if both were taken.
    pub fn note_ratio(&mut self, id: &'static str, of: &str, to: &str) {
        if let (Some(of), Some(to)) = (self.record.last(of), self.record.last(to)) {
            self.note(id, of / to.max(f64::MIN_POSITIVE));
        }
    }

    /// Every order that was answered must be there, and no other.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub async fn expect_orders(&mut self, sale: &Sale, status: &str, answered: u64) -> anyhow::Result<()> {
        let sql = "select count(*) from rowlock.orders where event_id = $1 and status::text = $2";
        let found: i64 = self.db.query_one(sql, &[&sale.concert.event_id, &status]).await?.get(0);
        if u64::try_from(found) != Ok(answered) {
            self.record.broken.push(format!("{answered} orders were answered {status}, but the database has {found}"));
        }
        Ok(())
    }

    /// Asks for the invariants, then empties the tables.
    ///
    /// # Errors
    /// When PostgreSQL or Redis does not answer.
    pub async fn clear(&mut self) -> anyhow::Result<()> {
        let found = self.db.query("select to_jsonb(v)::text from admin.invariant_violations v limit 10", &[]).await;
        let found = found.context("cannot ask for the invariants")?;
        self.record.broken.extend(found.iter().map(|row| format!("invariant violated: {}", row.get::<_, String>(0))));
        self.empty().await
    }

    /// Empties the tables, so that each measurement begins like the first: no rows of others, a checkpoint behind it and none to come
    /// (there is WAL enough for all of it).
    ///
    /// # Errors
    /// When PostgreSQL or Redis does not answer.
    pub async fn empty(&self) -> anyhow::Result<()> {
        let tables = tables_of_events(&self.db).await?.join(", ");
        for statement in [&format!("truncate {tables}"), "checkpoint"] {
            self.db.batch_execute(statement).await.context("cannot empty the tables")?;
        }
        if let Some(url) = &self.redis_url {
            // The queue names orders that are gone.
            let mut redis = redis::Client::open(url.as_str())?.get_multiplexed_async_connection().await?;
            redis::cmd("FLUSHDB").query_async::<()>(&mut redis).await.context("cannot empty Redis")?;
        }
        Ok(())
    }
}

/// Everything that belongs to events; API keys and migrations do not.
pub async fn tables_of_events(db: &Client) -> anyhow::Result<Vec<String>> {
    let sql = "select format('%I.%I', c.table_schema, c.table_name)
                 from information_schema.columns c
                 join information_schema.tables t using (table_schema, table_name)
                where c.table_schema = 'rowlock' and c.column_name = 'event_id' and t.table_type = 'BASE TABLE'";
    let rows = db.query(sql, &[]).await.context("cannot list the tables")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Has autovacuum leave the tables alone. They are emptied again and again, and a table it has just seen empty is planned for as if it
/// stayed so, until it comes by once more: that would hit one measurement in several, by chance.
async fn rest_autovacuum(db: &Client) -> anyhow::Result<()> {
    for table in tables_of_events(db).await? {
        let rest = format!("alter table {table} set (autovacuum_enabled = off)");
        db.batch_execute(&rest).await.with_context(|| format!("cannot keep autovacuum from {table}"))?;
    }
    Ok(())
}

/// `count` different seats of the event, drawn at random.
pub fn draw_seats(sale: &Sale, count: usize, rng: &mut SmallRng) -> Vec<Seat> {
    let per_section = sale.concert.sections.first().map_or(0, |section| section.capacity);
    let all = per_section * sale.concert.sections.len();
    let seat = |index: usize| (index / per_section, i32::try_from(index % per_section + 1).unwrap_or(i32::MAX));
    rand::seq::index::sample(rng, all, count.min(all)).into_iter().map(seat).collect()
}
