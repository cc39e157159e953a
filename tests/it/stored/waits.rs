//! Locks, and waiting until a session waits for one.

use std::time::Duration;

use crate::harness::{PATIENCE, TestServer, eventually};

/// The statement that takes an advisory lock until its transaction ends; without `wait`, only if nobody else has it. It answers how many
/// locks it took.
pub fn take_lock(class: i32, event_id: i64, name: &str, wait: bool) -> String {
    format!("select rowlock._take_locks(p_class => {class}, p_event_id => {event_id}, p_names => array['{name}'], p_wait => {wait})")
}

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
