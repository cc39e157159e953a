//! The options of `rowlock-lab rush`.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::Args;

use rowlock::db::Endpoint;
use rowlock::flags::whole;

use crate::{
    commands::ensure_writable,
    rush::{Access, NewConcert, On, Plan, Preset},
};

/// The options of `rush`.
#[derive(Args, Clone, Debug)]
pub struct RushArgs {
    /// Who comes to which concert; flags replace the preset's own settings.
    #[arg(value_enum, default_value = "reference")]
    preset: Preset,
    /// How many buyers come, each on a connection of their own.
    #[arg(long, value_parser = whole::<u32>(1..=1_000_000))]
    buyers: Option<u32>,
    /// How many seats each buyer wants, all in one order.
    #[arg(long, value_parser = whole::<u32>(1..=100))]
    seats_per_order: Option<u32>,
    /// The share of buyers who let the server choose their seats, from 0 to 1.
    #[arg(long, value_parser = share)]
    best_available: Option<f64>,
    /// The share of buyers who claim and never pay, from 0 to 1: their orders expire, and the seats are sold again.
    #[arg(long, value_parser = share)]
    abandon: Option<f64>,
    /// Buyers claim without reading sections and seats first: two requests each, and more after a refusal.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    no_reads: Option<bool>,
    /// Buyers each want different seats, as long as there are enough, so that nobody is refused.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    own_seats: Option<bool>,
    /// Buyers leave when their first claim is refused.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    one_try: Option<bool>,
    /// How many buyers come per second, as a Poisson stream, whether or not earlier ones were answered [default: all at once].
    #[arg(long, value_parser = rate, value_name = "PER_SECOND")]
    rate: Option<f64>,
    /// How many sections the new concert has.
    #[arg(long, value_parser = whole::<u32>(1..=500))]
    sections: Option<u32>,
    /// How many seats each section has.
    #[arg(long, value_parser = whole::<u32>(1..=1_000_000))]
    seats_per_section: Option<u32>,
    /// How long a pending order holds its seats, in milliseconds.
    #[arg(long, value_parser = whole::<u64>(1000..=86_400_000))]
    window_ms: Option<u64>,
    /// When buyers leave, in seconds after they came.
    #[arg(long, value_parser = whole::<u64>(1..=3600))]
    timeout_s: Option<u64>,
    /// The seed of what buyers choose and when they come [default: random, and reported].
    #[arg(long, value_parser = whole::<u64>(0..=u64::MAX))]
    seed: Option<u64>,
    /// Writes the report to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Writes the report to this file as a page with charts.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// The folder for the private servers' data and logs; the database starts empty.
    #[arg(long, default_value = ".rowlock/rush", conflicts_with = "url")]
    pub dir: PathBuf,
    #[command(flatten)]
    pub running: RunningServer,
}

/// A server that is already running, instead of private servers.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "A running server instead of private servers")]
pub struct RunningServer {
    /// Its address, http://host:port.
    #[arg(long, requires_all = ["jwt_secret", "webhook_secret"])]
    pub url: Option<String>,
    /// Rushes for this event, which must be on sale, instead of creating one.
    #[arg(long, value_parser = whole::<i64>(1..=i64::MAX))]
    #[arg(requires = "url", conflicts_with_all = ["sections", "seats_per_section", "window_ms"])]
    event_id: Option<i64>,
    /// The secret that signs customers' tokens.
    #[arg(long, env = "ROWLOCK_JWT_SECRET", hide_env_values = true)]
    jwt_secret: Option<String>,
    /// The secret that signs the payment gateway's notices, whsec_….
    #[arg(long, env = "ROWLOCK_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
    /// An admin's API key, to create the concert.
    #[arg(long, env = "ROWLOCK_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// Its database, as a user who may read everything: to check the invariants and the tickets.
    #[arg(long, env = "ROWLOCK_RUSH_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
}

fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "it must be a number from 0 to 1".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|rate| (0.1..=1e6).contains(rate)).ok_or_else(|| "it must be a number from 0.1 to 1000000".to_owned())
}

impl RushArgs {
    /// Whether the rush can be run and reported as asked, before anything is started for it.
    ///
    /// # Errors
    /// When a file cannot be written, or the preset needs a concert of its own.
    pub fn check(&self) -> anyhow::Result<()> {
        for file in [&self.json, &self.html].into_iter().flatten() {
            ensure_writable(file)?;
        }
        if self.running.event_id.is_some() && self.preset.has_its_own_concert() {
            bail!("this preset sells a concert of its own: leave out --event-id, or use another preset");
        }
        Ok(())
    }

