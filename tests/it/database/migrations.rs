//! Migrating: at once from many places, again and again, under load, and refused where it must be.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pretty_assertions::assert_eq;
use rowlock::db::Endpoint;
use rowlock::db::migrate::{MigrationReport, expected, migrate};
use tokio_postgres::Client;

use super::functions::sql_files;
use crate::harness::{Scratch, TestDatabase, TestServer, own_postgres, rivals};

const MIGRATORS: usize = 8;

async fn migrated(url: &str) -> anyhow::Result<MigrationReport> {
    migrate(&Endpoint::new(url, None)?).await
}

fn files_count() -> usize {
    sql_files("functions").len() + sql_files("admin").len()
}

/// One of them did all the work, and the others found it done.
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
    db.batch_execute("create role modest login createrole password 'modest'").await.expect("a login");
    for name in ["one", "two", "three", "four"] {
        postgres.create_database(name).await.expect("a database");
    }
    db.batch_execute("alter database four owner to modest").await.expect("its owner");
    let urls: Vec<String> = ["one", "two", "three"].map(|name| postgres.url(name)).into();
    let reports = rivals(3 * urls.len(), |index| migrated_owned(urls[index % urls.len()].clone())).await;
    let mut by_database: Vec<Vec<_>> = urls.iter().map(|_| Vec::new()).collect();
    for (index, report) in reports.into_iter().enumerate() {
        by_database[index % urls.len()].push(report);
    }
    by_database.into_iter().for_each(assert_one_did_it_all);

    let modest = format!("postgres://modest:modest@127.0.0.1:{}/four", postgres.port());
    let report = migrated(&modest).await.unwrap_or_else(|error| panic!("{error:#}"));
    assert_eq!(report.files.len(), files_count());
    drop(db);
    postgres.stop().await.expect("stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_applied_again_and_a_gone_one_is_forgotten() {
    let database = TestDatabase::cloned().await;
    let db = database.connect().await;
    db.batch_execute(
        "drop function rowlock.get_event(bigint);
         update rowlock.applied_files set checksum = sha256('another text') where path = 'functions/get_event.sql';
         insert into rowlock.applied_files (path, checksum) values ('functions/gone.sql', sha256('gone'))",
    )
    .await
    .expect("tampered");
    assert_eq!(migrated(&database.url()).await.expect("migrated").files, ["functions/get_event.sql"]);
    db.batch_execute("set role rowlock_app; select rowlock.get_event(1); reset role").await.expect("the function is back, with its grants");
    let gone = "select count(*) from rowlock.applied_files where path = 'functions/gone.sql'";
    assert_eq!(db.query_one(gone, &[]).await.expect("a row").get::<_, i64>(0), 0);
    assert_eq!(migrated(&database.url()).await.expect("migrated").files, Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_fails_leaves_everything_as_it_was() {
    let database = TestDatabase::cloned().await;
    let db = database.connect().await;
    // Another result type than the file's: `create or replace` refuses with 42P13, after get_event has been applied.
    db.batch_execute(
        "drop function rowlock.try_lead_sweep();
         create function rowlock.try_lead_sweep() returns integer language sql as 'select 1';
         alter function rowlock.try_lead_sweep() owner to rowlock_owner;
         update rowlock.applied_files set checksum = sha256('x') where path in ('functions/get_event.sql', 'functions/try_lead_sweep.sql')",
    )
    .await
    .expect("tampered");
    let before = checksums(&db).await;
    let error = format!("{:#}", migrated(&database.url()).await.expect_err("a changed result type"));
    assert!(error.contains("sql/functions/try_lead_sweep.sql: 42P13"), "{error}");
    assert_eq!(checksums(&db).await, before);
}

async fn checksums(db: &Client) -> String {
    let sql = "select string_agg(path || encode(checksum, 'hex'), ' ' order by path) from rowlock.applied_files";
    db.query_one(sql, &[]).await.expect("a row").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_ahead_of_the_binary_is_refused_in_clear_words() {
    let server = TestServer::start().await;
    let ahead = "insert into public.refinery_schema_history (version, name, applied_on, checksum)
                 values (9999, 'from_the_future', '2026-01-01T00:00:00Z', '1')";
    server.db.batch_execute(ahead).await.expect("inserted");
    let error = format!("{:#}", migrated(&server.database_url).await.expect_err("ahead"));
    assert!(error.contains("the database is newer than this binary") && error.contains("from_the_future"), "{error}");
    // The newer release keeps the rules of deployment: servers of this one go on.
    server.anyone().get("/readyz").await.expect(200);
}

/// Function files have no numbers: only the release that applied them tells which are the newer.
#[tokio::test(flavor = "multi_thread")]
async fn the_functions_of_a_newer_release_are_not_overwritten() {
    let database = TestDatabase::cloned().await;
    let db = database.connect().await;
    db.batch_execute(
        "insert into rowlock.releases (version) values ('0.0.9'); update rowlock.applied_files set checksum = sha256('newer')",
    )
    .await
    .expect("an older release");
    let before = checksums(&db).await;
    db.batch_execute("insert into rowlock.releases (version) values ('10.0.0-rc.1')").await.expect("a newer release");
    let error = format!("{:#}", migrated(&database.url()).await.expect_err("newer"));
    assert!(error.contains("the database is newer than this binary: release 10.0.0-rc.1 migrated it"), "{error}");
    assert_eq!(checksums(&db).await, before);
    db.batch_execute("delete from rowlock.releases where version = '10.0.0-rc.1'").await.expect("gone");
    assert_eq!(migrated(&database.url()).await.expect("an older release may be followed").files.len(), files_count());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_not_ready_before_every_file_is_applied() {
    let server = TestServer::start().await;
    server.anyone().get("/readyz").await.expect(200);
    server.db.batch_execute("delete from rowlock.applied_files where path = 'functions/get_event.sql'").await.expect("one file less");
    let problem = server.anyone().get("/readyz").await.problem(503, "unavailable");
    assert!(problem["detail"].as_str().expect("a detail").contains("run `rowlock migrate`"), "{problem}");
    migrated(&server.database_url).await.expect("migrated");
    server.anyone().get("/readyz").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_migration_is_refused_in_clear_words() {
    let database = TestDatabase::cloned().await;
    let edit = "update public.refinery_schema_history set checksum = '1' where version = 1";
    database.connect().await.batch_execute(edit).await.expect("edited");
    let error = format!("{:#}", migrated(&database.url()).await.expect_err("edited"));
    assert!(error.contains("applied migrations never change"), "{error}");
}

/// The migration takes from operators what changes things without a reason; a database of the release before has granted it.
#[tokio::test(flavor = "multi_thread")]
async fn operators_of_an_older_database_lose_the_ways_without_a_reason() {
    let database = TestDatabase::empty().await;
    let db = database.connect().await;
    let migrations = sql_files("migrations");
    let (before, after) = migrations.split_at(migrations.iter().position(|file| file.name.starts_with("V4_")).expect("V4"));
    for file in before {
        db.batch_execute(&format!("begin; {} commit", file.text)).await.unwrap_or_else(|error| panic!("{}: {error:?}", file.name));
    }
    db.batch_execute("set check_function_bodies = off; set role rowlock_owner").await.expect("as they are applied");
    for file in sql_files("functions") {
        db.batch_execute(&file.text).await.unwrap_or_else(|error| panic!("{}: {error:?}", file.name));
    }
    db.batch_execute(
        "create function rowlock.create_api_key(text, bytea) returns bigint language sql as 'select 1::bigint';
         create function rowlock.revoke_api_key(bigint) returns void language sql as 'select'",
    )
    .await
    .expect("as they were");
    let all = "select string_agg(p.proname, ' ' order by p.proname) from pg_proc p
               where p.pronamespace = 'rowlock'::regnamespace and p.proname !~ '^_' and has_function_privilege('rowlock_admin', p.oid, 'execute')";
    db.batch_execute("grant execute on all functions in schema rowlock to rowlock_admin; reset role").await.expect("granted");
    let granted: String = db.query_one(all, &[]).await.expect("an answer").get(0);
    let every: BTreeSet<_> = granted.split(' ').map(str::to_owned).collect();
    for file in after {
        db.batch_execute(&format!("begin; {} commit", file.text)).await.unwrap_or_else(|error| panic!("{}: {error:?}", file.name));
    }
    let left: String = db.query_one(all, &[]).await.expect("an answer").get(0);
    let left: BTreeSet<_> = left.split(' ').map(str::to_owned).collect();
    let lost: Vec<_> = every.difference(&left).cloned().collect();
    let changing = "block_seats change_event close_event create_api_key create_event open_event overdue_orders pause_event \
        redrive_dead_letter revoke_api_key unblock_seats";
    assert_eq!(lost.join(" "), changing);
}

/// Every function is replaced again and again while buyers call them: nobody notices.
#[tokio::test(flavor = "multi_thread")]
async fn functions_are_replaced_under_load_without_an_error() {
    const BUYERS: i32 = 6;
    const REPLACEMENTS: usize = 6;
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 2000)]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let buyers: Vec<_> = (0..BUYERS)
        .map(|buyer| {
            let (customer, gateway, stop) = (server.customer(&format!("buyer {buyer}")), server.gateway(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut sold = 0;
                while !stop.load(Ordering::Relaxed) && sold < 300 {
                    let order = customer.claim_seats(&event, &[("A", 1 + buyer + BUYERS * sold)]).await.expect(201);
                    assert_eq!(gateway.pay(&order).await.expect(200)["outcome"], "paid");
                    customer.get(&event.at("sections")).await.expect(200);
                    customer.order(&order).await.expect(200);
                    sold += 1;
                }
                sold
            })
        })
        .collect();
    let reader = tokio::spawn(read_the_view(server.second().await, Arc::clone(&stop)));
    for _ in 0..REPLACEMENTS {
        server.db.batch_execute("update rowlock.applied_files set checksum = sha256('stale')").await.expect("stale");
        let report = migrated(&server.database_url).await.unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(report.files.len(), files_count());
    }
    stop.store(true, Ordering::Relaxed);
    for buyer in buyers {
        assert!(buyer.await.expect("no error") > 0, "a buyer bought nothing meanwhile");
    }
    reader.await.expect("no error");
    server.assert_invariants().await;
}

/// The view is dropped and made anew by its file; those who read it must not meet the gap.
async fn read_the_view(server: TestServer, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        server.assert_invariants().await;
    }
}
