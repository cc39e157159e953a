//! `rowlock token`.

use std::path::PathBuf;

use anyhow::Context;

use crate::auth::mint_customer_token;
use crate::flags::whole;
use crate::secrets;

/// Who the token is for, and how long it is valid.
#[derive(clap::Args)]
pub struct Args {
    /// The customer's id (sub), 1 to 200 characters
    #[arg(long)]
    customer: String,
    /// How long the token is valid, in seconds; 100 years at most, and no longer than the server's --jwt-lifetime-max-s allows
    #[arg(long, default_value_t = 3_600, value_parser = whole::<u64>(1..=3_153_600_000))]
    ttl_s: u64,
    /// The server's secret for HS256 tokens, at least 32 bytes
    #[arg(long, env = "ROWLOCK_JWT_SECRET", hide_env_values = true, required_unless_present = "jwt_secret_file")]
    jwt_secret: Option<String>,
    /// File with that secret, instead of the secret itself
    #[arg(long, env = "ROWLOCK_JWT_SECRET_FILE", conflicts_with = "jwt_secret")]
    jwt_secret_file: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let secret = secrets::given(args.jwt_secret.as_ref(), args.jwt_secret_file.as_ref(), "--jwt-secret-file")?;
    let secret = secret.context("neither --jwt-secret nor --jwt-secret-file is given")?;
    println!("{}", mint_customer_token(&secret, &args.customer, args.ttl_s)?);
    Ok(())
}
