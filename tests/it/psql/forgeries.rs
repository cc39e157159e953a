//! Attempts to forge a state or to take rights: PostgreSQL refuses them to each login.

use pretty_assertions::assert_eq;
use tokio_postgres::Client;

use super::walls::{FORBIDDEN, Scene, WHO, assert_forbidden};

/// Attempts to forge states and to gain privileges.
const FORGERIES: &[&str] = &[
    // States.
    "insert into rowlock.orders (event_id, order_id, customer_id, status, section_nos, seat_nos, amount_minor, created_at, expires_at, ended_at)
     values (1, gen_random_uuid(), 'mallory', 'paid', '{1}', '{10}', 0, now(), now() + interval '1 h', now())",
    "update rowlock.seats set status = 'sold', order_id = gen_random_uuid() where event_id = 1 and seat_no = 10",
    "update rowlock.payments set outcome = 'paid'",
    "insert into rowlock.tickets values (1, 1, 10, gen_random_uuid(), now())",
    "delete from rowlock.admin_actions",
    "update rowlock.admin_actions set login_role = 'somebody else', reason = 'another'",
    "insert into rowlock.admin_actions (acted_at, login_role, function, arguments, before, after) values (now(), 'x', 'x', '{}', '{}', '{}')",
    "update rowlock.api_keys set name = 'somebody else'",
    "select hash from rowlock.api_keys",
    "update rowlock.pseudonym_key set key = sha256('mine')",
    "select key from rowlock.pseudonym_key",
    "select customer from rowlock.shown_orders",
    "select nextval('rowlock.events_event_id_seq')",
    "select setval('rowlock.admin_actions_action_id_seq', 1)",
    "select * from public.refinery_schema_history",
    "delete from public.refinery_schema_history",
    // Rights.
    "set role rowlock_owner",
    "set role rowlock_migrator",
    "set session_replication_role = replica",
    "alter role current_user superuser",
    "alter role rowlock_owner login",
    "grant rowlock_owner to current_user",
    "create role mallory",
    "alter system set fsync = off",
    "alter function rowlock.claim_seats(bigint, uuid[], text[], text[], bytea[], integer[], integer[], integer[]) security invoker",
    "grant execute on function rowlock._pay_orders(bigint, tid[], rowlock.seat_status, timestamptz) to public",
    "alter default privileges for role rowlock_owner grant execute on functions to public",
    "reassign owned by rowlock_owner to current_user",
    "drop owned by rowlock_owner",
    "alter schema rowlock owner to current_user",
    "drop schema rowlock cascade",
    "alter type rowlock.seat_status add value 'mine'",
    "create event trigger mine on ddl_command_end execute function pg_temp.mine()",
    "create extension hstore schema rowlock",
    "copy (select 1) to program 'true'",
    "select pg_read_file('postgresql.conf')",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_login_forges_a_state_or_takes_rights_it_was_not_given() {
    let scene = Scene::new().await;
    let before = scene.everything().await;
    let mut forgeries: Vec<String> = FORGERIES.iter().map(ToString::to_string).collect();
    for schema in ["rowlock", "admin", "public"] {
        forgeries.extend([
            format!("create table {schema}.mine (n integer)"),
            format!("create view {schema}.mine as select 1"),
            format!("create sequence {schema}.mine"),
            format!("create type {schema}.mine as (n integer)"),
            format!("create operator {schema}.=== (leftarg = integer, rightarg = integer, function = int4eq)"),
            format!("create function {schema}.mine() returns integer language sql as 'select 1'"),
        ]);
    }
    forgeries.push("create schema mine".to_owned());
    let superusers: i32 = scene.db.query_one("select pg_backend_pid()", &[]).await.expect("a process id").get(0);
    forgeries.push(format!("select pg_terminate_backend({superusers})"));
    for who in WHO {
        let client = scene.logins.connect(who).await;
        client
            .batch_execute("create function pg_temp.mine() returns event_trigger language plpgsql as 'begin end'")
            .await
            .expect("temporary functions are anyone's");
        for sql in &forgeries {
            let error = client.batch_execute(sql).await.expect_err(sql);
            assert_eq!(error.code().map(|code| code.code()), Some(FORBIDDEN), "{who}: {sql}: {error:?}");
        }
        let others = format!("set session authorization {}", scene.logins.name(if who == "olivia" { "shop" } else { "olivia" }));
        assert_forbidden(&client, who, &[others]).await;
    }
    assert_eq!(scene.everything().await, before);
    scene.logins.gone().await;
}

/// Functions run with their owner's privileges: nothing that the caller has set up may replace what they refer to.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_brings_along_does_not_stand_in_for_ours() {
    let scene = Scene::new().await;
    let tables = scene.ask("select relname::text from pg_class where relnamespace = 'rowlock'::regnamespace and relkind = 'r'").await;
    let shadows = "
        create function pg_temp._log_action(text, bigint, uuid, text, jsonb, jsonb, jsonb) returns void language sql as 'select';
        create function pg_temp._check_reason(text) returns text language sql as 'select null::text';
        create function pg_temp.clock_timestamp() returns timestamptz language sql as $$ select timestamptz 'infinity' $$;
        create function pg_temp.pg_has_role(name, text) returns boolean language sql as 'select true';
        create operator pg_temp.= (leftarg = bigint, rightarg = bigint, function = int8ne);
        create domain pg_temp.event_status as text;
        set search_path = pg_temp, admin, rowlock, pg_catalog";
    let bring_along = async |client: &Client| {
        for table in &tables {
            let sql =
                format!("create temporary table {table} as select 1::bigint as event_id, 'mine'::text as status, 'mine'::text as code");
            client.batch_execute(&sql).await.expect("temporary tables are anyone's");
        }
        client.batch_execute(shadows).await.expect("temporary objects are anyone's");
    };
    let last = "select concat_ws(' ', e.status, a.function, a.login_role, a.reason, a.acted_at < now() + interval '1 min')
                from rowlock.events e cross join (select * from rowlock.admin_actions order by action_id desc limit 1) a";
    let olivia = scene.logins.connect("olivia").await;
    bring_along(&olivia).await;
    olivia.batch_execute("select admin.pause_event(1, 'a test')").await.expect("paused");
    assert_eq!(scene.ask(last).await, [format!("paused admin.pause_event {} a test t", scene.logins.name("olivia"))]);
    let shop = scene.logins.connect("shop").await;
    bring_along(&shop).await;
    shop.batch_execute("select rowlock.change_event(1, '{\"status\": \"open\"}')").await.expect("opened");
    assert_eq!(scene.ask(last).await, [format!("open rowlock.change_event {} t", scene.logins.name("shop"))]);

    let rita = scene.logins.connect("rita").await;
    bring_along(&rita).await;
    let clear = rita.query("select from admin.orders where customer not like 'c-%'", &[]).await.expect("an answer");
    assert_eq!(clear.len(), 0);
    let mine = rita.query_one("select count(*) from admin.event_settings where name = 'Spring Gala'", &[]).await.expect("an answer");
    assert_eq!(mine.get::<_, i64>(0), 1);
    scene.logins.gone().await;
}
