//! A customer's orders are read a page at a time, however many have ended.

use pretty_assertions::assert_eq;
use uuid::Uuid;

use crate::harness::TestServer;
use crate::stored::claim_first_seat;

const ENDED: i64 = 20_000;

/// A customer with that many ended orders, each kind in turn, and two live ones among them; other customers have as many.
async fn server_with_history() -> (TestServer, i64) {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let fill = format!(
        "insert into rowlock.orders (event_id, order_id, customer_id, status, section_nos, seat_nos, amount_minor, created_at, expires_at,
            ended_at)
        select {event}, ('01970000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
            case when n % 2 = 0 then 'alice' else 'other ' || n end,
            case when n in (8000, 30000) then 'pending_payment'
                else (array['expired', 'cancelled', 'cancelled', 'cancelled', 'refund_due', 'refunded'])[1 + n / 2 % 6] end::rowlock.order_status,
            '{{1}}', '{{1}}', 1000, now(), now() + interval '1 h', case when n not in (8000, 30000) then now() end
        from generate_series(1, {ENDED} * 2) as n;
        analyze rowlock.orders",
        event = event.id
    );
    server.db.batch_execute(&fill).await.expect("a history");
    (server, event.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_reads_few_orders_whatever_came_before() {
    let (server, event_id) = server_with_history().await;
    let reads = "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint from pg_stat_xact_user_tables where relname = 'orders'";
    let middle = "'01970000-0000-7000-8000-000000004e20'";
    for (status, after) in ["null", "'paid'", "'pending_payment'", "'expired'", "'cancelled'", "'refund_due'", "'refunded'"]
        .iter()
        .flat_map(|status| ["null", middle].map(|after| (status, after)))
    {
        server.db.batch_execute("begin").await.expect("a transaction");
        let before = server.ask::<i64>(reads).await;
        let sql = format!(
            "select count(*) from rowlock.list_orders(
                p_event_id => {event_id}, p_customer_id => 'alice', p_status => {status}, p_after_order_id => {after}, p_limit => 101)"
        );
        let found = server.ask::<i64>(&sql).await;
        let reads = server.ask::<i64>(reads).await - before;
        server.db.batch_execute("commit").await.expect("its end");
        assert!(reads <= 1_000, "{status} after {after}: {reads} orders were read for {found}");
    }
}

/// A claim looks at the last few orders of each kind; and at none, if the customer has none that ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_reads_few_orders_whatever_came_before() {
    let (server, event_id) = server_with_history().await;
    let reads = "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint from pg_stat_xact_user_tables where relname = 'orders'";
    for (customer, outcome, reads_max) in [("alice", "cooldown", 50), ("zoe", "claimed", 5)] {
        server.db.batch_execute("begin").await.expect("a transaction");
        let before = server.ask::<i64>(reads).await;
        let claim = format!("select outcome from {}", claim_first_seat(event_id, customer));
        assert_eq!(server.ask::<String>(&claim).await, outcome);
        let reads = server.ask::<i64>(reads).await - before;
        server.db.batch_execute("rollback").await.expect("its end");
        assert!(reads <= reads_max, "{customer}: {reads} orders were read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_together_are_all_orders_newest_first() {
    let (server, event_id) = server_with_history().await;
    let pages = |status: Option<&'static str>| {
        let server = &server;
        async move {
            let sql = "select order_id from rowlock.list_orders(
                p_event_id => $1, p_customer_id => 'alice', p_status => $2, p_after_order_id => $3, p_limit => 1000)";
            let (mut listed, mut after) = (Vec::<Uuid>::new(), None);
            loop {
                let page = server.db.query(sql, &[&event_id, &status, &after]).await.expect("a page");
                listed.extend(page.iter().map(|row| row.get::<_, Uuid>(0)));
                after = listed.last().copied();
                if page.len() < 1000 {
                    return listed;
                }
            }
        }
    };
    for status in [None, Some("pending_payment"), Some("expired"), Some("cancelled"), Some("refund_due"), Some("refunded"), Some("paid")] {
        let sql = "select order_id from rowlock.orders where customer_id = 'alice' and ($1::text is null or status::text = $1)
            order by order_id desc";
        let all: Vec<Uuid> = server.db.query(sql, &[&status]).await.expect("orders").iter().map(|row| row.get(0)).collect();
        assert_eq!(pages(status).await, all, "{status:?}");
    }
}
