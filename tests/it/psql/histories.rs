//! The histories of seats and orders, composed on request.

use pretty_assertions::assert_eq;

use super::SALE;
use crate::harness::TestDatabase;
use tokio_postgres::Client;

/// The sale, with seats blocked through the API, too.
async fn sale() -> (TestDatabase, Client) {
    let database = TestDatabase::cloned().await;
    let db = database.connect().await;
    // The superuser plays the operator: who acted is tested elsewhere.
    let sale: String = SALE.lines().filter(|line| !line.contains("session authorization")).collect::<Vec<_>>().join("\n");
    db.batch_execute(&sale).await.unwrap_or_else(|error| panic!("{error:?}"));
    (database, db)
}

async fn lines(db: &Client, sql: &str) -> Vec<String> {
    db.query(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_remembers_who_held_it_who_had_it_and_why_that_ended() {
    let (_database, db) = sale().await;
    let why = async |section: &str, seat_no: i32| {
        let sql = format!(
            "select concat_ws(' ', seat_was, case when seat_was <> 'blocked' then who end, right(order_id::text, 1),
                 case when until_at is null then 'still' when until_at > from_at then 'then' else 'AT ONCE' end, why_it_ended)
             from admin.seat_history(1, '{section}', {seat_no})"
        );
        lines(&db, &sql).await
    };
    assert_eq!(why("A", 1).await, ["held ada 1 then paid", "sold ada 1 still not ended"]);
    assert_eq!(
        why("A", 3).await,
        ["held cleo 2 then expired; its money came too late", "held ben 3 then paid", "sold ben 3 still not ended"]
    );
    assert_eq!(why("A", 5).await, ["held finn 4 then cancelled"]);
    assert_eq!(why("A", 6).await, ["held hana 6 then expired, but paid late", "sold hana 6 still not ended"]);
    assert_eq!(why("B", 4).await, ["held gus 5 then expired"]);
    assert_eq!(why("A", 4).await, Vec::<String>::new(), "B 4 is another seat");
    assert!(why("B", 3).await[0].starts_with("held eve 7 still not ended: to be paid by 20"));
    assert_eq!(why("A", 19).await, ["blocked still blocked: for the press; not ended"]);
    let until = "select until_at = (select released_at from rowlock.late_orders where order_id = h.order_id)
        from admin.seat_history(1, 'A', 3) h limit 1";
    assert!(db.query_one(until, &[]).await.expect("an answer").get::<_, bool>(0), "not when the late money came");

    let unblock = "select rowlock.unblock_seats(p_event_id => 1, p_section_no => 1, p_first_seats => '{19}', p_last_seats => '{19}')";
    db.batch_execute(&format!("{unblock}; select admin.block_seats(1, 'A 19, B 3 10', 'again')")).await.expect_err("B 3 is held");
    // Actions are dated to the millisecond: one passes before seat 18 is unblocked, so that it was blocked for a while.
    db.batch_execute(&format!(
        "{unblock}; select admin.block_seats(1, 'A 18-19', 'again'); select pg_sleep(0.001);
         select admin.unblock_seats(1, 'A', 'x') where false; select admin.unblock_seats(1, 'A 18', 'one is enough');
         select admin.release_order(1, '01970000-0000-7000-8000-000000000007', 'eve called')"
    ))
    .await
    .expect("changed");
    let who: String = lines(&db, "select session_user::text").await.remove(0);
    assert_eq!(
        why("A", 19).await,
        [
            format!("blocked then blocked: for the press; unblocked by {who}: through the API"),
            "blocked still blocked: again; not ended".to_owned()
        ]
    );
    assert_eq!(why("A", 18).await, [format!("blocked then blocked: again; unblocked by {who}: one is enough")]);
    assert_eq!(why("B", 3).await, [format!("held eve 7 then released by {who}: eve called")]);
}

/// Seats and sections of an order are two parallel lists: an order for A 5 and B 6 is not one for A 6.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_over_two_sections_is_in_the_history_of_its_own_seats_only() {
    let (_database, db) = sale().await;
    db.batch_execute(
        "select rowlock.claim_seats(p_event_id => 1, p_order_ids => array[gen_random_uuid()], p_customer_ids => '{ivan}',
            p_idempotency_keys => '{null}', p_fingerprints => '{null}', p_request_nos => '{1,1}', p_section_nos => '{1,2}',
            p_seat_nos => '{7,8}')",
    )
    .await
    .expect("claimed");
    for (section, seat_no, expected) in [("A", 7, 1), ("B", 8, 1), ("A", 8, 0), ("B", 7, 0)] {
        let sql = format!("select count(*) from admin.seat_history(1, '{section}', {seat_no}) where who = 'ivan'");
        assert_eq!(db.query_one(&sql, &[]).await.expect("a count").get::<_, i64>(0), expected, "{section} {seat_no}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_tells_its_story_in_order() {
    let (_database, db) = sale().await;
    let story = async |order_no: i32| {
        let sql = format!(
            "select what || ': ' || regexp_replace(detail, ', to be paid by .*', '')
             from admin.order_timeline('01970000-0000-7000-8000-00000000000{order_no}')"
        );
        lines(&db, &sql).await
    };
    assert_eq!(
        story(1).await,
        [
            "claimed: A 1-2 for ada, 560000 in minor units",
            "payment succeeded: 560000 TWD from cardpay, ch_1001: paid",
            "paid: seats sold, tickets issued",
            "payment succeeded: 560000 TWD from cardpay, ch_1002: refund_due",
        ]
    );
    assert_eq!(
        story(2).await,
        [
            "claimed: A 3 for cleo, 280000 in minor units",
            "expired: seats on sale again",
            "payment succeeded: 280000 TWD from walletpay, w-78: refund_due",
            "refund_due: the money came too late",
        ]
    );
    assert_eq!(
        story(4).await,
        [
            "claimed: A 5 for finn, 280000 in minor units",
            "payment failed: 280000 TWD from cardpay, ch_1003: failed_recorded",
            "cancelled: seats on sale again",
        ]
    );
    assert_eq!(
        story(6).await,
        [
            "claimed: A 6 for hana, 280000 in minor units",
            "expired: seats on sale again",
            "payment succeeded: 280000 TWD from cardpay, ch_1005: late_reclaimed",
            "paid: seats sold, tickets issued",
            "payment reversed: 280000 TWD by cardpay, ch_1005",
        ]
    );
    assert_eq!(story(7).await[1..], ["dead letter: 1 attempts: the disk is full"]);
    assert_eq!(story(8).await.len(), 1);
    let refund = "select admin.mark_refunded(
        p_event_id => 1, p_provider => 'cardpay', p_provider_reference => 'ch_1004', p_reason => 'gus was told')";
    db.batch_execute(refund).await.expect("refunded");
    let gus = story(5).await;
    assert_eq!(
        gus[1..4],
        [
            "payment succeeded: 1500 TWD from cardpay, ch_1004: refund_due",
            "expired: seats on sale again",
            "refunded: 1500 TWD through cardpay, ch_1004",
        ]
    );
    assert!(gus[4].starts_with("admin.mark_refunded: by ") && gus[4].ends_with(": gus was told"), "{gus:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_export_has_a_line_for_each_ticket_with_its_buyer_and_payment() {
    let (_database, db) = sale().await;
    let sql = "select concat_ws(' ', section, row_label, seat, price_minor, currency, customer_id, provider, provider_reference,
                   case when reversed_at > paid_at then 'reversed' end, right(order_id::text, 1), paid_at = (select issued_at from rowlock.tickets t where t.order_id = x.order_id limit 1))
               from admin.sale_export(1) x";
    assert_eq!(
        lines(&db, sql).await,
        [
            "A 1 1 280000 TWD ada cardpay ch_1001 1 t",
            "A 1 2 280000 TWD ada cardpay ch_1001 1 t",
            "A 1 3 280000 TWD ben walletpay w-77 3 t",
            "A 1 6 280000 TWD hana cardpay ch_1005 reversed 6 t",
        ]
    );
}
