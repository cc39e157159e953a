//! How long a failed expiry waits for its next attempt.

use pretty_assertions::assert_eq;

use crate::harness::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_doubles_the_wait_from_100_ms_up_to_a_minute_and_the_last_ends_it() {
    const ATTEMPTS_MAX: i32 = 14;
    let database = TestDatabase::cloned().await;
    let db = database.connect().await;
    let failed = "select attempts, retry_in_ms from rowlock.record_expiry_failure(p_event_id => 1,
        p_order_id => '01890000-0000-7000-8000-000000000000', p_error => 'planted', p_attempts_max => $1)";
    let stored = "select (extract(epoch from retry_at - last_failed_at) * 1000)::integer from rowlock.expiry_failures";
    let mut waits = Vec::new();
    for attempt in 1..=ATTEMPTS_MAX {
        let row = db.query_one(failed, &[&ATTEMPTS_MAX]).await.expect("written down");
        assert_eq!(row.get::<_, i32>(0), attempt);
        let wait: Option<i32> = row.get(1);
        assert_eq!(db.query_one(stored, &[]).await.expect("a failure").get::<_, Option<i32>>(0), wait, "what is told is what is kept");
        waits.push(wait);
        let due = "update rowlock.expiry_failures set retry_at = clock_timestamp() where retry_at is not null";
        db.batch_execute(due).await.expect("due");
    }
    let mut expected: Vec<Option<i32>> = (0..10).map(|doublings| Some(100 << doublings)).collect();
    expected.extend([Some(60_000), Some(60_000), Some(60_000), None]);
    assert_eq!(waits, expected);
}
