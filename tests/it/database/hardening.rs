//! `rowlock migrate --harden`: no login takes an advisory lock any more, and everything of ours still works.

use pretty_assertions::assert_eq;
use serde_json::json;
use tokio_postgres::Client;

use crate::commands::process::{output_of, printed_by, rowlock};
use crate::harness::{PATIENCE, RedisMode, Scratch, TestServer, eventually, own_postgres};
use crate::psql::logins::{Logins, PASSWORD, connect, refusal, url_as};
use crate::stored::{take_lock, unhurried};

/// A call of each function that takes an advisory lock.
const CALLS: &str = "
    select format('select %s(%s)', p.oid::regproc, case p.pronargs when 1 then '7::bigint' else '7, 7' end)
    from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ 'advisory' and p.proname !~ 'unlock'";

#[tokio::test(flavor = "multi_thread")]
async fn a_hardened_database_leaves_the_locks_to_rowlock() {
    let mut unhardened = TestServer::builder().redis(RedisMode::Off).start().await;
    let (logins, database_url) = (Logins::new(&unhardened.database_url).await, unhardened.database_url.clone());
    unhardened.stop().await.expect("an orderly end");
    let calls = unhardened.db.query(CALLS, &[]).await.expect("the functions");
    let calls: Vec<String> = calls.iter().map(|row| row.get(0)).collect();
    assert_eq!(calls.len(), 16, "{calls:?}");
    unhardened
        .db
        .batch_execute("create function public.theirs() returns void language sql as 'select pg_advisory_xact_lock(1)'")
        .await
        .expect("a function of others");
    logins.connect("rita").await.batch_execute(&calls[0]).await.expect("not hardened yet");

    let harden = || printed_by(rowlock(&["migrate", "--harden"]).env("DATABASE_URL", &database_url));
    let told = harden();
    assert!(told.contains("16 locking functions were revoked"), "{told}");
    let sam = format!("can take no advisory locks in a hardened database: {}", logins.name("sam"));
    assert!(told.contains(&sam) && !told.contains(&logins.name("rita")), "{told}");
    assert!(told.contains("theirs()") && !told.contains("_take_locks"), "{told}");
    assert!(harden().contains("already revoked"), "harmless to repeat");
    for who in ["olivia", "rita", "shop", "sam"] {
        let login = logins.connect(who).await;
        for call in &calls {
            assert_eq!(refusal(login.batch_execute(call).await).0, "42501", "{who}: {call}");
        }
        login.batch_execute("select pg_advisory_unlock_all()").await.expect("some drivers reset their sessions like this");
    }

    // A server, and a migrator who is no superuser.
    let url = url_as(&database_url, &logins.name("shop"), PASSWORD);
    let server = TestServer::builder().redis(RedisMode::Off).arg("--database-url", url).start().await;
    let mut brief = unhurried(&[("A", 1000, 10)]);
    brief["window_ms"] = json!(1_000);
    let admin = server.anyone().with("x-api-key", unhardened.admin_key());
    let created = admin.post("/v1/events", &brief).await.expect(201);
    let path = format!("/v1/events/{}", created["event_id"]);
    admin.patch(&path, &json!({"status": "open"})).await.expect(200);
    let alice = server.customer("alice");
    let claim = async |body| alice.post(&format!("{path}/orders"), &body).await.expect(201);
    let seats = claim(json!({"seats": [{"section": "A", "seat": 1}]})).await;
    claim(json!({"best_available": {"section": "A", "quantity": 2}})).await;
    eventually(PATIENCE, || async { alice.order(&seats).await.expect(200)["status"] == "expired" }).await;
    assert_eq!(server.gateway().pay(&seats).await.expect(200)["outcome"], "late_reclaimed", "which takes the customer's lock");
    unhardened.db.batch_execute(&format!("grant rowlock_migrator to {}", logins.name("sam"))).await.expect("granted");
    let migrator = connect(&url_as(&database_url, &logins.name("sam"), PASSWORD)).await;
    migrator.batch_execute("select pg_advisory_lock(5, 0), pg_advisory_unlock(5, 0)").await.expect("the migrator's lock");
    drop(server);
    logins.gone().await;
}

