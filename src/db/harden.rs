//! Revoking PostgreSQL's locking functions from everybody: in a new database, any login may hold any advisory lock.

use anyhow::Context;
use tokio_postgres::Client;

use super::Endpoint;
use super::migrate::{LOCK, UNLOCK};

/// The functions of PostgreSQL that take advisory locks. Those that release them only release the session's own.
const LOCKING: &str = "
    select p.oid, p.proowner, format('pg_catalog.%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) as name
    from pg_catalog.pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ '^pg_(try_)?advisory_(xact_)?lock(_shared)?$'";

/// What was done, and what it means for others.
#[derive(Debug, PartialEq, Eq)]
pub struct Hardening {
    /// The functions that were revoked from everybody now.
    pub revoked: Vec<String>,
    /// The functions that everybody may still execute, because this login may not change that.
    pub still_open: Vec<String>,
    /// Logins outside Rowlock that may connect to this database and can take no advisory locks from now on.
    pub other_logins: Vec<String>,
    /// Functions of others in this database that take advisory locks.
    pub other_functions: Vec<String>,
}

impl Hardening {
    /// The statements that a superuser runs in this database for what this login may not do.
    pub fn remedy(&self) -> String {
        revoke(&self.still_open)
    }
}

fn revoke(functions: &[String]) -> String {
    let functions = functions.join(", ");
    format!("grant execute on function {functions} to rowlock_owner; revoke execute on function {functions} from public")
}

/// Lets only `rowlock_owner`, whose functions take Rowlock's locks, and superusers execute the locking functions of a migrated database;
/// harmless to repeat.
///
/// # Errors
/// When the database cannot be reached or is not migrated.
pub async fn harden(endpoint: &Endpoint) -> anyhow::Result<Hardening> {
    let (mut client, _driver) = endpoint.connect().await.context("cannot connect to harden the database")?;
    client.batch_execute("set search_path = pg_catalog").await?;
    client.execute(LOCK, &[]).await.context("cannot take the migration lock")?;
    let outcome = harden_locked(&mut client).await;
    client.execute(UNLOCK, &[]).await.ok();
    outcome.context("cannot harden the database")
}

async fn harden_locked(client: &mut Client) -> anyhow::Result<Hardening> {
    let transaction = client.transaction().await?;
    let open = format!("select name from ({LOCKING}) l where has_function_privilege('public', l.oid, 'execute') ");
    // Without the right to do so, PostgreSQL only warns.
    let may = format!("{open} and pg_has_role(l.proowner, 'usage') order by name");
    let revoked = names(transaction.query(&may, &[]).await?);
    if !revoked.is_empty() {
        transaction.batch_execute(&revoke(&revoked)).await?;
    }
    let still_open = names(transaction.query(&format!("{open} order by name"), &[]).await?);
    let other_logins = names(transaction.query(OTHER_LOGINS, &[]).await?);
    let other_functions = names(transaction.query(OTHER_FUNCTIONS, &[]).await?);
    transaction.commit().await?;
    Ok(Hardening { revoked, still_open, other_logins, other_functions })
}

/// Those that already hold such locks come first.
const OTHER_LOGINS: &str = "
    select r.rolname || case when u.pids is null then '' else ' (holds or awaits one now)' end
    from pg_roles r
    cross join lateral (
        select array_agg(l.pid) as pids
        from pg_locks l
        join pg_stat_activity a on a.pid = l.pid
        where l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())
            and a.usesysid = r.oid
    ) u
    where r.rolcanlogin and not r.rolsuper and has_database_privilege(r.oid, current_database(), 'connect')
        and not exists (
            select
            from unnest(array['rowlock_owner', 'rowlock_app', 'rowlock_admin', 'rowlock_readonly']) as o (role)
            where pg_has_role(r.oid, o.role, 'member')
        )
    order by u.pids is null, r.rolname";

const OTHER_FUNCTIONS: &str = "
    select p.oid::regprocedure::text
    from pg_proc p
    where p.prosrc ~* 'pg_(try_)?advisory_(xact_)?lock'
        and p.pronamespace not in ('pg_catalog'::regnamespace, 'rowlock'::regnamespace, 'admin'::regnamespace)
    order by 1";

fn names(rows: Vec<tokio_postgres::Row>) -> Vec<String> {
    rows.iter().map(|row| row.get(0)).collect()
}
