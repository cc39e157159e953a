//! `rowlock_readonly` sees which customers are the same but not who they are, whatever it asks.

use std::collections::BTreeSet;

use pretty_assertions::assert_eq;
use tokio_postgres::Client;

use super::SALE;
use super::logins::Logins;
use crate::harness::TestDatabase;

const CUSTOMERS: [&str; 8] = ["ada", "ben", "cleo", "dan", "eve", "finn", "gus", "hana"];
/// Part of every customer's id in this sale, and of nothing else.
const MARK: &str = "@example.org";

/// The sale with customers whose ids contain the mark, also quoted in a reason and in an error.
async fn sale() -> (TestDatabase, Client, Logins) {
    let database = TestDatabase::cloned().await;
    let db = database.connect().await;
    let logins = Logins::new(&database.url()).await;
    let mut sale = SALE.replace("olivia", &logins.name("olivia"));
    for customer in CUSTOMERS {
        sale = sale.replace(&format!("'{customer}'"), &format!("'{customer}{MARK}'"));
    }
    sale = sale.replace("for the press", &format!("for ada{MARK}"));
    sale = sale.replace("the disk is full", &format!("Failing row contains (1, eve{MARK})"));
    db.batch_execute(&sale).await.unwrap_or_else(|error| panic!("{error:?}"));
    (database, db, logins)
}

async fn views(db: &Client) -> Vec<String> {
    let sql = "select relname::text from pg_class where relnamespace = 'admin'::regnamespace and relkind = 'v' order by 1";
    db.query(sql, &[]).await.expect("views").iter().map(|row| row.get(0)).collect()
}

/// The views in which a login finds the mark.
async fn telling_views(db: &Client, client: &Client) -> BTreeSet<String> {
    let mut telling = BTreeSet::new();
    for view in views(db).await {
        let sql = format!("select coalesce(string_agg(to_jsonb(v)::text, ' '), '') from admin.{view} v");
        let text: String = client.query_one(&sql, &[]).await.unwrap_or_else(|error| panic!("{view}: {error:?}")).get(0);
        if text.contains(MARK) {
            telling.insert(view);
        }
    }
    telling
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_find_no_customer_in_any_view_and_operators_do() {
    let (_database, db, logins) = sale().await;
    let all = ["action_log", "dead_letters", "orders", "overdue_orders", "refunds_due", "reversals"].map(str::to_owned).into();
    for who in ["olivia", "both"] {
        assert_eq!(telling_views(&db, &logins.connect(who).await).await, all, "{who}");
    }
    assert_eq!(telling_views(&db, &logins.connect("rita").await).await, BTreeSet::new());
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pseudonym_is_the_same_everywhere_and_cannot_be_made_by_guessing() {
    let (_database, db, logins) = sale().await;
    let rita = logins.connect("rita").await;
    let sql = "select (select array_agg(distinct customer) from admin.orders),
        (select array_agg(customer) from admin.orders where order_id::text like '%1' or order_id::text like '%9'),
        (select customer from admin.refunds_due where order_id::text like '%1'),
        (select array_agg(customer) from (table admin.orders) o where order_id in (select order_id from admin.dead_letters)),
        (select customer from admin.dead_letters), (select customer from admin.overdue_orders)";
    let row = rita.query_one(sql, &[]).await.expect("an answer");
    let (names, ada): (Vec<String>, Vec<String>) = (row.get(0), row.get(1));
    assert_eq!(names.len(), CUSTOMERS.len());
    assert!(names.iter().all(|name| name.len() == 18 && name.starts_with("c-")), "{names:?}");
    assert_eq!((&ada[0], &ada[0]), (&ada[1], &row.get::<_, String>(2)));
    assert_eq!(row.get::<_, Vec<String>>(3), [row.get::<_, String>(4)]);
    assert_eq!(row.get::<_, String>(4), row.get::<_, String>(5));

    // Only somebody who knows the key can compute them; the id alone is not enough.
    let made = "select 'c-' || left(encode(sha256(key || convert_to('ada' || $1, 'UTF8')), 'hex'), 16),
                       'c-' || left(encode(sha256(convert_to('ada' || $1, 'UTF8')), 'hex'), 16)
                from rowlock.pseudonym_key";
    let row = db.query_one(made, &[&MARK]).await.expect("an answer");
    assert_eq!(row.get::<_, String>(0), ada[0]);
    assert_ne!(row.get::<_, String>(1), ada[0]);
    let second = TestDatabase::empty().await;
    rowlock::db::migrate::migrate(&rowlock::db::Endpoint::new(&second.url(), None).expect("a URL")).await.expect("migrated");
    let key = "select encode(key, 'hex') from rowlock.pseudonym_key";
    let other: String = second.connect().await.query_one(key, &[]).await.expect("a key").get(0);
    assert_ne!(other, db.query_one(key, &[]).await.expect("a key").get::<_, String>(0), "each database has its own key");
    logins.gone().await;
}

/// How a reader may try to reveal ids: functions that print their arguments, errors that quote a value, plans.
#[tokio::test(flavor = "multi_thread")]
async fn neither_functions_nor_errors_nor_plans_tell_a_reader_who_it_is() {
    let (_database, _db, logins) = sale().await;
    let rita = logins.connect("rita").await;
    rita.batch_execute(
        "create function pg_temp.tell(p_text text) returns boolean language plpgsql cost 0.0001 as
             $$ begin raise exception 'told: %', p_text; end $$;
         create function pg_temp.tell(p_bytes bytea) returns boolean language plpgsql cost 0.0001 as
             $$ begin raise exception 'told: %', encode(p_bytes, 'escape'); end $$",
    )
    .await
    .expect("temporary functions are anyone's");
    for view in ["orders", "refunds_due", "reversals", "dead_letters", "overdue_orders"] {
        for sql in [
            format!("select * from admin.{view} where pg_temp.tell(customer)"),
            format!("select * from admin.{view} v where pg_temp.tell(v::text)"),
            format!("select customer::integer from admin.{view}"),
            format!("select 1 / (length(customer) - 18) from admin.{view} where pg_temp.tell(customer || ' ')"),
        ] {
            let error = rita.batch_execute(&sql).await.expect_err(&sql);
            let said = format!("{error:?}");
            assert!(said.contains("c-") && !said.contains(MARK), "{sql}: {said}");
        }
        let plan = rita.query(&format!("explain (analyze, verbose) select * from admin.{view} where customer > 'c'"), &[]).await;
        let plan: Vec<String> = plan.expect("a plan").iter().map(|row| row.get(0)).collect();
        assert!(!plan.join("\n").contains(MARK), "{plan:?}");
    }
    let shown: i64 = rita.query_one("select count(*) from pg_stats where schemaname = 'rowlock'", &[]).await.expect("an answer").get(0);
    assert_eq!(shown, 0, "statistics quote the commonest values");
    let guess = rita.query("select 1 from admin.orders where customer = $1", &[&format!("ada{MARK}")]).await.expect("an answer");
    assert_eq!(guess.len(), 0, "a guess finds nothing");
    logins.gone().await;
}
