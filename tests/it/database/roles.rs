//! Who may do what, by trying it: the server's role calls functions and touches no table.

use pretty_assertions::assert_eq;
use tokio_postgres::Client;

use crate::harness::TestDatabase;
use crate::stored::claim_first_seat;

/// A superuser's connection that shows names with their schema, whatever the user is called.
async fn superuser(database: &TestDatabase) -> Client {
    let client = database.connect().await;
    client.batch_execute("set search_path = pg_catalog").await.expect("a search path");
    client
}

/// A superuser's connection that has become `role`, without its former privileges.
async fn session_as(database: &TestDatabase, role: &str) -> Client {
    let client = superuser(database).await;
    client.batch_execute(&format!("set role {role}")).await.expect("the role");
    client
}

async fn ask(db: &Client, sql: &str) -> Vec<String> {
    db.query(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).iter().map(|row| row.get(0)).collect()
}

/// The statement must fail for lack of privileges and for no other reason.
async fn assert_forbidden(db: &Client, sql: &str) {
    let error = db.batch_execute(sql).await.expect_err(sql);
    assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{sql}: {error}");
}

/// Every way to read or change each table; none would change anything.
async fn uses_of_tables(database: &TestDatabase) -> Vec<String> {
    let sql = "select unnest(array[
            format('select from rowlock.%I limit 0', c.relname),
            format('insert into rowlock.%I default values', c.relname),
            format('update rowlock.%I set %I = %I where false', c.relname, a.attname, a.attname),
            format('delete from rowlock.%I where false', c.relname),
            format('truncate rowlock.%I', c.relname)])
         from pg_class c cross join lateral (
            select attname from pg_attribute where attrelid = c.oid and attnum > 0 and attidentity = '' order by attnum limit 1) a
         where c.relnamespace = 'rowlock'::regnamespace and c.relkind = 'r'";
    let uses = ask(&superuser(database).await, sql).await;
    assert!(uses.len() >= 5 * 10, "the tables are not found");
    uses
}

