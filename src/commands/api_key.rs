//! `rowlock api-key`.

use clap::Subcommand;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::DatabaseArgs;
use crate::db::api_keys::{self, ApiKey};
use crate::flags::whole;

/// Manages API keys; the user in the database URL must be in role rowlock_admin.
#[derive(Subcommand)]
pub enum Args {
    /// Create a key and print it once; only its hash is stored
    Create {
        #[command(flatten)]
        /// Where PostgreSQL is.
        database: DatabaseArgs,
        /// Who the key is for, 1 to 200 characters
        #[arg(long)]
        name: String,
    },
    /// List every key ever created, and when each was created, last used and revoked
    List {
        #[command(flatten)]
        /// Where PostgreSQL is.
        database: DatabaseArgs,
    },
    /// Revoke a key; no server accepts it after 5 seconds
    Revoke {
        #[command(flatten)]
        /// Where PostgreSQL is.
        database: DatabaseArgs,
        /// The key's id, as printed by `create` and `list`
        #[arg(long, value_parser = whole::<i64>(1..=i64::MAX))]
        id: i64,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    match args {
        Args::Create { database, name } => {
            let (api_key_id, api_key) = api_keys::create_api_key(&database.endpoint()?, &name).await?;
            eprintln!("key {api_key_id} for {name}; it will not be shown again:");
            println!("{api_key}");
        }
        Args::List { database } => print!("{}", table(&api_keys::list_api_keys(&database.endpoint()?).await?)),
        Args::Revoke { database, id } => {
            api_keys::revoke_api_key(&database.endpoint()?, id).await?;
            eprintln!("key {id} is revoked");
        }
    }
    Ok(())
}

/// One line per key under a line of headings; the name comes last, because it may be long and contain spaces.
fn table(keys: &[ApiKey]) -> String {
    let mut text = format!("{:>6}  {:20}  {:20}  {:20}  name\n", "id", "created", "last used", "revoked");
    for key in keys {
        // A name may contain terminal control characters.
        let name: String = key.name.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect();
        let (created, last_used, revoked) = (shown(Some(key.created_at)), shown(key.last_used_at), shown(key.revoked_at));
        text += &format!("{:>6}  {created:20}  {last_used:20}  {revoked:20}  {name}\n", key.api_key_id);
    }
    text
}

/// To the second, in UTC.
fn shown(at: Option<OffsetDateTime>) -> String {
    at.and_then(|at| at.truncate_to_second().format(&Rfc3339).ok()).unwrap_or_else(|| "-".to_owned())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn keys_are_listed_one_per_line_with_their_names_last() {
        let key = ApiKey {
            api_key_id: 7,
            name: "box\u{1b}[2J office".into(),
            created_at: datetime!(2026-11-30 08:00:00.123 UTC),
            last_used_at: None,
            revoked_at: Some(datetime!(2026-12-01 00:00:00 UTC)),
        };
        let expected = "    id  created               last used             revoked               name\n     \
                        7  2026-11-30T08:00:00Z  -                     2026-12-01T00:00:00Z  box\u{fffd}[2J office\n";
        assert_eq!(table(&[key]), expected);
    }
}
