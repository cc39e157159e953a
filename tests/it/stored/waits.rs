//! Waiting until a session waits for a lock.

use std::time::Duration;

use crate::harness::{PATIENCE, TestServer, eventually};

/// Returns once the session with that process id waits for a lock.
pub async fn until_it_waits(server: &TestServer, pid: i32) {
    until(server, &format!("pid = {pid}")).await;
}

/// Returns once any session of the test's database waits for a lock.
pub async fn until_somebody_waits(server: &TestServer) {
    until(server, "datname = current_database()").await;
}

/// Waits until a session has waited for a lock that long, counted from the beginning of its query.
pub async fn until_somebody_has_waited(server: &TestServer, waited: Duration) {
    let begun = format!("clock_timestamp() - query_start >= interval '{} ms'", waited.as_millis());
    until(server, &format!("datname = current_database() and {begun}")).await;
}

async fn until(server: &TestServer, who: &str) {
    let sql = format!("select exists (select from pg_stat_activity where {who} and wait_event_type = 'Lock')");
    let waits = || async {
        // Within a transaction, PostgreSQL keeps showing the sessions as they were at the first query.
        server.db.batch_execute("select pg_stat_clear_snapshot()").await.expect("a fresh look");
        server.ask::<bool>(&sql).await
    };
    eventually(PATIENCE, waits).await;
}