    /// The crowd and its concert: the preset's, with the flags given.
    pub fn plan_and_concert(&self) -> (Plan, On) {
        let (plan, concert) = self.preset.plan_and_concert();
        let count = |given: Option<u32>, preset: usize| given.map_or(preset, |given| given as usize);
        let plan = Plan {
            buyers: count(self.buyers, plan.buyers),
            seats_per_order: count(self.seats_per_order, plan.seats_per_order),
            best_available: self.best_available.unwrap_or(plan.best_available),
            abandon: self.abandon.unwrap_or(plan.abandon),
            reads: self.no_reads.map_or(plan.reads, |no_reads| !no_reads),
            own_seat: self.own_seats.unwrap_or(plan.own_seat),
            one_try: self.one_try.unwrap_or(plan.one_try),
            rate: self.rate.or(plan.rate),
            seed: self.seed.unwrap_or_else(|| u64::from(rand::random::<u32>())),
            timeout: self.timeout_s.map_or(plan.timeout, Duration::from_secs),
        };
        let concert = NewConcert {
            sections: count(self.sections, concert.sections),
            seats_per_section: count(self.seats_per_section, concert.seats_per_section),
            window_ms: self.window_ms.unwrap_or(concert.window_ms),
            seats_per_customer: plan.seats_per_order.max(concert.seats_per_customer),
            name: concert.name,
        };
        (plan, self.running.event_id.map_or(On::New(concert), On::Event))
    }
}

impl RunningServer {
    /// What the rush needs to know about it.
    ///
    /// # Errors
    /// When a secret is missing.
    pub fn access(&self, url: &str) -> anyhow::Result<Access> {
        if self.event_id.is_none() && self.api_key.is_none() {
            bail!("creating the concert needs --api-key; or give --event-id of one that is on sale");
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: RushArgs,
    }

    fn plan_and_concert(args: &[&str]) -> (Plan, NewConcert) {
        let cli = Cli::try_parse_from([&["rush", "--seed", "1"], args].concat()).unwrap_or_else(|error| panic!("{error}"));
        match cli.args.plan_and_concert() {
            (plan, On::New(concert)) => (plan, concert),
            (_, On::Event(event_id)) => panic!("event {event_id}"),
        }
    }

    #[test]
    fn each_preset_is_what_its_name_says() {
        let (plan, concert) = plan_and_concert(&[]);
        assert_eq!((plan.buyers, concert.sections * concert.seats_per_section, concert.window_ms), (10_000, 10_000, 10_000));
        assert!(plan.reads && !plan.own_seat && !plan.one_try && plan.rate.is_none() && plan.abandon == 0.0);
        let (plan, concert) = plan_and_concert(&["same-seat"]);
        assert_eq!((plan.buyers, concert.sections * concert.seats_per_section, plan.reads, plan.one_try), (10_000, 1, false, true));
        assert_eq!(plan_and_concert(&["best-available"]).0.best_available, 1.0);
        let (plan, concert) = plan_and_concert(&["abandon-half"]);
        assert!(plan.abandon == 0.5 && plan.buyers as f64 * plan.abandon > (concert.sections * concert.seats_per_section) as f64);
        let (plan, concert) = plan_and_concert(&["two-seats"]);
        assert_eq!((plan.seats_per_order, plan.buyers * 2), (2, concert.sections * concert.seats_per_section));
        let (_, concert) = plan_and_concert(&["million-seats"]);
        assert_eq!(concert.sections * concert.seats_per_section, 1_000_000);
    }

    #[test]
    fn a_flag_takes_the_place_of_the_presets_setting() {
        let (plan, concert) =
            plan_and_concert(&["same-seat", "--buyers", "7", "--no-reads=false", "--one-try=false", "--own-seats", "--sections", "3"]);
        assert_eq!((plan.buyers, plan.reads, plan.one_try, plan.own_seat, plan.seed), (7, true, false, true, 1));
        assert_eq!((concert.sections, concert.seats_per_section), (3, 1));
        let (plan, concert) =
            plan_and_concert(&["abandon-half", "--abandon", "0", "--window-ms", "5000", "--seats-per-order", "9", "--rate", "12.5"]);
        assert_eq!((plan.abandon, plan.rate, concert.window_ms, concert.seats_per_customer), (0.0, Some(12.5), 5000, 9));
    }

    #[test]
    fn a_preset_with_a_concert_of_its_own_takes_no_event() {
        let check = |preset| {
            let running = ["--url", "http://127.0.0.1:1", "--event-id", "1", "--jwt-secret", "x", "--webhook-secret", "x"];
            let cli = Cli::try_parse_from([&["rush", preset][..], &running].concat()).unwrap_or_else(|error| panic!("{error}"));
            cli.args.check()
        };
        for preset in ["same-seat", "abandon-half", "million-seats"] {
            assert!(check(preset).expect_err(preset).to_string().contains("--event-id"));
        }
        for preset in ["reference", "best-available", "two-seats"] {
            check(preset).unwrap_or_else(|error| panic!("{preset}: {error}"));
        }
    }
}
