//! `rowlock token`.

use crate::auth::mint_customer_token;
use crate::flags::whole;

/// Who the token is for, and how long it is valid.
#[derive(clap::Args)]
pub struct Args {
    /// The customer's id (sub), 1 to 200 characters
    #[arg(long)]
    customer: String,
    /// How long the token is valid, in seconds; 100 years at most
    #[arg(long, default_value_t = 3_600, value_parser = whole::<u64>(1..=3_153_600_000))]
    ttl_s: u64,
    /// The server's secret for HS256 tokens, at least 32 bytes
    #[arg(long, env = "ROWLOCK_JWT_SECRET", hide_env_values = true)]
    jwt_secret: String,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    println!("{}", mint_customer_token(&args.jwt_secret, &args.customer, args.ttl_s)?);
    Ok(())
}
