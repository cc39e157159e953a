//! The files of functions and views: applied when they change, and replaced under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pretty_assertions::assert_eq;
use tokio_postgres::Client;

use super::migrations::{files_count, migrated};
use crate::harness::{TestDatabase, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_applied_again_and_a_gone_one_is_forgotten() {
    let database = TestDatabase::cloned().await;
    let db = database.connect().await;
    db.batch_execute(
        "drop function rowlock.get_event(bigint);
         update rowlock.applied_files set checksum = sha256('another text') where path = 'functions/reads/get_event.sql';
         insert into rowlock.applied_files (path, checksum) values ('functions/gone.sql', sha256('gone'))",
    )
    .await
    .expect("tampered");
    assert_eq!(migrated(&database.url()).await.expect("migrated").files, ["functions/reads/get_event.sql"]);
    db.batch_execute("set role rowlock_app; select rowlock.get_event(1); reset role").await.expect("the function is back, with its grants");
    let gone = "select count(*) from rowlock.applied_files where path = 'functions/gone.sql'";
    assert_eq!(db.query_one(gone, &[]).await.expect("a row").get::<_, i64>(0), 0);
    assert_eq!(migrated(&database.url()).await.expect("migrated").files, Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_fails_leaves_everything_as_it_was() {
    let database = TestDatabase::cloned().await;
    let db = database.connect().await;
    // A different result type than in the file: `create or replace` refuses with 42P13, after claim_seats has been applied.
    db.batch_execute(
        "drop function rowlock.try_lead_sweep();
         create function rowlock.try_lead_sweep() returns integer language sql as 'select 1';
         alter function rowlock.try_lead_sweep() owner to rowlock_owner;
         update rowlock.applied_files set checksum = sha256('x') where path in ('functions/claims/claim_seats.sql', 'functions/expiry/try_lead_sweep.sql')",
    )
    .await
    .expect("tampered");
    let before = checksums(&db).await;
    let error = format!("{:#}", migrated(&database.url()).await.expect_err("a changed result type"));
    assert!(error.contains("sql/functions/expiry/try_lead_sweep.sql: 42P13"), "{error}");
    assert_eq!(checksums(&db).await, before);
}

async fn checksums(db: &Client) -> String {
    let sql = "select string_agg(path || encode(checksum, 'hex'), ' ' order by path) from rowlock.applied_files";
    db.query_one(sql, &[]).await.expect("a row").get(0)
}

/// Function files have no version: only the version of Rowlock that applied them tells which ones are newer.
#[tokio::test(flavor = "multi_thread")]
async fn the_functions_of_a_newer_version_are_not_overwritten() {
    let database = TestDatabase::cloned().await;
    let db = database.connect().await;
    db.batch_execute(
        "insert into rowlock.versions (version) values ('0.0.9'); update rowlock.applied_files set checksum = sha256('newer')",
    )
    .await
    .expect("an older version");
    let before = checksums(&db).await;
    db.batch_execute("insert into rowlock.versions (version) values ('10.0.0-rc.1')").await.expect("a newer version");
    let error = format!("{:#}", migrated(&database.url()).await.expect_err("newer"));
    assert!(error.contains("the database is newer than this binary: version 10.0.0-rc.1 migrated it"), "{error}");
    assert_eq!(checksums(&db).await, before);
    db.batch_execute("delete from rowlock.versions where version = '10.0.0-rc.1'").await.expect("gone");
    assert_eq!(migrated(&database.url()).await.expect("an older version may be followed").files.len(), files_count());
}

/// A file that moves to another folder is applied from there, and its old path is forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn a_moved_file_is_applied_from_its_new_path() {
    let database = TestDatabase::cloned().await;
    let db = database.connect().await;
    let moved = "update rowlock.applied_files set path = 'functions/get_event.sql' where path = 'functions/reads/get_event.sql'";
    assert_eq!(db.execute(moved, &[]).await.expect("moved"), 1);
    assert_eq!(migrated(&database.url()).await.expect("migrated").files, ["functions/reads/get_event.sql"]);
    let paths = "select path from rowlock.applied_files where path like '%get_event.sql'";
    let paths: Vec<String> = db.query(paths, &[]).await.expect("an answer").iter().map(|row| row.get(0)).collect();
    assert_eq!(paths, ["functions/reads/get_event.sql"]);
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

/// The file drops and recreates the view; its readers must not notice the gap.
async fn read_the_view(server: TestServer, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        server.assert_invariants().await;
    }
}
