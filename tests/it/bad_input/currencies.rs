//! Currencies: events are sold in those that people pay in, and money in any is recorded.

use pretty_assertions::assert_eq;
use rowlock::types::currency::IN_USE;
use serde_json::json;

use super::both_ways::{both_ways, event};
use crate::harness::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn events_are_sold_in_currencies_that_people_pay_in() {
    const UNKNOWN: Option<&str> = Some("must be the ISO 4217 code of a currency in use, for example TWD");
    let server = TestServer::start().await;
    let cases = [
        ("TWD", None),
        ("EUR", None),
        ("JPY", None),
        ("XOF", None),
        ("XXX", UNKNOWN),
        ("XTS", UNKNOWN),
        ("XAU", UNKNOWN),
        ("CHE", UNKNOWN),
        ("HRK", UNKNOWN),
        ("DEM", UNKNOWN),
        ("QQQ", UNKNOWN),
        ("twd", UNKNOWN),
        ("TWDX", UNKNOWN),
        ("", UNKNOWN),
    ];
    for (currency, expected) in cases {
        let mut event = event();
        event["currency"] = json!(currency);
        both_ways(&server, &event, ("currency", "currency"), expected).await;
    }
    let sql = "select array_agg(code order by code collate \"C\") from (
        select chr(a) || chr(b) || chr(c) as code
        from generate_series(65, 90) as a, generate_series(65, 90) as b, generate_series(65, 90) as c) as codes
        where rowlock._is_currency(code)";
    assert_eq!(server.ask::<Vec<String>>(sql).await, *IN_USE);
}

/// Money has arrived, whatever its currency is called: it is owed back, never refused.
#[tokio::test(flavor = "multi_thread")]
async fn money_in_any_currency_is_recorded() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let gateway = server.gateway();
    for currency in ["EUR", "HRK", "XXX", "QQQ"] {
        let mut notice = gateway.notice(&order);
        notice["currency"] = json!(currency);
        assert_eq!(gateway.notify(notice).await.expect(200)["outcome"], "refund_due", "{currency}");
    }
    let due =
        server.ask::<Vec<String>>("select array_agg(currency order by currency) from rowlock.payments where outcome = 'refund_due'").await;
    assert_eq!(due, ["EUR", "HRK", "QQQ", "XXX"]);
    server.assert_invariants().await;
}