/// A call of each function of `rowlock`, with nulls, that `condition` selects.
async fn calls(database: &TestDatabase, condition: &str) -> Vec<String> {
    let sql = format!(
        "select format('select rowlock.%I(%s)', p.proname, (select string_agg('null::' || format_type(t, null), ', ') from unnest(p.proargtypes) t))
         from pg_proc p where p.pronamespace = 'rowlock'::regnamespace and {condition}"
    );
    ask(&superuser(database).await, &sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_role_touches_no_table_and_calls_no_helper() {
    let database = TestDatabase::cloned().await;
    let app = session_as(&database, "rowlock_app").await;
    for sql in uses_of_tables(&database).await {
        assert_forbidden(&app, &sql).await;
    }
    let helpers = calls(&database, "p.proname ~ '^_'").await;
    assert!(helpers.len() > 10, "{helpers:?}");
    for sql in helpers {
        assert_forbidden(&app, &sql).await;
    }
    for sql in [
        "select * from admin.invariant_violations",
        "select admin.create_api_key('mine', sha256('mine'), 'a test')",
        "select admin.revoke_api_key(1, 'a test')",
        "select nextval('rowlock.events_event_id_seq')",
        "create table rowlock.mine (n integer)",
        "create function rowlock.mine() returns integer language sql as 'select 1'",
        "select * from public.refinery_schema_history",
    ] {
        assert_forbidden(&app, sql).await;
    }
    assert_eq!(ask(&app, "select version::text from rowlock.migration_state()").await.len(), 1, "what it may call works");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_the_views_and_nothing_of_the_inside() {
    let database = TestDatabase::cloned().await;
    let reader = session_as(&database, "rowlock_readonly").await;
    let views = "select 'admin.' || relname from pg_class where relnamespace = 'admin'::regnamespace and relkind = 'v'";
    let views = ask(&superuser(&database).await, views).await;
    assert!(views.contains(&"admin.invariant_violations".to_owned()));
    for view in views {
        reader.query(&format!("select * from {view}"), &[]).await.unwrap_or_else(|error| panic!("{view}: {error}"));
    }
    for sql in uses_of_tables(&database).await.into_iter().chain(calls(&database, "true").await) {
        assert_forbidden(&reader, &sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_call_what_they_need_and_touch_no_table() {
    let database = TestDatabase::cloned().await;
    let operator = session_as(&database, "rowlock_admin").await;
    for sql in uses_of_tables(&database).await.into_iter().chain(calls(&database, "p.proname ~ '^_'").await) {
        assert_forbidden(&operator, &sql).await;
    }
    for sql in [
        "select * from admin.invariant_violations",
        "select admin.create_event('{\"name\": \"Matinee\", \"currency\": \"TWD\", \"sections\": [
            {\"code\": \"A\", \"name\": \"Floor\", \"price_minor\": 1, \"rows\": [{\"label\": \"1\", \"seats\": 2}]}]}', 'a test')",
        "select admin.open_event(1, 'a test'), admin.pause_event(1, 'a test'), admin.open_event(1, 'a test')",
        "select admin.change_event(1, '{\"window_ms\": 15000}', 'a test')",
        "select admin.block_seats(1, 'A 1', 'a test'), admin.unblock_seats(1, 'A 1', 'a test')",
        "select * from rowlock.sales_report(1)",
        "select * from rowlock.list_orders(
            p_event_id => 1, p_customer_id => null, p_status => null, p_after_order_id => null, p_limit => 10)",
        "select * from rowlock.refunds_due(1, 10)",
        "select * from rowlock.list_dead_letters(null, 10)",
        "select * from admin.overdue_orders",
        "select admin.revoke_api_key(admin.create_api_key('mine', sha256('mine'), 'a test'), 'a test')",
        "select admin.close_event(1, 'a test')",
    ] {
        operator.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    assert_forbidden(&operator, &format!("select * from {}", claim_first_seat(1, "olivia"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_belongs_to_the_owner_and_no_role_of_ours_logs_in() {
    let database = TestDatabase::cloned().await;
    let db = superuser(&database).await;
    let others = "
        select oid::regclass::text from pg_class where relnamespace in ('rowlock'::regnamespace, 'admin'::regnamespace)
            and relowner <> 'rowlock_owner'::regrole
        union all
        select oid::regprocedure::text from pg_proc where pronamespace in ('rowlock'::regnamespace, 'admin'::regnamespace)
            and proowner <> 'rowlock_owner'::regrole
        union all
        select oid::regtype::text from pg_type where typnamespace in ('rowlock'::regnamespace, 'admin'::regnamespace)
            and typowner <> 'rowlock_owner'::regrole
        union all
        select nspname::text from pg_namespace where nspname in ('rowlock', 'admin') and nspowner <> 'rowlock_owner'::regrole";
    assert_eq!(ask(&db, others).await, Vec::<String>::new());
    let roles = "select rolname || case when rolcanlogin or rolsuper or rolbypassrls or rolcreaterole or rolcreatedb then ' (too mighty)' else '' end
                 from pg_roles where rolname like 'rowlock\\_%' order by 1";
    assert_eq!(ask(&db, roles).await, ["rowlock_admin", "rowlock_app", "rowlock_migrator", "rowlock_owner", "rowlock_readonly"]);
    let mighty =
        "select r from unnest(array['rowlock_app', 'rowlock_admin', 'rowlock_readonly']) r where pg_has_role(r, 'rowlock_owner', 'member')";
    assert_eq!(ask(&db, mighty).await, Vec::<String>::new());
    session_as(&database, "rowlock_migrator").await.batch_execute("set role rowlock_owner").await.expect("a migrator becomes the owner");
}

/// A function that runs with its owner's privileges must not be affected by anything its caller has set up.
#[tokio::test(flavor = "multi_thread")]
async fn a_callers_temporary_tables_do_not_stand_in_for_ours() {
    let database = TestDatabase::cloned().await;
    let app = session_as(&database, "rowlock_app").await;
    app.batch_execute("create temporary table events as select 7::bigint as event_id, 'mine' as name; set search_path = pg_temp, rowlock")
        .await
        .expect("temporary tables are anyone's");
    assert_eq!(ask(&app, "select name from rowlock.get_event(7)").await, Vec::<String>::new());
}
