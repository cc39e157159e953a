//! A sale can continue from a dump that was taken in the middle of it; `docs/operations.md` says how to dump and restore.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio_postgres::Client;

use crate::drift::in_project;
use crate::harness::{EventHandle, PATIENCE, RedisMode, Scratch, TestDatabase, TestServer, event_json, eventually, postgres_program, skip};
use crate::psql::logins::Logins;

const BUYERS: usize = 4;

/// Buyers who claim and pay for one seat after the other; each paid order is counted and kept.
async fn sell(server: Arc<TestServer>, event: EventHandle, paid: Arc<AtomicUsize>, enough: usize) -> Vec<Value> {
    let buyer = |number: usize| {
        let (server, paid) = (Arc::clone(&server), Arc::clone(&paid));
        tokio::spawn(async move {
            let (alice, mut orders) = (server.customer(&format!("buyer {number}")), Vec::new());
            while paid.load(Ordering::Relaxed) < enough {
                let order = alice.best_available(&event, "A", 1).await.expect(201);
                assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid");
                paid.fetch_add(1, Ordering::Relaxed);
                orders.push(order);
            }
            orders
        })
    };
    let buyers: Vec<_> = (0..BUYERS).map(buyer).collect();
    let mut orders = Vec::new();
    for buyer in buyers {
        orders.extend(buyer.await.expect("no panic"));
    }
    orders
}

