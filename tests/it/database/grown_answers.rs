//! A newer version's functions answer with a column more and in other types while servers of the version before are at work: what these
//! have prepared is out of date, and a new connection serves them.

use std::time::Duration;

use pretty_assertions::assert_eq;

use crate::harness::{TestServer, eventually};
use crate::stored::unhurried;

/// Puts a function that answers a column more, and texts as another type, in the place of the one of that name. (Servers name the columns
/// that they read: a column more alone would not concern them.)
async fn grow(server: &TestServer, name: &str, answer: &str) {
    let sql = format!(
        "do $do$
         declare
             v_function  regprocedure := (select oid from pg_proc where pronamespace = 'rowlock'::regnamespace and proname = '{name}');
             v_arguments text := pg_get_function_identity_arguments(v_function);
             v_passed    text := (select string_agg('$' || n, ', ') from generate_series(1, (select pronargs from pg_proc where oid = v_function)) n);
             v_columns   text := (
                 select string_agg(format('%I %s', attname, replace(format_type(atttypid, null), 'text', 'varchar')), ', ' order by attnum)
                 from pg_attribute where attrelid = 'rowlock.{answer}'::regclass and attnum > 0
             );
         begin
             alter function rowlock.{name} rename to {name}_before;
             execute format('create function rowlock.{name}(%s) returns table (%s, grown text) language sql security definer as
                 $f$select a.*, ''news'' from rowlock.{name}_before(%s) a$f$', v_arguments, v_columns, v_passed);
             grant execute on function rowlock.{name} to rowlock_app;
         end
         $do$"
    );
    server.db.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_go_on_and_nobody_hears_of_it() {
    let server = TestServer::start().await;
    let event = server.event(unhurried(&[("A", 1000, 100)])).await;
    let alice = server.customer("alice");
    for seat in 1..=5 {
        alice.claim_seats(&event, &[("A", seat)]).await.expect(201);
    }
    grow(&server, "claim_seats", "claim_answer").await;
    for seat in 6..=10 {
        alice.claim_seats(&event, &[("A", seat)]).await.expect(201);
    }
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_are_served_after_a_moment() {
    // The connections of the pool take turns: more reads than it has connections prepare the statement on all that are open.
    const READS: usize = 16;
    let server = TestServer::start().await;
    let event = server.event(unhurried(&[("A", 1000, 100)])).await;
    let alice = server.customer("alice");
    let order = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    for _ in 0..READS {
        assert_eq!(alice.order(&order).await.expect(200), order);
    }
    grow(&server, "get_order", "order_row").await;
    eventually(Duration::from_secs(10), || async {
        let mut served = 0;
        for _ in 0..READS {
            let answer = alice.order(&order).await;
            assert!([200, 503].contains(&answer.status), "{}", answer.text());
            served += usize::from(answer.status == 200);
        }
        served == READS
    })
    .await;
}
