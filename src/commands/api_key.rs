//! `rowlock api-key`.

use clap::Subcommand;

use crate::config::DatabaseArgs;
use crate::db::api_keys;

/// What to do about API keys; the database URL's user must be a rowlock_admin.
#[derive(Subcommand)]
pub enum Args {
    /// Make a key and print it once; only its hash is stored
    Create {
        #[command(flatten)]
        /// Where PostgreSQL is.
        database: DatabaseArgs,
        /// Whose key it is, 1 to 200 characters
        #[arg(long)]
        name: String,
    },
    /// Make a key useless, within 5 seconds everywhere
    Revoke {
        #[command(flatten)]
        /// Where PostgreSQL is.
        database: DatabaseArgs,
        /// The key's number, as `create` printed it
        #[arg(long)]
        id: i64,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    match args {
        Args::Create { database, name } => {
            let (api_key_id, api_key) = api_keys::create(&database.endpoint()?, &name).await?;
            eprintln!("key {api_key_id} for {name}; it is not shown again:");
            println!("{api_key}");
        }
        Args::Revoke { database, id } => {
            api_keys::revoke(&database.endpoint()?, id).await?;
            eprintln!("key {id} is revoked");
        }
    }
    Ok(())
}
