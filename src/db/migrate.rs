//! Migrating a database to the version of this binary: numbered migrations first, then the function and view files that changed.
//!
//! refinery takes no lock and cannot repeat a file, so both parts run under one session lock, and the files are applied in one
//! transaction: callers see either all the old functions or all the new ones.

use std::collections::HashMap;

use anyhow::{Context, anyhow, bail, ensure};
use sha2::{Digest, Sha256};
use tokio_postgres::{Client, Row, Transaction};

use super::driver_error::{INSUFFICIENT_PRIVILEGE, LOCK_NOT_AVAILABLE, code_of, is_io, with_sources};
use super::{DbError, Endpoint, Outage, OutageKind};

mod embedded {
    refinery::embed_migrations!("sql/migrations");
}

struct SqlFile {
    path: &'static str,
    text: &'static str,
}

/// Every function and view file, functions first.
static SQL_FILES: &[SqlFile] = include!(concat!(env!("OUT_DIR"), "/sql_files.rs"));

/// Advisory lock of the migrator: class 5 of the registry in `sql/README.md`.
pub(super) const LOCK: &str = "select pg_advisory_lock(5, 0)";
pub(super) const UNLOCK: &str = "select pg_advisory_unlock(5, 0)";
/// refinery names its table without a schema: for a user called `rowlock`, that would mean our schema once it exists.
const SEARCH_PATH: &str = "set search_path = public";
/// Claims queue behind a migration that waits for a table: it must not wait for as long as somebody's transaction lasts.
const LOCK_TIMEOUT: &str = "set lock_timeout = '2s'";

/// How far the database is migrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MigrationState {
    /// Number of the last migration.
    pub version: i32,
    /// How many function and view files are applied.
    pub files: i32,
}

/// What a run changed.
#[derive(Debug, PartialEq, Eq)]
pub struct MigrationReport {
    /// Names of the migrations that were applied.
    pub migrations: Vec<String>,
    /// Paths of the files that were applied, below `sql/`.
    pub files: Vec<&'static str>,
    /// The state of the database now.
    pub state: MigrationState,
}

/// What this binary expects of a database.
pub fn expected() -> MigrationState {
    let version = embedded::migrations::runner().get_migrations().iter().map(refinery::Migration::version).max().unwrap_or(0);
    MigrationState { version, files: i32::try_from(SQL_FILES.len()).unwrap_or(i32::MAX) }
}

/// Migrates the database; harmless to repeat, and to run from many places at once.
///
/// # Errors
/// When the database cannot be reached, has another encoding than UTF8, is newer than this binary, or the user may not create what is
/// missing.
pub async fn migrate(endpoint: &Endpoint) -> anyhow::Result<MigrationReport> {
    let (mut client, _driver) = endpoint.connect().await.context("cannot connect for the migration")?;
    refuse_other_encodings(&client).await.map_err(advised)?;
    client.batch_execute(SEARCH_PATH).await?;
    client.execute(LOCK, &[]).await.context("cannot take the migration lock").map_err(advised)?;
    let outcome = migrate_locked(&mut client).await.map_err(advised);
    // The lock ends with the session anyway; releasing it now lets the next migration start at once.
    client.execute(UNLOCK, &[]).await.ok();
    outcome
}

/// The functions count characters and know Unicode's blanks: another encoding would count bytes, or lack characters.
async fn refuse_other_encodings(client: &Client) -> anyhow::Result<()> {
    let row = client.query_one("select current_setting('server_encoding'), quote_ident(current_database())", &[]).await?;
    let (encoding, database): (&str, &str) = (row.get(0), row.get(1));
    ensure!(
        encoding == "UTF8",
        "the encoding of the database is {encoding}, but Rowlock needs UTF8: create one with \
         `create database {database} encoding 'UTF8' template template0`, under another name or after dropping this one"
    );
    Ok(())
}

async fn migrate_locked(client: &mut Client) -> anyhow::Result<MigrationReport> {
    client.batch_execute(LOCK_TIMEOUT).await?;
    let report = embedded::migrations::runner().run_async(client).await.map_err(explain)?;
    let migrations = report.applied_migrations().iter().map(ToString::to_string).collect();
    let files = apply_files(client).await?;
    Ok(MigrationReport { migrations, files, state: expected() })
}

/// Applies the files whose checksum changed, and forgets those that are gone.
async fn apply_files(client: &mut Client) -> anyhow::Result<Vec<&'static str>> {
    let transaction = client.transaction().await?;
    transaction
        .batch_execute(
            "grant select on public.refinery_schema_history to rowlock_owner; \
             set local role rowlock_owner; set local check_function_bodies = off",
        )
        .await?;
    refuse_older_version(&transaction).await?;
    let rows = transaction.query("select path, checksum from rowlock.applied_files", &[]).await?;
    let applied: HashMap<String, Vec<u8>> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut changed = Vec::new();
    for file in SQL_FILES {
        let checksum = Sha256::digest(file.text).to_vec();
        if applied.get(file.path) == Some(&checksum) {
            continue;
        }
        transaction.batch_execute(file.text).await.map_err(|error| match error.as_db_error() {
            Some(db) if db.code().code() != LOCK_NOT_AVAILABLE => anyhow!("sql/{}: {} {}", file.path, db.code().code(), db.message()),
            _ => anyhow::Error::new(error).context(format!("sql/{}", file.path)),
        })?;
        let upsert = "insert into rowlock.applied_files (path, checksum) values ($1, $2) \
                      on conflict (path) do update set checksum = excluded.checksum, applied_at = clock_timestamp()";
        transaction.execute(upsert, &[&file.path, &checksum]).await?;
        changed.push(file.path);
    }
    let paths: Vec<&str> = SQL_FILES.iter().map(|file| file.path).collect();
    transaction.execute("delete from rowlock.applied_files where path <> all ($1)", &[&paths]).await?;
    transaction.commit().await?;
    Ok(changed)
}

