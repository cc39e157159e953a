//! `rowlock-lab demo`: everything on this machine, one concert sold while you watch, and another to try by hand.

use std::{path::PathBuf, time::Duration};

use anyhow::{anyhow, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use indicatif::HumanCount;
use time::OffsetDateTime;

use rowlock::{auth::mint_customer_token, flags::whole, signal::stop_asked};

use crate::{
    client::Target,
    rush::{Access, Concert, NewConcert, On, Plan, Promoter, connections_possible, rush},
    stack::{Stack, StackSettings},
};

/// What `demo` can be told.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// Skips the rush of 10,000 buyers.
    #[arg(long)]
    no_rush: bool,
    /// The folder for data, logs and secrets; created if it is missing.
    #[arg(long, default_value = ".rowlock")]
    dir: PathBuf,
    /// The server's port on 127.0.0.1; a free one is used if it is taken.
    #[arg(long, default_value_t = 8080, value_parser = whole::<u16>(0..=65_535))]
    port: u16,
}

const BUYERS: usize = 10_000;
/// People paste more slowly than buyers click.
const TRIAL_WINDOW_MS: u64 = 300_000;
/// One customer tries everything.
const TRIAL_SEATS_PER_CUSTOMER: usize = 50;
const TOKEN_TTL_S: u64 = 24 * 3600;

/// Runs until Ctrl-C or SIGTERM.
///
/// # Errors
/// When a part cannot be started or ends by itself. A promise that the rush broke is in its report.
pub async fn run(args: DemoArgs) -> anyhow::Result<()> {
    eprintln!("Starting PostgreSQL, Redis and the server in {} …", args.dir.display());
    let interrupted = stop_asked();
    tokio::pin!(interrupted);
    let settings = StackSettings { dir: args.dir.clone(), port: args.port, fresh: false };
    let mut stack = tokio::select! {
        stack = Stack::start(&settings) => stack?,
        () = &mut interrupted => bail!("interrupted"),
    };
    tell_of_surprises(&stack, args.port);
    let (access, database_url) = (stack.access()?, stack.database_url());
    let outcome = tokio::select! {
        outcome = present(&args, &access, &database_url) => outcome,
        error = stack.server_ended() => Err(error),
        () = &mut interrupted => Ok(()),
    };
    eprintln!("\nStopping …");
    stack.stop().await?;
    outcome
}

fn tell_of_surprises(stack: &Stack, port: u16) {
    if !stack.has_redis() {
        eprintln!("redis-server is not installed, so this runs without it. Nothing is lost: PostgreSQL decides everything.");
    }
    if !stack.url().ends_with(&format!(":{port}")) {
        eprintln!("Port {port} is taken: the server listens on {} instead.", stack.url());
    }
}

/// The rush, then what to try; returns only when something is wrong.
async fn present(args: &DemoArgs, access: &Access, database_url: &str) -> anyhow::Result<()> {
    if !args.no_rush {
        sell_out(access).await?;
    }
    let target = Target::resolve(&access.url).await?;
    let trial = NewConcert { window_ms: TRIAL_WINDOW_MS, seats_per_customer: TRIAL_SEATS_PER_CUSTOMER, ..NewConcert::reference("Try it") };
    let concert = Promoter::connect(&target, access.api_key.as_deref()).await?.open(&trial).await?;
    println!("{}", what_to_try(access, &concert, database_url)?);
    std::future::pending().await
}

async fn sell_out(access: &Access) -> anyhow::Result<()> {
    let buyers = BUYERS.min(usize::try_from(connections_possible(BUYERS))?);
    if buyers < BUYERS {
        eprintln!("A process cannot open enough files here for {BUYERS} buyers, so only {buyers} come (see `ulimit -n`).");
    }
    println!("\n{} buyers, each on a connection of their own, rush for 10,000 seats:", HumanCount(buyers as u64));
    let seed = u64::from(rand::random::<u32>());
    let plan = Plan { buyers, seed, ..Plan::default() };
    let report = rush(access, &On::New(NewConcert::reference("Rush")), &plan).await?;
    println!("{report}");
    Ok(())
}

/// Everything a newcomer can paste.
fn what_to_try(access: &Access, concert: &Concert, database_url: &str) -> anyhow::Result<String> {
    let Access { url, jwt_secret, webhook_secret, .. } = access;
    let api_key = access.api_key.as_deref().unwrap_or_default();
    let event_id = concert.event_id;
    let token = mint_customer_token(jwt_secret, "you", TOKEN_TTL_S)?;
    let signing_key =
        hex(&STANDARD.decode(webhook_secret.trim_start_matches("whsec_")).map_err(|_| anyhow!("the webhook secret is not base64"))?);
    let until = OffsetDateTime::now_utc() + Duration::from_secs(TOKEN_TTL_S);
    let until = until.replace_nanosecond(0)?.format(&time::format_description::well_known::Rfc3339)?;
    Ok(format!(
        r#"
Rowlock is up, with a fresh concert to try: event {event_id}, 10,000 seats, {minutes} minutes to pay.

  start here      {url}/
  Swagger UI      {url}/docs   (press Authorize and enter the credentials below; every example is filled in)
  OpenAPI spec    {url}/openapi.json
  sections        {url}/v1/events/{event_id}/sections
  seats of A      {url}/v1/events/{event_id}/sections/A/seats
  admin API key   {api_key}   (header X-Api-Key)
  gateway secret  {webhook_secret}   (signs payment notices)
  customer token  {token}
                  (customer "you", until {until})

Read the sections:
curl -s {url}/v1/events/{event_id}/sections; echo

Claim two seats together (and keep the answer for the payment):
order=$(curl -s {url}/v1/events/{event_id}/orders -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{{"best_available":{{"section":"A","quantity":2}}}}'); echo "$order"

Pay for them as the payment gateway would, with its signature:
id=$(echo "$order" | sed 's/.*"order_id":"\([^"]*\)".*/\1/'); amount=$(echo "$order" | sed 's/.*"amount_minor":\([0-9]*\).*/\1/'); now=$(date +%s); body='{{"event_id":{event_id},"order_id":"'$id'","provider":"demo","provider_reference":"'$id'","amount_minor":'$amount',"currency":"TWD","status":"succeeded"}}'; curl -s {url}/v1/payments -H 'Content-Type: application/json' -H "webhook-id: $id" -H "webhook-timestamp: $now" -H "webhook-signature: v1,$(printf %s "$id.$now.$body" | openssl dgst -sha256 -mac HMAC -macopt hexkey:{signing_key} -binary | base64)" -d "$body"; echo

Check the database (every invariant is a query that must return no rows):
psql '{database_url}' -c 'select * from admin.invariant_violations'

Ask it more, as a superuser (sql/README.md has a cookbook):
psql '{database_url}'

Ctrl-C stops everything."#,
        minutes = TRIAL_WINDOW_MS / 60_000,
    ))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
