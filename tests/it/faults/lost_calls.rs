//! Calls that PostgreSQL did not carry out, or whose answer was lost: repeated if that is safe, and not forever.

use std::process::Command;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use super::ledger::SECTIONS;
use super::own_cluster::OnOwnCluster;
use crate::harness::{HOLD_CLAIMS, PATIENCE, Stops, TestServer, at_the_gate, build_gate, eventually};
use crate::stored::unhurried;

/// A process that is stopped until this is dropped, and cannot even die.
struct Frozen(i32);

impl Frozen {
    fn process(pid: i32) -> Self {
        signal(pid, "STOP");
        Self(pid)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal(self.0, "CONT");
    }
}

fn signal(pid: i32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().expect("kill runs");
    assert!(sent.success(), "nobody to send SIG{name} to");
}

/// The backend of a broken connection may still commit its call: until it has ended, nobody knows the outcome, and the claim must not be
/// repeated.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_call_is_not_repeated_before_its_backend_is_gone() {
    let Some(stack) = OnOwnCluster::start().await else { return };
    let event = stack.event(SECTIONS).await;
    let db = stack.db().await;
    build_gate(&db, "insert on rowlock.orders", "true", Stops::First).await;
    let alice = stack.server.customer("alice");
    let claim = tokio::spawn(async move { alice.claim_seats(&event, &[("A", 1)]).await });
    let frozen = Frozen::process(at_the_gate(&db).await);
    stack.network.cut();
    let is_awaited = "select exists (select from pg_stat_activity where wait_event = 'BackendTermination')";
    let is_awaited = || async { db.query_one(is_awaited, &[]).await.expect("the sessions").get::<_, bool>(0) };
    eventually(Duration::from_secs(5), is_awaited).await;
    claim.await.expect("no panic").problem(503, "outcome_unknown");
    drop(frozen);
    // The backend was told to end as soon as it could. Alice is gone, so nobody does it for her: the seat is free.
    let bob = stack.server.customer("bob");
    eventually(PATIENCE, || async { bob.claim_seats(&event, &[("A", 1)]).await.status == 201 }).await;
    let orders = "select count(*) from rowlock.orders where customer_id = 'alice'";
    assert_eq!(db.query_one(orders, &[]).await.expect("a count").get::<_, i64>(0), 0);
    stack.end().await;
}

/// One connection falls silent, and all others work: its call is looked up about as soon as if PostgreSQL were silent.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_answer_gets_stuck_is_looked_up_soon() {
    let Some(stack) = OnOwnCluster::start().await else { return };
    let (event, other) = (stack.event(SECTIONS).await, stack.event(SECTIONS).await);
    let (alice, bob) = (stack.server.customer("alice"), stack.server.customer("bob"));
    bob.claim_seats(&other, &[("A", 1)]).await.expect(201);
    stack.network.one_gets_stuck();
    let begun = Instant::now();
    let claim = tokio::spawn(async move { (alice.claim_seats(&event, &[("A", 1)]).await, begun.elapsed()) });
    // Meanwhile, the lane's other worker is answered.
    while !claim.is_finished() {
        bob.claim_seats(&other, &[("A", 1)]).await.problem(409, "seat_taken");
    }
    let (answer, told_after) = claim.await.expect("no panic");
    answer.expect(201);
    assert!((2..6).contains(&told_after.as_secs()), "told after {told_after:?}");
    stack.end().await;
}

/// Nor is a call that takes long taken for one that is stuck, such as while commits wait for a standby.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_long_is_left_alone() {
    let Some(stack) = OnOwnCluster::start().await else { return };
    let event = stack.event(SECTIONS).await;
    let db = stack.db().await;
    db.batch_execute(
        "create sequence public.calls;
         create function public.slow() returns trigger language plpgsql security definer as
             'begin perform nextval(''public.calls''), pg_sleep(4); return new; end';
         create trigger slow before insert on rowlock.orders for each statement execute function public.slow()",
    )
    .await
    .expect("a trigger");
    let answer = stack.server.customer("alice").claim_seats(&event, &[("A", 1)]).await;
    assert!(matches!(answer.status, 201 | 503), "{answer:?}");
    let count = async |sql: &str| db.query_one(sql, &[]).await.expect("a count").get::<_, i64>(0);
    eventually(PATIENCE, || async { count("select count(*) from rowlock.orders").await == 1 }).await;
    assert_eq!(count("select last_value from public.calls").await, 1, "it was ended and made again");
    stack.end().await;
}

/// Makes the first statement that inserts into a table fail with the given SQLSTATE.
const FAILING: &str = "
    create sequence public.attempts;
    create function public.fail_once() returns trigger language plpgsql security definer as $$ begin
        if nextval('public.attempts') = 1 then
            raise exception 'planted' using errcode = tg_argv[0];
        end if;
        return new;
    end $$";

