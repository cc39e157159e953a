//! The keys of advisory locks: nobody outside can work them out, so nobody can hold what a claim needs.

use std::collections::BTreeSet;
use std::time::Duration;

use pretty_assertions::assert_eq;
use serde_json::json;
use tokio_postgres::Client;

use crate::harness::{PATIENCE, RedisMode, TestServer, eventually};
use crate::psql::logins::Logins;
use crate::stored::{take_lock, unhurried};

/// The class and the key of the only advisory lock that a session has.
async fn key_of(db: &Client, class: i32, event_id: i64, name: &str) -> (i64, i64) {
    db.batch_execute("begin").await.expect("begin");
    let taken = db.query_one(&take_lock(class, event_id, name, true), &[]).await;
    assert_eq!(taken.expect("a lock").get::<_, i32>(0), 1);
    let sql = "select classid::bigint >> 28, classid::bigint << 32 | objid::bigint from pg_locks
        where locktype = 'advisory' and objsubid = 1 and pid = pg_backend_pid()";
    let row = db.query_one(sql, &[]).await.expect("one lock");
    db.batch_execute("rollback").await.expect("released");
    (row.get(0), row.get(1))
}

/// Without the secret of the database, a key would be the same everywhere, and could be worked out by anybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_depends_on_its_class_its_event_its_name_and_the_secret_of_the_database() {
    let server = TestServer::builder().redis(RedisMode::Off).start().await;
    let db = &server.db;
    let names = [(1, 7, "ann"), (1, 7, "bob"), (1, 8, "ann"), (2, 7, "ann"), (3, 7, "ann")];
    let mut keys = BTreeSet::new();
    for _ in 0..2 {
        for (class, event_id, name) in names {
            let (shown_class, key) = key_of(db, class, event_id, name).await;
            assert_eq!(shown_class, i64::from(class));
            assert_eq!(key_of(db, class, event_id, name).await.1, key, "two servers agree");
            assert!(keys.insert(key), "{class}, {event_id}, {name} has the key of another");
        }
        db.batch_execute("update rowlock.identity set lock_secret = gen_random_uuid()").await.expect("another secret");
    }
    let pairs = "select rowlock._take_locks(p_class => 1, p_event_id => 7, p_names => '{ann,bob,ann}', p_wait => true)";
    assert_eq!(server.ask::<i32>(pairs).await, 2, "as many locks as there are names");
    let row = "select count(*) from rowlock.identity where is_only";
    assert_eq!(server.ask::<i64>(row).await, 1);
}

/// What a login can hold that knows the source, the event, the customer and the section, but not the secret.
fn guesses(event_id: i64, customer: &str) -> String {
    format!(
        "select pg_advisory_lock(1, hashtext('{event_id}:{customer}')), pg_advisory_lock(2, hashtext('{event_id}:1')), pg_advisory_lock(3, 0);
         select pg_advisory_lock(class << 60 | (hashtextextended(name || concat_ws(':', class, event_id, ''), 0) & x'fffffffffffffff'::bigint))
         from (values (1::bigint, {event_id}, '{customer}'), (2, {event_id}, '1'), (3, 0, 'sweep')) k (class, event_id, name)"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_login_can_hold_the_locks_that_claims_and_the_sweep_need() {
    let server = TestServer::builder().redis(RedisMode::Off).start().await;
    let logins = Logins::new(&server.database_url).await;
    let mut brief = unhurried(&[("A", 1000, 10)]);
    brief["window_ms"] = json!(1_000);
    let (event, alice) = (server.event(brief).await, server.customer("alice"));
    let mut holders = Vec::new();
    for who in ["rita", "sam"] {
        let holder = logins.connect(who).await;
        // The second of them would wait for the first.
        holder.batch_execute("set lock_timeout = '200ms'").await.expect("a setting");
        holder.batch_execute(&guesses(event.id, "alice")).await.ok();
        holders.push(holder);
    }
    let seated = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    alice.best_available(&event, "A", 2).await.expect(201);
    let late = "select coalesce(max(extract(epoch from ended_at - expires_at) * 1000), 0)::float8 from rowlock.orders";
    eventually(PATIENCE, || async { alice.order(&seated).await.expect(200)["status"] == "expired" }).await;
    assert!(server.ask::<f64>(late).await < 4_000.0, "somebody holds the lead of the sweep");
    drop(holders);
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_what_a_session_waits_for() {
    let server = TestServer::builder().redis(RedisMode::Off).start().await;
    let (event, holder) = (server.event(unhurried(&[("A", 1000, 10)])).await, server.connect().await);
    for (class, name, what) in [(1, "alice", "the turn of a customer"), (2, "1", "the search for the best available seats of a section")] {
        let hold = format!("begin; {}", take_lock(class, event.id, name, true));
        holder.batch_execute(&hold).await.expect("its lock");
        let alice = server.customer("alice");
        let claim = tokio::spawn(async move { alice.best_available(&event, "A", 1).await });
        let sql = "select string_agg(distinct waits_for, ', ') from admin.lock_waits
            where waiting_pid in (select pid from pg_stat_activity where datname = current_database())";
        eventually(PATIENCE, || async { server.ask::<Option<String>>(sql).await.as_deref() == Some(what) }).await;
        holder.batch_execute("rollback").await.expect("released");
        tokio::time::timeout(Duration::from_secs(10), claim).await.expect("an answer").expect("no panic").expect(201);
    }
}