async fn run(program: &Path, args: &[&str]) {
    let output = Command::new(program).args(args).output().await.expect("the program runs");
    assert!(output.status.success(), "{program:?} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Who may do what with every function and relation.
async fn rights(db: &Client) -> Value {
    let sql = "
        select jsonb_object_agg(name, rights) from (
            select p.oid::regprocedure::text as name, p.proowner::regrole::text || coalesce(p.proacl::text, '') as rights
            from pg_proc p where p.pronamespace in ('rowlock'::regnamespace, 'admin'::regnamespace)
            union all
            select c.oid::regclass::text, c.relowner::regrole::text || coalesce(c.relacl::text, '')
            from pg_class c where c.relnamespace in ('rowlock'::regnamespace, 'admin'::regnamespace)) everything";
    db.query_one(sql, &[]).await.expect("rights").get(0)
}

async fn violations(db: &Client) -> Vec<String> {
    let rows = db.query("select to_jsonb(v)::text from admin.invariant_violations v", &[]).await.expect("an answer");
    rows.iter().map(|row| row.get(0)).collect()
}

async fn count(db: &Client, condition: &str) -> i64 {
    db.query_one(&format!("select count(*) from rowlock.orders where {condition}"), &[]).await.expect("an answer").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_from_the_middle_of_a_sale_is_restored_and_the_sale_goes_on() {
    let server = Arc::new(TestServer::start().await);
    let major = server.ask::<i32>("select current_setting('server_version_num')::integer / 10000").await;
    let (Some(pg_dump), Some(pg_restore)) = (postgres_program("pg_dump", major), postgres_program("pg_restore", major)) else {
        return skip("pg_dump", &format!("there is no pg_dump of PostgreSQL {major}"));
    };
    let mut event = event_json(&[("A", 1000, 1000)]);
    event["window_ms"] = json!(5000);
    let event = server.event(event).await;
    // Its deadline will have passed when the dump is restored.
    server.customer("late").best_available(&event, "A", 2).await.expect(201);
    let paid = Arc::new(AtomicUsize::new(0));
    let selling = tokio::spawn(sell(Arc::clone(&server), event, Arc::clone(&paid), 120));
    eventually(PATIENCE, || async { paid.load(Ordering::Relaxed) >= 40 }).await;
    let dir = Scratch::new();
    let dump = dir.path().join("rowlock.dump").display().to_string();
    run(&pg_dump, &["--format=custom", "--file", &dump, "--dbname", &server.database_url]).await;
    let sold_meanwhile = paid.load(Ordering::Relaxed);
    let orders = selling.await.expect("no panic");

    let restored = TestDatabase::empty().await;
    run(&pg_restore, &["--exit-on-error", "--dbname", &restored.url(), &dump]).await;
    let db = restored.connect().await;
    let kept = count(&db, "status = 'paid'").await;
    assert!(
        kept >= 40 && kept <= i64::try_from(sold_meanwhile + BUYERS).expect("few"),
        "{kept} paid orders, {sold_meanwhile} paid by then"
    );
    assert!(kept < i64::try_from(orders.len()).expect("few"), "the sale was over before the dump");
    assert_eq!(rights(&db).await, rights(&server.db).await);

    let builder = TestServer::builder().redis(RedisMode::Off).arg("--database-url", restored.url());
    let second = builder.start().await;
    eventually(PATIENCE, || async { count(&db, "status = 'expired'").await >= 1 }).await;
    assert_eq!(violations(&db).await, Vec::<String>::new());
    let admin = second.anyone().with("x-api-key", server.admin_key());
    let report = admin.get(&format!("/v1/admin/events/{}/sales", event.id)).await.expect(200);
    assert_eq!(report["sections"][0]["sold"], kept);
    replay(&second, &db, &orders, kept).await;
    let order = second.customer("new").best_available(&event, "A", 3).await.expect(201);
    assert_eq!(second.gateway().pay(&order).await.expect(200)["outcome"], "paid");
    assert_eq!(violations(&db).await, Vec::<String>::new());
}

/// Roles without their passwords: nothing in a backup lets anybody in, and no superuser is needed to read `pg_authid`.
#[tokio::test(flavor = "multi_thread")]
async fn roles_are_dumped_without_their_passwords() {
    let database = TestDatabase::cloned().await;
    let logins = Logins::new(&database.url()).await;
    let db = database.connect().await;
    let major: i32 = db.query_one("select current_setting('server_version_num')::integer / 10000", &[]).await.expect("a version").get(0);
    let Some(pg_dumpall) = postgres_program("pg_dumpall", major) else {
        return skip("pg_dumpall", &format!("there is no pg_dumpall of PostgreSQL {major}"));
    };
    let page = std::fs::read_to_string(in_project("docs/operations.md")).expect("a text");
    let flags = page.lines().find_map(|line| line.strip_prefix("pg_dumpall ")).expect("how roles are dumped");
    let flags: Vec<&str> = flags.split_whitespace().take_while(|word| *word != ">").collect();
    let dir = Scratch::new();
    let file = dir.path().join("roles.sql").display().to_string();
    let url = database.url();
    run(&pg_dumpall, &[&flags[..], &["--dbname", &url, "--file", &file]].concat()).await;
    let roles = std::fs::read_to_string(file).expect("a dump");
    let shop = logins.name("shop");
    for part in ["CREATE ROLE rowlock_owner;", &format!("CREATE ROLE {shop};"), &format!("GRANT rowlock_app TO {shop}")] {
        assert!(roles.contains(part), "{part} is missing: {roles}");
    }
    assert!(!roles.contains("PASSWORD") && !roles.contains("SCRAM"), "a password was dumped: {roles}");
    logins.gone().await;
}

/// The gateway sends every notice of the sale again: what is in the dump is settled, and the money for lost orders is owed back.
async fn replay(second: &TestServer, db: &Client, orders: &[Value], kept: i64) {
    let references = db.query("select order_id::text, provider_reference from rowlock.payments", &[]).await.expect("an answer");
    let (mut duplicates, mut owed, mut pending) = (0, 0, 0);
    for order in orders {
        let mut notice = second.gateway().notice(order);
        if let Some(row) = references.iter().find(|row| row.get::<_, String>(0) == order["order_id"].as_str().expect("an id")) {
            notice["provider_reference"] = json!(row.get::<_, String>(1));
        }
        match second.gateway().notify(notice).await.expect(200)["outcome"].as_str() {
            Some("duplicate") => duplicates += 1,
            Some("refund_due") => owed += 1,
            // The dump was taken between its claim and its payment.
            Some("paid" | "late_reclaimed") => pending += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(duplicates, kept);
    assert!(owed > 0 && pending <= BUYERS, "{owed} owed back, {pending} were pending");
}