async fn fails_once(server: &TestServer, table: &str, sqlstate: &str) {
    let sql = format!(
        "alter sequence public.attempts restart;
         create or replace trigger fail_once before insert on rowlock.{table} for each statement execute function public.fail_once('{sqlstate}')"
    );
    server.db.batch_execute(&sql).await.expect("a trigger");
}

/// A deadlock, a serialisation failure, a lock or statement timeout, memory that ran out, a primary that became a standby: rolled back
/// through no fault of the caller.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_postgresql_rolled_back_is_repeated_and_nobody_hears_of_it() {
    let server = TestServer::start().await;
    let event = server.event(unhurried(&[("A", 1000, 100)])).await;
    server.db.batch_execute(FAILING).await.expect("a function");
    for (sqlstate, seat) in ["40P01", "40001", "55P03", "57014", "53200", "25006"].into_iter().zip(1..) {
        fails_once(&server, "orders", sqlstate).await;
        let claim = server.customer("alice").claim_seats(&event, &[("A", seat)]).await;
        assert_eq!(claim.status, 201, "a claim after {sqlstate}: {}", claim.text());
        assert_eq!(server.ask::<i64>("select last_value from public.attempts").await, 2, "{sqlstate}");
        fails_once(&server, "payments", sqlstate).await;
        let payment = server.gateway().pay(&claim.body).await;
        assert_eq!(payment.status, 200, "a payment after {sqlstate}: {}", payment.text());
        assert_eq!(payment.body["outcome"], "paid");
        assert_eq!(server.ask::<i64>("select last_value from public.attempts").await, 2, "{sqlstate}");
    }
    server.assert_invariants().await;
}

/// A standby, or a database that is read-only by default: each new connection is as useless as the last one.
#[tokio::test(flavor = "multi_thread")]
async fn while_postgresql_takes_no_writes_callers_are_told_in_time_and_few_connections_are_tried() {
    let server = TestServer::start().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let read_only = "create function public.read_only() returns trigger language plpgsql as $$
        begin
            raise exception 'planted' using errcode = '25006';
        end $$;
        create trigger read_only before insert on rowlock.orders for each statement execute function public.read_only();
        create trigger read_only before insert on rowlock.payments for each statement execute function public.read_only()";
    server.db.batch_execute(read_only).await.expect("triggers");
    let sessions = "select sessions from pg_stat_database where datname = current_database()";
    let (before, begun) = (server.ask::<i64>(sessions).await, Instant::now());
    let (bob, gateway) = (server.customer("bob"), server.gateway());
    let (claim, payment) = tokio::join!(bob.claim_seats(&event, &[("A", 2)]), gateway.pay(&order));
    claim.problem(503, "unavailable");
    payment.problem(503, "unavailable");
    assert!(begun.elapsed() < Duration::from_secs(4), "it took {} ms", begun.elapsed().as_millis());
    let tried = server.ask::<i64>(sessions).await - before;
    assert!(tried <= 60, "{tried} connections");

    server.db.batch_execute("drop function public.read_only() cascade").await.expect("writes");
    bob.claim_seats(&event, &[("A", 2)]).await.expect(201);
    assert_eq!(gateway.pay(&order).await.expect(200)["outcome"], "paid");
    server.assert_invariants().await;
}

/// An error that is not one of PostgreSQL's own rollbacks would only occur again.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_failed_by_a_fault_of_ours_is_not_repeated() {
    let server = TestServer::start().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    server.db.batch_execute(FAILING).await.expect("a function");
    fails_once(&server, "orders", "23505").await;
    server.customer("alice").claim_seats(&event, &[("A", 1)]).await.problem(500, "internal_error");
    assert_eq!(server.ask::<i64>("select last_value from public.attempts").await, 1);
    server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    server.assert_invariants().await;
}

/// A lock is retried for two seconds: first on rows that a search skips, then on a table that a claim has to wait for.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_rivals_locks_keep_from_its_seats_is_sent_away_after_two_seconds() {
    let server = TestServer::start().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let alice = server.customer("alice");
    alice.best_available(&event, "A", 1).await.expect(201);
    for lock in ["begin; select from rowlock.seats for update", HOLD_CLAIMS] {
        server.db.batch_execute(lock).await.expect("its lock");
        let begun = Instant::now();
        let answer = alice.best_available(&event, "A", 1).await;
        let told_after = begun.elapsed();
        server.db.batch_execute("commit").await.expect("released");
        answer.problem(503, "overloaded");
        assert_eq!(answer.header("retry-after"), Some("1"), "{lock}");
        let expected = Duration::from_secs(2)..Duration::from_millis(3_500);
        assert!(expected.contains(&told_after), "{lock}: after {} ms", told_after.as_millis());
        alice.best_available(&event, "A", 1).await.expect(201);
    }
    server.assert_invariants().await;
}
