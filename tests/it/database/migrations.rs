//! Migrating: concurrently, repeatedly, under load, and refused where it must be.

use pretty_assertions::assert_eq;
use rowlock::db::Endpoint;
use rowlock::db::migrate::{MigrationReport, expected, migrate};

use super::functions::sql_files;
use crate::harness::{PATIENCE, Scratch, TestDatabase, TestServer, eventually, own_postgres, rivals};

const MIGRATORS: usize = 8;

pub(super) async fn migrated(url: &str) -> anyhow::Result<MigrationReport> {
    migrate(&Endpoint::new(url, None)?).await
}

pub(super) fn files_count() -> usize {
    sql_files("functions").len() + sql_files("admin").len()
}

/// One of them did all the work, and the others found nothing left to do.
fn assert_one_did_it_all(reports: Vec<anyhow::Result<MigrationReport>>) {
    let reports: Vec<_> = reports.into_iter().map(|report| report.unwrap_or_else(|error| panic!("{error:#}"))).collect();
    let (busy, idle): (Vec<_>, Vec<_>) = reports.into_iter().partition(|report| !report.migrations.is_empty());
    assert_eq!(busy.len(), 1);
    assert_eq!(busy[0].migrations.len(), usize::try_from(expected().version).expect("a count"));
    assert_eq!(busy[0].files.len(), files_count());
    for report in idle {
        assert_eq!(report, MigrationReport { migrations: Vec::new(), files: Vec::new(), state: expected() });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_migrators_at_once_migrate_an_empty_database_once() {
    let database = TestDatabase::empty().await;
    let url = database.url();
    assert_one_did_it_all(rivals(MIGRATORS, |_| migrated_owned(url.clone())).await);
    let again = migrated(&url).await.expect("harmless");
    assert_eq!(again, MigrationReport { migrations: Vec::new(), files: Vec::new(), state: expected() });
    let state = "select (version, files)::text from rowlock.migration_state()";
    let state: String = database.connect().await.query_one(state, &[]).await.expect("a row").get(0);
    assert_eq!(state, format!("({},{})", expected().version, files_count()));
}

async fn migrated_owned(url: String) -> anyhow::Result<MigrationReport> {
    migrated(&url).await
}

/// Roles belong to the cluster, so databases that are migrated side by side race for them; and a login that may create roles is enough.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_cluster_is_migrated_in_several_databases_at_once_and_by_no_superuser() {
    let dir = Scratch::new();
    let Some(postgres) = own_postgres(dir.path()).await else { return };
    let (db, _driver) = Endpoint::new(&postgres.url("postgres"), None).expect("a URL").connect().await.expect("a connection");
    db.batch_execute("create role modest login createrole password 'modest'; create role late login createrole password 'late'")
        .await
        .expect("two logins");
    for name in ["one", "two", "three", "four", "five"] {
        postgres.create_database(name).await.expect("a database");
    }
    db.batch_execute("alter database four owner to modest; alter database five owner to late").await.expect("their owners");
    let urls: Vec<String> = ["one", "two", "three"].map(|name| postgres.url(name)).into();
    let reports = rivals(3 * urls.len(), |index| migrated_owned(urls[index % urls.len()].clone())).await;
    let mut by_database: Vec<Vec<_>> = urls.iter().map(|_| Vec::new()).collect();
    for (index, report) in reports.into_iter().enumerate() {
        by_database[index % urls.len()].push(report);
    }
    by_database.into_iter().for_each(assert_one_did_it_all);

    // And now with no superuser, in a cluster that has none of the roles.
    for statement in [
        "drop database one",
        "drop database two",
        "drop database three",
        "drop owned by rowlock_owner",
        "drop role rowlock_migrator, rowlock_app, rowlock_admin, rowlock_readonly, rowlock_owner",
    ] {
        db.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }
    let as_login = |name: &str, database: &str| format!("postgres://{name}:{name}@127.0.0.1:{}/{database}", postgres.port());
    let report = migrated(&as_login("modest", "four")).await.unwrap_or_else(|error| panic!("{error:#}"));
    assert_eq!(report.files.len(), files_count());
    // From PostgreSQL 16 on, a login that may create roles can administer only those that it created itself.
    let version: i32 = db.query_one("select current_setting('server_version_num')::integer", &[]).await.expect("a version").get(0);
    let mut report = migrated(&as_login("late", "five")).await;
    if version >= 160_000 {
        let error = format!("{:#}", report.expect_err("a stranger to the roles"));
        assert!(error.contains("have a superuser run `grant rowlock_migrator to late`"), "{error}");
        db.batch_execute("grant rowlock_migrator to late").await.expect("granted");
        report = migrated(&as_login("late", "five")).await;
    }
    assert_eq!(report.unwrap_or_else(|error| panic!("{error:#}")).files.len(), files_count());
    drop(db);
    postgres.stop().await.expect("stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_ahead_of_the_binary_is_refused_in_clear_words() {
    let server = TestServer::start().await;
    let ahead = "insert into public.refinery_schema_history (version, name, applied_on, checksum)
                 values (9999, 'from_the_future', '2026-01-01T00:00:00Z', '1')";
    server.db.batch_execute(ahead).await.expect("inserted");
    let error = format!("{:#}", migrated(&server.database_url).await.expect_err("ahead"));
    assert!(error.contains("the database is newer than this binary") && error.contains("from_the_future"), "{error}");
    // The newer version keeps the rules of deployment, so servers of this one continue.
    server.anyone().get("/readyz").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_not_ready_before_every_file_is_applied() {
    let server = TestServer::start().await;
    let ready = || async { server.anyone().get("/readyz").await.status == 200 };
    eventually(PATIENCE, ready).await;
    server.db.batch_execute("delete from rowlock.applied_files where path = 'functions/reads/get_event.sql'").await.expect("one file less");
    // It looks once a second.
    let refused = || async { Some(server.anyone().get("/readyz").await).filter(|answer| answer.status == 503) };
    let problem = eventually(PATIENCE, refused).await.problem(503, "unavailable");
    assert!(problem["detail"].as_str().expect("a detail").contains("run `rowlock migrate`"), "{problem}");
    migrated(&server.database_url).await.expect("migrated");
    eventually(PATIENCE, ready).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_encoding_is_refused_with_what_to_do() {
    let database = TestDatabase::empty().await;
    let db = database.connect().await;
    let name: String = db.query_one("select current_database()::text", &[]).await.expect("a name").get(0);
    for encoding in ["SQL_ASCII", "LATIN1"] {
        let other = format!("{name}_{}", encoding.to_lowercase());
        let create = format!("create database {other} encoding '{encoding}' locale 'C' template template0");
        db.batch_execute(&create).await.expect("a database");
        let refused = migrated(&database.url().replace(&name, &other)).await;
        db.batch_execute(&format!("drop database {other} with (force)")).await.expect("dropped");
        let error = format!("{:#}", refused.expect_err(encoding));
        let remedy = format!("`create database {other} encoding 'UTF8' template template0`");
        assert!(error.contains(encoding) && error.contains(&remedy), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_migration_is_refused_in_clear_words() {
    let database = TestDatabase::cloned().await;
    let edit = "update public.refinery_schema_history set checksum = '1' where version = 1";
    database.connect().await.batch_execute(edit).await.expect("edited");
    let error = format!("{:#}", migrated(&database.url()).await.expect_err("edited"));
    assert!(error.contains("applied migrations never change"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_gives_up_what_somebody_has_locked_and_says_so() {
    let database = TestDatabase::cloned().await;
    let (db, locker) = (database.connect().await, database.connect().await);
    let stale = "update rowlock.applied_files set checksum = sha256('stale') where path = 'admin/money.sql'";
    assert_eq!(db.execute(stale, &[]).await.expect("a view to replace"), 1);
    // Of the numbered migrations and of the files: the table that each run reads and a view that is replaced.
    for lock in ["lock table public.refinery_schema_history in access exclusive mode", "select from admin.money"] {
        locker.batch_execute(&format!("begin; {lock}")).await.expect("its lock");
        let refused = tokio::time::timeout(PATIENCE, migrated(&database.url())).await.expect("it waits for two seconds");
        locker.batch_execute("commit").await.expect("released");
        let error = format!("{:#}", refused.expect_err(lock));
        assert!(error.contains("End that transaction") && error.contains("run `rowlock migrate` again"), "{lock}: {error}");
    }
    assert_eq!(migrated(&database.url()).await.expect("nothing in the way").files, ["admin/money.sql"]);
}

/// A database can be migrated from every earlier migration.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_upgraded_from_whatever_migration_it_stands_at() {
    let migrations = sql_files("migrations");
    let history = "select version, name, applied_on, checksum from public.refinery_schema_history order by version";
    let history = TestDatabase::cloned().await.connect().await.query(history, &[]).await.expect("a history");
    assert_eq!(history.len(), migrations.len());
    for stands_at in 1..migrations.len() {
        let database = TestDatabase::empty().await;
        let db = database.connect().await;
        let table = "create table public.refinery_schema_history
                     (version int4 primary key, name varchar(255), applied_on varchar(255), checksum varchar(255))";
        db.batch_execute(table).await.expect("as refinery makes it");
        for (file, row) in migrations.iter().zip(&history).take(stands_at) {
            db.batch_execute(&format!("begin; {} commit", file.text)).await.unwrap_or_else(|error| panic!("{}: {error:?}", file.name));
            let columns: (i32, &str, &str, &str) = (row.get(0), row.get(1), row.get(2), row.get(3));
            let applied = "insert into public.refinery_schema_history values ($1, $2, $3, $4)";
            db.execute(applied, &[&columns.0, &columns.1, &columns.2, &columns.3]).await.expect("noted");
        }
        let report = migrated(&database.url()).await.unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(report.migrations, migrations[stands_at..].iter().map(|file| file.name.clone()).collect::<Vec<_>>());
        assert_eq!(report.files.len(), files_count());
        db.batch_execute("select from admin.invariant_violations").await.expect("the last file's view");
    }
}
