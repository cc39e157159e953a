//! `rowlock migrate`.

use crate::config::DatabaseArgs;
use crate::db::migrate::migrate;

/// Which database to migrate; the user in its URL must be allowed to create roles, schemas and functions.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let report = migrate(&args.database.endpoint()?).await?;
    for migration in &report.migrations {
        println!("applied {migration}");
    }
    println!("{} of {} function and view files applied", report.files.len(), report.state.files);
    println!("the database is at migration {}", report.state.version);
    Ok(())
}