/// The key of the only lock of a class that somebody holds in this database, as `pg_locks` shows it to every login.
async fn seen_key(login: &Client, class: i64) -> i64 {
    let sql = "select l.classid::bigint << 32 | l.objid::bigint from pg_locks l join pg_database d on d.oid = l.database
        where d.datname = current_database() and l.locktype = 'advisory' and l.objsubid = 1 and l.granted and l.classid::bigint >> 28 = $1";
    login.query_one(sql, &[&class]).await.expect("one key").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_can_hold_a_key_that_it_has_seen_until_the_database_is_hardened() {
    let server = TestServer::builder().redis(RedisMode::Off).start().await;
    let logins = Logins::new(&server.database_url).await;
    let mut brief = unhurried(&[("A", 1000, 10), ("B", 1000, 10)]);
    brief["window_ms"] = json!(1_000);
    let (event, alice) = (server.event(brief).await, server.customer("alice"));
    let (rita, holder) = (logins.connect("rita").await, server.connect().await);
    let mut keys = Vec::new();
    for (class, event_id, name) in [(2, event.id, "1"), (3, 0, "sweep")] {
        // As a server does for a moment.
        let hold = format!("begin; {}", take_lock(class, event_id, name, true));
        holder.batch_execute(&hold).await.expect("its lock");
        keys.push(seen_key(&rita, i64::from(class)).await);
        holder.batch_execute("commit").await.expect("released");
    }
    let take = format!("select pg_advisory_lock({}), pg_advisory_lock({})", keys[0], keys[1]);
    rita.batch_execute(&take).await.expect("whatever anybody may take");

    alice.best_available(&event, "A", 1).await.problem(503, "overloaded");
    alice.best_available(&event, "B", 1).await.expect(201);
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    eventually(PATIENCE, || async { alice.order(&order).await.expect(200)["status"] == "expired" }).await;
    let late = "select extract(epoch from min(ended_at - expires_at))::float8 from rowlock.orders";
    assert!(server.ask::<f64>(late).await > 4.9, "no server swept while somebody else led");
    rita.batch_execute("select pg_advisory_unlock_all()").await.expect("released");
    alice.best_available(&event, "A", 1).await.expect(201);

    printed_by(rowlock(&["migrate", "--harden"]).env("DATABASE_URL", &server.database_url));
    assert_eq!(refusal(rita.batch_execute(&take).await).0, "42501");
    alice.best_available(&event, "A", 1).await.expect(201);
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_harden_is_told_what_a_superuser_does() {
    let dir = Scratch::new();
    let Some(postgres) = own_postgres(dir.path()).await else { return };
    let db = connect(&postgres.url("postgres")).await;
    db.batch_execute("create role modest login createrole password 'modest'").await.expect("a login");
    postgres.create_database("theirs").await.expect("a database");
    db.batch_execute("alter database theirs owner to modest").await.expect("its owner");
    let url = format!("postgres://modest:modest@127.0.0.1:{}/theirs", postgres.port());
    let harden = || output_of(rowlock(&["migrate", "--harden"]).env("DATABASE_URL", &url));
    let refused = harden();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stdout).contains("the database is at migration"), "it is migrated");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("only a superuser may"), "{said}");
    // As told, by a superuser.
    let (_, remedy) = said.split_once("in the database: ").expect("statements");
    let superuser = connect(&postgres.url("theirs")).await;
    superuser.batch_execute(remedy.trim()).await.unwrap_or_else(|error| panic!("{remedy}: {error:?}"));
    assert!(harden().status.success());
    drop((db, superuser));
    postgres.stop().await.expect("stopped");
}
