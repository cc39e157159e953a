//! The commands of the `rowlock` binary, one file each.

mod api_key;
mod health;
mod migrate;
mod openapi;
pub mod serve;
mod token;

use std::future::Future;

use clap::Parser;

/// Sells numbered concert seats to everyone at once, and never sells one twice.
#[derive(Parser)]
#[command(version)]
pub enum Command {
    /// Serve the HTTP API
    Serve(Box<serve::Args>),
    /// Bring the database up to this binary
    Migrate(migrate::Args),
    /// Make, list or revoke API keys of admins and box offices
    #[command(subcommand)]
    ApiKey(api_key::Args),
    /// Mint a customer's token, for development
    Token(token::Args),
    /// Print or write the OpenAPI document
    Openapi(openapi::Args),
    /// Ask a server whether it is ready
    Health(health::Args),
}

impl Command {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// What a person can read and act on; never with a secret in it.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Serve(args) => block_on(serve::run(*args)),
            Self::Migrate(args) => block_on(migrate::run(args)),
            Self::ApiKey(args) => block_on(api_key::run(args)),
            Self::Token(args) => token::run(&args),
            Self::Openapi(args) => openapi::run(&args),
            Self::Health(args) => block_on(health::run(args)),
        }
    }
}

fn block_on(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}
