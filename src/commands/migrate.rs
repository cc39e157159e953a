//! `rowlock migrate`.

use anyhow::bail;

use crate::config::DatabaseArgs;
use crate::db::harden::{Hardening, harden};
use crate::db::migrate::migrate;

/// Which database to migrate; the user in its URL must be allowed to create roles, schemas and functions.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Afterwards, revoke PostgreSQL's advisory-lock functions from all logins but superusers. Prints which other logins and functions
    /// this affects. Must be run by a superuser
    #[arg(long)]
    harden: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let endpoint = args.database.endpoint()?;
    let report = migrate(&endpoint).await?;
    for migration in &report.migrations {
        println!("applied {migration}");
    }
    println!("{} of {} function and view files applied", report.files.len(), report.state.files);
    println!("the database is at migration {}", report.state.version);
    if args.harden { tell(&harden(&endpoint).await?) } else { Ok(()) }
}

/// Says what hardening did and whom it hinders; fails if something was left.
fn tell(hardening: &Hardening) -> anyhow::Result<()> {
    let is_open = !hardening.still_open.is_empty();
    tell_whom_it_hinders(hardening);
    if is_open {
        bail!(
            "the database is migrated but not hardened: only a superuser may revoke the locking functions from all logins. Have one run \
             `rowlock migrate --harden`, or this in the database: {}",
            hardening.remedy()
        );
    }
    match hardening.revoked.len() {
        0 => println!("the locking functions were already revoked from all logins"),
        count => println!("{count} locking functions were revoked from all logins; rowlock_owner may execute them"),
    }
    Ok(())
}

fn tell_whom_it_hinders(hardening: &Hardening) {
    for login in &hardening.other_logins {
        println!("this login can take no advisory locks in a hardened database: {login}");
    }
    for function in &hardening.other_functions {
        println!("this function takes advisory locks and may fail for its callers: {function}");
    }
    if !(hardening.other_logins.is_empty() && hardening.other_functions.is_empty()) {
        println!(
            "if one of them needs such locks, as many migration tools do: \
             grant execute on function pg_catalog.pg_advisory_lock(bigint) to its_login"
        );
    }
}
