//! An expiry that PostgreSQL rolled back through no fault of the order's.

use pretty_assertions::assert_eq;

use super::*;
use crate::harness::RedisMode;

/// After a deadlock, a serialisation failure or a lock timeout the next sweep retries, and it does not count as an attempt.
#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_that_was_rolled_back_is_tried_again_and_counts_as_no_failure() {
    let server = TestServer::builder().redis(RedisMode::Off).arg("--expiry-attempts-max", 1).start().await;
    let event = brief_event(&server, 4).await;
    server
        .db
        .batch_execute(
            "create sequence public.attempts;
             create function public.fail_once() returns trigger language plpgsql security definer as $$ begin
                 if nextval('public.attempts') = 1 then
                     raise exception 'planted' using errcode = tg_argv[0];
                 end if;
                 return new;
             end $$",
        )
        .await
        .expect("a function");
    for (sqlstate, seat) in ["40P01", "40001", "55P03"].into_iter().zip(1..) {
        let plant = format!(
            "alter sequence public.attempts restart;
             create or replace trigger fail_once before update on rowlock.orders for each row when (new.status = 'expired')
             execute function public.fail_once('{sqlstate}')"
        );
        server.db.batch_execute(&plant).await.expect("a trigger");
        let order = server.customer("alice").claim_seats(&event, &[("A", seat)]).await.expect(201);
        let late_ms = expired_after_ms(&server, &order).await;
        assert!(late_ms < SWEPT_WITHIN_MS, "{late_ms} ms late after {sqlstate}");
        assert_eq!(server.ask::<i64>("select last_value from public.attempts").await, 2, "{sqlstate}");
    }
    assert_eq!(counter(&server, "rowlock_expiry_failures_total").await, 0);
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.expiry_failures").await, 0);
    server.assert_invariants().await;
}
