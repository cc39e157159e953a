//! The stored functions that stand in for the real ones while a load is measured: each does its part and no more, and leaves nothing.

use pretty_assertions::assert_eq;
use rowlock::bench::stand_ins::{self, Part};
use serde_json::json;

use crate::harness::TestServer;

/// The two functions as they are, with who may call them.
const FUNCTIONS: &str = "select string_agg(pg_get_functiondef(p.oid) || p.proacl::text || p.proowner::regrole, ' ' order by p.proname)
                           from pg_proc p where p.proname in ('claim_seats', 'settle_payments')";
/// Orders, paid orders, payments, held and sold seats, tickets, deadlines, seats counted as available.
const ROWS: &str = "select format('%s %s %s %s %s %s %s %s', (select count(*) from rowlock.orders),
                           (select count(*) from rowlock.orders where status = 'paid'), (select count(*) from rowlock.payments),
                           (select count(*) from rowlock.seats where status = 'held'),
                           (select count(*) from rowlock.seats where status = 'sold'), (select count(*) from rowlock.tickets),
                           (select count(*) from rowlock.deadlines), (select sum(available) from rowlock.sections))";

#[tokio::test(flavor = "multi_thread")]
async fn each_part_is_done_and_no_more_and_then_the_real_functions_are_back() {
    let rows = [
        (Part::Asked, "0 0 0 0 0 0 0 10", "0 0 0 0 0 0 0 10"),
        (Part::Written, "1 0 0 0 0 0 0 10", "1 1 1 0 0 0 0 10"),
        (Part::Held, "1 0 0 1 0 0 0 10", "1 1 1 0 1 1 0 10"),
        (Part::Whole, "1 0 0 1 0 0 1 9", "1 1 1 0 1 1 1 9"),
    ];
    for (part, claimed, paid) in rows {
        let server = TestServer::start().await;
        let event = server.small_event(&[("A", 280_000, 10)]).await;
        let alice = server.customer("alice");
        let before: String = server.ask(FUNCTIONS).await;
        let originals = stand_ins::put_in(&server.db, part).await.expect("a stand-in");
        assert_eq!(server.ask::<String>(FUNCTIONS).await == before, part == Part::Whole, "{part:?}");

        let seat = json!({"seats": [{"section": "A", "seat": 7}]});
        let order = alice.claim_once(&event, "key", seat).await.expect(201);
        assert_eq!((&order["seats"][0]["seat"], &order["amount_minor"]), (&json!(7), &json!(280_000)), "{part:?}");
        assert_eq!(server.ask::<String>(ROWS).await, claimed, "{part:?}: after the claim");
        assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid", "{part:?}");
        assert_eq!(server.ask::<String>(ROWS).await, paid, "{part:?}: after the payment");

        originals.put_back(&server.db).await.expect("the real functions");
        assert_eq!(server.ask::<String>(FUNCTIONS).await, before, "{part:?}");
        let order = alice.claim_seats(&event, &[("A", 3)]).await.expect(201);
        assert_eq!(server.gateway().pay(&order).await.expect(200)["outcome"], "paid", "{part:?}: by the real functions");
    }
}
