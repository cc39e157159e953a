//! The commands of the `rowlock` binary, one file each.

mod api_key;
mod exposed;
mod health;
mod migrate;
mod openapi;
pub mod serve;
mod token;

use std::future::Future;

use clap::{CommandFactory, FromArgMatches, Parser};

/// Sells numbered concert seats to everyone at once, and never sells one twice.
#[derive(Parser)]
#[command(version)]
pub enum Command {
    /// Serve the HTTP API
    Serve(Box<serve::Args>),
    /// Migrate the database to the version of this binary
    ///
    /// Harmless to repeat. The first time, the login in the URL must be a superuser, or have the privileges that sql/README.md lists under
    /// Roles; later, always migrate as the same login.
    Migrate(migrate::Args),
    /// Create, list or revoke API keys for admins and box offices
    ///
    /// The login in the URL must be in role rowlock_admin, or a superuser.
    #[command(subcommand)]
    ApiKey(api_key::Args),
    /// Create a customer token, for development
    ///
    /// It is signed with HS256, so the server must have the same secret. In production, the identity provider issues the tokens.
    Token(token::Args),
    /// Print or write the OpenAPI document
    Openapi(openapi::Args),
    /// Check whether a server is ready
    ///
    /// Prints its answer. Exit status: 0 if it answers 200, 1 if it answers anything else or nothing.
    Health(health::Args),
}

impl Command {
    /// Runs the command that was given to this process, and warns of secrets on its command line: the server in its log, the others on
    /// standard error.
    ///
    /// # Errors
    /// An error for people, which says what to do and never contains a secret.
    pub fn run_as_given() -> anyhow::Result<()> {
        let matches = <Self as CommandFactory>::command().get_matches();
        let mut command = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let warnings = exposed::warnings(&matches);
        if let Self::Serve(args) = &mut command {
            args.warnings = warnings;
        } else {
            warnings.iter().for_each(|warning| eprintln!("rowlock: warning: {warning}"));
        }
        command.run()
    }

    fn run(self) -> anyhow::Result<()> {
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
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(command);
    // Looking up a name can hang, and nobody waits for the result any more.
    runtime.shutdown_background();
    ended
}
