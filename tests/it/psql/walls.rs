//! SQL users cannot break the promises: each login tries, and PostgreSQL refuses it. Logins in `rowlock_migrator` are not tested: they may
//! become the owner, which is their purpose.

use std::collections::BTreeSet;

use pretty_assertions::assert_eq;
use serde_json::Value;
use tokio_postgres::Client;

use super::SALE;
use super::logins::Logins;
use crate::database::functions::sql_files;
use crate::harness::TestDatabase;

/// Insufficient privilege.
pub(super) const FORBIDDEN: &str = "42501";
pub(super) const WHO: [&str; 4] = ["olivia", "rita", "shop", "sam"];

/// What the server calls, of schema `rowlock`.
const FOR_SERVERS: &str = "block_seats cancel_order change_event claim_best_available claim_seats claimed_orders claimed_together \
    create_event database_id delete_event event_availability event_with_sections expire_orders find_api_key get_event get_order \
    list_dead_letters list_events list_orders migration_state note_api_key_use overdue_orders probe_claims prune_unpaid_orders \
    record_expiry_failure redrive_dead_letter refunds_due release_seats sales_report section_seats section_summary settle_payments try_lead_sweep unblock_seats";
/// What operators call of it: the functions that only read.
const FOR_OPERATORS: &str = "event_availability event_with_sections get_event get_order list_dead_letters list_events list_orders \
    migration_state refunds_due sales_report section_seats section_summary";
/// What operators call of schema `admin`.
const ADMIN: &str = "block_seats change_event change_window close_event create_api_key create_event csv_text delete_event mark_refunded \
    open_event order_timeline pause_event redrive_dead_letter release_order revoke_api_key sale_export seat_history unblock_seats";

pub(super) struct Scene {
    _database: TestDatabase,
    pub(super) db: Client,
    pub(super) logins: Logins,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let database = TestDatabase::cloned().await;
        let db = database.connect().await;
        db.batch_execute("set search_path = pg_catalog").await.expect("a search path");
        let logins = Logins::new(&database.url()).await;
        db.batch_execute(&SALE.replace("olivia", &logins.name("olivia"))).await.unwrap_or_else(|error| panic!("{error:?}"));
        Self { _database: database, db, logins }
    }

    pub(super) async fn ask(&self, sql: &str) -> Vec<String> {
        self.db.query(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).iter().map(|row| row.get(0)).collect()
    }

    /// Every row of every table.
    pub(super) async fn everything(&self) -> Value {
        let tables = self.ask("select relname::text from pg_class where relnamespace = 'rowlock'::regnamespace and relkind = 'r'").await;
        assert!(tables.len() >= 14, "{tables:?}");
        let parts: Vec<_> = tables
            .iter()
            .map(|table| format!("'{table}', (select jsonb_agg(to_jsonb(t) order by t::text) from rowlock.{table} t)"))
            .collect();
        let sql = format!("select jsonb_build_object({})", parts.join(", "));
        self.db.query_one(&sql, &[]).await.expect("an answer").get(0)
    }
}

/// Each statement must fail for lack of privileges and for no other reason.
pub(super) async fn assert_forbidden(client: &Client, who: &str, statements: &[String]) {
    for sql in statements {
        let error = client.batch_execute(sql).await.expect_err(sql);
        assert_eq!(error.code().map(|code| code.code()), Some(FORBIDDEN), "{who}: {sql}: {error:?}");
        client.batch_execute("rollback").await.expect("nothing goes on");
    }
}