/// Function files have no numbers: only the versions of Rowlock tell which of two is newer, and an older one must not restore its own.
async fn refuse_older_version(transaction: &Transaction<'_>) -> anyhow::Result<()> {
    let ours = env!("CARGO_PKG_VERSION");
    for row in transaction.query("select version from rowlock.versions", &[]).await? {
        let version: String = row.get(0);
        if numbers(&version) > numbers(ours) {
            bail!("the database is newer than this binary: version {version} migrated it, this is {ours}; use {version} or newer");
        }
    }
    transaction.execute("insert into rowlock.versions (version) values ($1) on conflict do nothing", &[&ours]).await?;
    Ok(())
}

/// The numbers of a version, for comparison; a pre-release counts as its release.
fn numbers(version: &str) -> Vec<u64> {
    version.split(['-', '+']).next().unwrap_or_default().split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// refinery's own message for a database that is ahead of the binary does not say what to do about it.
fn explain(error: refinery::Error) -> anyhow::Error {
    use refinery::error::Kind;
    match error.kind() {
        Kind::MissingVersion(migration) => {
            anyhow!(
                "the database is newer than this binary: it has migration {migration}, which is unknown here; use the version that \
                 applied it"
            )
        }
        Kind::DivergentVersion(applied, file) => {
            anyhow!(
                "migration {file} differs from {applied}, which the database has: applied migrations never change; use a version of \
                 Rowlock as it was published"
            )
        }
        _ => anyhow::Error::new(error).context("a migration failed; it was rolled back"),
    }
}

/// A failure with what to do about it, where that depends on what PostgreSQL said.
fn advised(error: anyhow::Error) -> anyhow::Error {
    let Some(driver) = error.chain().find_map(|cause| cause.downcast_ref::<tokio_postgres::Error>()) else { return error };
    match code_of(driver) {
        Some(INSUFFICIENT_PRIVILEGE) => error.context(
            "the login may not migrate this database: use the login that migrated it first, or a superuser; sql/README.md says which \
             privileges are needed, under Roles",
        ),
        Some(LOCK_NOT_AVAILABLE) => error.context(
            "somebody's transaction holds a lock on something that the migration changes, and claims must not wait behind both: this step \
             was undone. End that transaction (`pg_stat_activity` shows when each began) and run `rowlock migrate` again",
        ),
        None if driver.is_closed() || is_io(driver) => {
            error.context("the connection to the database was lost: run it again when PostgreSQL is up; repeating it is harmless")
        }
        _ => error,
    }
}

/// The outage because of which a migration failed, if it may end by itself: then the same is worth another try.
pub(crate) fn passing_outage(error: &anyhow::Error) -> Option<Outage> {
    error.chain().find_map(|cause| {
        if let Some(DbError::Outage(outage)) = cause.downcast_ref() {
            return outage.kind.may_pass().then(|| outage.clone());
        }
        let driver = cause.downcast_ref::<tokio_postgres::Error>()?;
        let is_going_away = code_of(driver).is_some_and(|sqlstate| sqlstate.starts_with("57P"));
        (is_going_away || driver.is_closed() || is_io(driver)).then(|| Outage::new(OutageKind::Unreachable, with_sources(driver)))
    })
}

/// Reads how far the database is migrated.
pub(super) const MIGRATION_STATE: &str = "select version, files from rowlock.migration_state()";

impl From<Row> for MigrationState {
    fn from(row: Row) -> Self {
        Self { version: row.get(0), files: row.get(1) }
    }
}

/// How far the database behind a connection is migrated.
///
/// # Errors
/// When it never was, or cannot be queried.
pub(crate) async fn state(client: &Client) -> Result<MigrationState, DbError> {
    Ok(client.query_one(MIGRATION_STATE, &[]).await?.into())
}

/// Fails unless the database is at least at the version that this binary expects. A newer version migrates before its servers start, and
/// by the rules of `sql/README.md` the servers of the version before continue to work on its database.
///
/// # Errors
/// Says what to run.
pub(crate) fn check(state: MigrationState) -> anyhow::Result<()> {
    let expected = expected();
    let is_behind = state.version < expected.version || (state.version == expected.version && state.files < expected.files);
    ensure!(!is_behind, "the database is at migration {} of {}: run `rowlock migrate`", state.version, expected.version);
    Ok(())
}
