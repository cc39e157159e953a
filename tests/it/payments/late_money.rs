//! Money that arrives when the event is no longer on sale.

use pretty_assertions::assert_eq;

use super::outcome;
use crate::harness::TestServer;
use crate::stored::unhurried;

#[tokio::test(flavor = "multi_thread")]
async fn late_money_gets_no_seat_of_a_closed_event_and_still_gets_those_of_a_paused_one() {
    let server = TestServer::start().await;
    let (alice, gateway) = (server.customer("alice"), server.gateway());
    for (status, expected, ends_as, tickets) in [("paused", "late_reclaimed", "paid", 1), ("closed", "refund_due", "refund_due", 0)] {
        let event = server.event(unhurried(&[("A", 1000, 10)])).await;
        let late = alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
        let in_time = alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
        alice.cancel(&late).await.expect(200);
        server.set_status(&event, status).await;
        assert_eq!(outcome(&gateway.pay(&late).await), expected, "{status}");
        assert_eq!(alice.order(&late).await.expect(200)["status"], ends_as, "{status}");
        let count = format!("select count(*) from rowlock.tickets where event_id = {}", event.id);
        assert_eq!(server.ask::<i64>(&count).await, tickets, "{status}");
        // The buyer can still pay for what was held when the event stopped.
        assert_eq!(outcome(&gateway.pay(&in_time).await), "paid", "{status}");
        let owed = server.admin().get(&format!("/v1/admin/events/{}/refunds-due", event.id)).await.expect(200);
        assert_eq!(owed["refunds"].as_array().map(Vec::len), Some(usize::from(tickets == 0)), "{status}");
    }
    server.assert_invariants().await;
}
