//! The settings of the server's own sessions, whatever the role's or the database's settings: read within their transactions.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::harness::{EventHandle, PATIENCE, RedisMode, TestServer, eventually};
use crate::stored::unhurried;

/// The opposite of everything a session of the server needs, for all connections from now on.
const CONTRARY: &str = "
    do $$ declare setting text; begin
        foreach setting in array array['synchronous_commit = off', 'statement_timeout = 0', 'lock_timeout = 0', 'jit = on',
            'idle_in_transaction_session_timeout = 0', 'default_transaction_isolation = serializable']
        loop
            execute format('alter database %I set %s', current_database(), setting);
        end loop;
    end $$";

/// Records the settings of each session that does something.
const WITNESSES: &str = "
    create table public.seen (doing text, settings jsonb);
    create function public.see() returns trigger language plpgsql security definer as $$ begin
        insert into public.seen select tg_argv[0], jsonb_object_agg(name, current_setting(name)) from unnest(array['synchronous_commit',
            'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_isolation', 'jit', 'role']) name;
        return new;
    end $$;
    create trigger see before insert on rowlock.orders for each row execute function public.see('claim');
    create trigger see before insert on rowlock.payments for each row execute function public.see('payment');
    create trigger see before insert on rowlock.events for each row execute function public.see('creation');
    create trigger see_expiry before update on rowlock.orders for each row
        when (new.status = 'expired') execute function public.see('expiry');
    create trigger see_cancellation before update on rowlock.orders for each row
        when (new.status = 'cancelled') execute function public.see('cancellation')";

/// The recorded settings of the sessions that did this, which must all be the same.
async fn seen(server: &TestServer, doing: &str) -> Value {
    let sql = format!("select jsonb_agg(distinct settings) from public.seen where doing = '{doing}'");
    let settings = server.ask::<Option<Value>>(&sql).await.unwrap_or_else(|| panic!("nobody saw any {doing}"));
    assert_eq!(settings.as_array().map(Vec::len), Some(1), "{doing}: {settings}");
    settings[0].clone()
}

/// A brief order that expires, one that is paid, one that is cancelled.
async fn one_of_each(server: &TestServer) {
    let mut brief = unhurried(&[("A", 1000, 10)]);
    brief["window_ms"] = json!(1_000);
    let (brief, event) = (server.event(brief).await, server.event(unhurried(&[("A", 1000, 10)])).await);
    let alice = server.customer("alice");
    let claim = async |event: &EventHandle, seat: i32| alice.claim_seats(event, &[("A", seat)]).await.expect(201);
    let (unpaid, paid, unwanted) = (claim(&brief, 1).await, claim(&event, 1).await, claim(&event, 2).await);
    assert_eq!(server.gateway().pay(&paid).await.expect(200)["outcome"], "paid");
    alice.cancel(&unwanted).await.expect(200);
    eventually(PATIENCE, || async { alice.order(&unpaid).await.expect(200)["status"] == "expired" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_session_is_durable_and_impatient_whatever_the_database_was_told() {
    let mut before = TestServer::builder().redis(RedisMode::Off).start().await;
    before.db.batch_execute(CONTRARY).await.expect("settings");
    before.db.batch_execute(WITNESSES).await.expect("triggers");
    // Sessions from before must not do anything.
    before.stop().await.expect("an orderly end");
    let server = before.second().await;
    let control = server.connect().await;
    let told = control.query_one("select current_setting('synchronous_commit') || current_setting('lock_timeout')", &[]).await;
    assert_eq!(told.expect("settings").get::<_, &str>(0), "off0", "the database was told otherwise");
    one_of_each(&server).await;

    let session = |statement: &str, lock: &str| {
        json!({
            "role": "rowlock_app", "synchronous_commit": "on", "transaction_isolation": "read committed", "jit": "off",
            "statement_timeout": statement, "lock_timeout": lock, "idle_in_transaction_session_timeout": "1min",
        })
    };
    for (doing, statement, lock) in [
        ("claim", "5s", "500ms"),
        ("payment", "5s", "500ms"),
        ("expiry", "5s", "100ms"),
        ("creation", "1min", "5s"),
        ("cancellation", "1min", "5s"),
    ] {
        assert_eq!(seen(&server, doing).await, session(statement, lock), "{doing}");
    }
    server.assert_invariants().await;
}

/// If the database is set to more durability than the server needs, it is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_asks_for_more_durability_is_obeyed() {
    let mut before = TestServer::builder().redis(RedisMode::Off).start().await;
    let more = "do $$ begin execute format('alter database %I set synchronous_commit = remote_apply', current_database()); end $$";
    before.db.batch_execute(more).await.expect("settings");
    before.db.batch_execute(WITNESSES).await.expect("triggers");
    before.stop().await.expect("an orderly end");
    let server = before.second().await;
    one_of_each(&server).await;
    for doing in ["claim", "payment", "expiry", "creation", "cancellation"] {
        assert_eq!(seen(&server, doing).await["synchronous_commit"], "remote_apply", "{doing}");
    }
}
