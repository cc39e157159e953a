//! Files for spreadsheets: nothing in them is executed, and numbers stay numbers.

use pretty_assertions::assert_eq;

use super::logins::Logins;
use crate::harness::{TestServer, event_json};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_a_spreadsheet_would_run_has_an_apostrophe_before_it() {
    let server = TestServer::start().await;
    let logins = Logins::new(&server.database_url).await;
    let olivia = logins.connect("olivia").await;
    let cases = [
        ("=1+1", "'=1+1"),
        ("+886 2", "'+886 2"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1+1", "'＝1+1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠A1", "'＠A1"),
        ("alice", "alice"),
        ("a=b", "a=b"),
        ("'=1", "'=1"),
        // Where the comma is the decimal mark, a spreadsheet splits here, and sees a quote as the beginning of a cell.
        ("a;=1+1", "a;'=1+1"),
        ("=1;-1;b;＠A1", "'=1;'-1;b;'＠A1"),
        ("a; =1;\"=1", "a;' =1;'\"=1"),
        ("a;b;", "a;b;"),
        ("12", "12"),
        ("", ""),
    ];
    for (text, expected) in cases {
        let found: String = olivia.query_one("select admin.csv_text($1)", &[&text]).await.expect("a text").get(0);
        assert_eq!(found, expected);
    }
    assert!(olivia.query_one("select admin.csv_text(null) is null", &[]).await.expect("an answer").get::<_, bool>(0));
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_export_of_a_sale_runs_nothing() {
    let server = TestServer::start().await;
    let logins = Logins::new(&server.database_url).await;
    let mut described = event_json(&[]);
    described["sections"] = json!([{"section": "-1", "name": "=A", "price_minor": 7, "rows": [{"row": "+1", "seats": 2}]}]);
    let event = server.event(described).await;
    let customer = "=HYPERLINK(\"https://example.com\",\"click\")";
    let order = server.customer(customer).claim_seats(&event, &[("-1", 2)]).await.expect(201);
    let mut notice = server.gateway().notice(&order);
    notice["provider"] = json!("@pay");
    notice["provider_reference"] = json!("-4711");
    assert_eq!(server.gateway().notify(notice).await.expect(200)["outcome"], "paid");

    let olivia = logins.connect("olivia").await;
    let sql = format!(
        "select section, row_label, seat, price_minor, currency, customer_id, provider, provider_reference from admin.sale_export({})",
        event.id
    );
    let row = olivia.query_one(&sql, &[]).await.expect("the seat");
    let texts: Vec<&str> = [0, 1, 4, 5, 6, 7].map(|column| row.get(column)).into();
    assert_eq!(texts, ["'-1", "'+1", "TWD", &format!("'{customer}"), "'@pay", "'-4711"]);
    assert_eq!((row.get::<_, i32>(2), row.get::<_, i64>(3)), (2, 7), "numbers are numbers");
    // The views show the actual values.
    let seats: String =
        olivia.query_one("select seats from admin.orders where customer = $1", &[&customer]).await.expect("the order").get(0);
    assert_eq!(seats, "-1 2");
    logins.gone().await;
}