/// A new function fails here until somebody decides who may call it.
#[tokio::test(flavor = "multi_thread")]
async fn each_login_may_call_what_is_meant_for_it_and_is_refused_all_the_rest() {
    let scene = Scene::new().await;
    let names = |schema: &str, list: &str| list.split_whitespace().map(|name| format!("{schema}.{name}")).collect::<BTreeSet<_>>();
    let mut operators = names("rowlock", FOR_OPERATORS);
    operators.extend(names("admin", ADMIN));
    let before = scene.everything().await;
    for (who, expected) in
        [("olivia", operators), ("rita", BTreeSet::new()), ("shop", names("rowlock", FOR_SERVERS)), ("sam", BTreeSet::new())]
    {
        let granted = format!(
            "select format('%s.%s', p.pronamespace::regnamespace, p.proname) from pg_proc p
             where p.pronamespace in ('rowlock'::regnamespace, 'admin'::regnamespace)
                 and has_schema_privilege('{0}', p.pronamespace, 'usage') and has_function_privilege('{0}', p.oid, 'execute')",
            scene.logins.name(who)
        );
        assert_eq!(scene.ask(&granted).await.into_iter().collect::<BTreeSet<_>>(), expected, "{who}");
        let calls = scene
            .ask(
                "select format('select %s.%I(%s)', p.pronamespace::regnamespace, p.proname,
                      (select string_agg('null::' || format_type(t, null), ', ') from unnest(p.proargtypes) t))
                  from pg_proc p where p.pronamespace in ('rowlock'::regnamespace, 'admin'::regnamespace)",
            )
            .await;
        let refused: Vec<_> =
            calls.into_iter().filter(|call| !expected.iter().any(|name| call.starts_with(&format!("select {name}(")))).collect();
        assert!(refused.len() > 40, "{who}");
        assert_forbidden(&scene.logins.connect(who).await, who, &refused).await;
    }
    assert_eq!(scene.everything().await, before);
    scene.logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_login_reads_or_changes_a_table_or_changes_a_view() {
    let scene = Scene::new().await;
    let before = scene.everything().await;
    let tables = "
        select unnest(array[
            format('select from %1$s limit 0', c.oid::regclass), format('select %2$I from %1$s', c.oid::regclass, a.attname),
            format('select from %1$s for update', c.oid::regclass), format('begin; lock table %1$s in share mode', c.oid::regclass),
            format('copy %1$s to stdout', c.oid::regclass), format('copy %1$s from stdin', c.oid::regclass),
            format('alter table %1$s disable trigger all', c.oid::regclass), format('alter table %1$s owner to current_user', c.oid::regclass),
            format('alter table %1$s add column mine integer', c.oid::regclass), format('drop table %1$s cascade', c.oid::regclass),
            format('create index on %1$s (%2$I)', c.oid::regclass, a.attname), format('analyze (verbose) %1$s', c.oid::regclass),
            format('create trigger mine after insert on %1$s execute function pg_temp.mine()', c.oid::regclass),
            format('create rule mine as on insert to %1$s do instead nothing', c.oid::regclass),
            format('comment on table %1$s is ''mine''', c.oid::regclass), format('grant select on %1$s to public', c.oid::regclass)
        ])
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum = 1
        where c.relnamespace in ('rowlock'::regnamespace, 'admin'::regnamespace) and c.relkind = 'r'";
    let changes = "
        select unnest(array[
            format('insert into %s (%I) values (null)', c.oid::regclass, a.attname), format('update %1$s set %2$I = %2$I', c.oid::regclass, a.attname),
            format('delete from %s', c.oid::regclass), format('truncate %s', c.oid::regclass)])
        from pg_class c
        cross join lateral (select attname from pg_attribute where attrelid = c.oid and attnum > 0 and attidentity = '' order by attnum limit 1) a
        where c.relnamespace in ('rowlock'::regnamespace, 'admin'::regnamespace) and c.relkind = 'r'";
    let (tables, changes) = (scene.ask(tables).await, scene.ask(changes).await);
    let views = scene
        .ask(
            "select unnest(array[format('insert into %s default values', c.oid::regclass), format('delete from %s', c.oid::regclass),
                  format('update %1$s set %2$I = %2$I', c.oid::regclass, a.attname), format('drop view %s', c.oid::regclass),
                  format('alter view %s set (security_invoker)', c.oid::regclass)])
              from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum = 2
              where c.relnamespace = 'admin'::regnamespace and c.relkind = 'v'",
        )
        .await;
    for who in WHO {
        let client = scene.logins.connect(who).await;
        client
            .batch_execute("create function pg_temp.mine() returns trigger language plpgsql as 'begin return null; end'")
            .await
            .expect("temporary functions are anyone's");
        // ANALYZE of a table of another owner is skipped with a warning.
        let tried: Vec<_> = tables.iter().filter(|sql| !sql.starts_with("analyze")).cloned().collect();
        assert_forbidden(&client, who, &tried).await;
        assert_forbidden(&client, who, &changes).await;
        for sql in &views {
            let error = client.batch_execute(sql).await.expect_err(sql);
            // A view with groups cannot be changed at all, and that error comes first.
            let state = error.code().map(|code| code.code()).unwrap_or_default();
            assert!([FORBIDDEN, "55000", "42601"].contains(&state), "{who}: {sql}: {error:?}");
        }
    }
    let readable = "select count(*) from pg_class c where c.relnamespace = 'admin'::regnamespace and c.relkind = 'v'
        and has_table_privilege($1, c.oid, 'select') and not has_table_privilege($1, c.oid, 'insert, update, delete, truncate, references, trigger')";
    for (who, all) in [("olivia", true), ("rita", true), ("shop", false), ("sam", false)] {
        let count: i64 = scene.db.query_one(readable, &[&scene.logins.name(who)]).await.expect("an answer").get(0);
        assert_eq!(
            count,
            if all { i64::try_from(sql_files("admin").len() - ADMIN.split_whitespace().count()).expect("few") } else { 0 },
            "{who}"
        );
    }
    assert_eq!(scene.everything().await, before);
    scene.logins.gone().await;
}
