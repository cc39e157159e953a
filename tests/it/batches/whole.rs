//! A batch as a whole: the rows it leaves behind, and the form it must have.

use pretty_assertions::assert_eq;
use uuid::Uuid;

use super::{concert, outcomes};
use crate::harness::TestServer;
use crate::stored::{Ask, Session, unhurried};

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_without_rivals_and_one_with_rivals_write_the_same() {
    let (server, _, session) = concert(10).await;
    let written = async |orders: &[Uuid]| {
        let sql = "select string_agg(format('%s %s %s %s', o.section_nos, o.seat_nos, o.amount_minor, o.status), ', ' order by o.seat_nos)
                   from rowlock.orders o where o.order_id = any ($1)";
        server.db.query_one(sql, &[&orders]).await.unwrap().get::<_, String>(0)
    };
    let wishes: [&[(i32, i32)]; 3] = [&[(1, 1), (2, 1)], &[(1, 2)], &[(1, 3), (1, 4), (2, 3)]];
    let plain: Vec<Ask> = wishes.iter().enumerate().map(|(index, seats)| Ask::seats(&format!("c{index}"), seats)).collect();
    let answers = session.claim(&plain).await;
    let orders: Vec<_> = answers.iter().map(|answer| answer.order().order_id).collect();
    let first = written(&orders).await;
    assert_eq!(first, "{1,2} {1,1} 1300 pending_payment, {1} {2} 1000 pending_payment, {1,1,2} {3,4,3} 2300 pending_payment");
    for (answer, wish) in answers.iter().zip(wishes) {
        assert_eq!(answer.order().seats, wish, "answered as asked");
        assert_eq!(answer.order().window_ms, 3_600_000);
    }

    // The same requests ten seats further on, between two rivals for another seat, so that the batch has something to decide.
    let further = |seats: &[(i32, i32)]| seats.iter().map(|(section, seat)| (*section, seat + 10)).collect::<Vec<_>>();
    let mut contested = vec![Ask::seats("rival", &[(1, 20)])];
    contested.extend(wishes.iter().enumerate().map(|(index, seats)| Ask::seats(&format!("d{index}"), &further(seats))));
    contested.push(Ask::seats("late", &[(1, 20)]));
    let answers = session.claim(&contested).await;
    assert_eq!(outcomes(&answers), ["claimed", "claimed", "claimed", "claimed", "seat_taken"]);
    for (answer, wish) in answers[1..4].iter().zip(wishes) {
        assert_eq!((answer.order().seats, answer.order().status), (further(wish), "pending_payment".to_owned()));
    }
    let orders: Vec<_> = answers[1..4].iter().map(|answer| answer.order().order_id).collect();
    let second = written(&orders).await;
    assert_eq!(second, "{1,2} {11,11} 1300 pending_payment, {1} {12} 1000 pending_payment, {1,1,2} {13,14,13} 2300 pending_payment");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_that_are_not_in_the_order_of_their_requests_refuse_the_call() {
    let (server, event, _) = concert(10).await;
    for request_nos in ["{2,1}", "{1,3}", "{0,1}", "{1,2,1}", "{1,null}"] {
        let seats = request_nos.matches(',').count() + 1;
        let call = format!(
            "select * from rowlock.claim_seats(p_event_id => {}, p_order_ids => array[gen_random_uuid(), gen_random_uuid()],
                 p_customer_ids => '{{ann,bob}}', p_idempotency_keys => '{{null,null}}', p_fingerprints => '{{null,null}}',
                 p_request_nos => '{request_nos}', p_section_nos => array_fill(1, array[{seats}]),
                 p_seat_nos => array(select generate_series(1, {seats})))",
            event.id
        );
        let error = server.db.batch_execute(&call).await.expect_err(request_nos);
        assert_eq!(error.code().map(|code| code.code()), Some("RL006"), "{request_nos}: {error:?}");
    }
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.orders").await, 0);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_whose_locks_have_one_key_are_two_customers() {
    let (server, event, session) = concert(1).await;
    let twins = format!(
        "select array_agg('c' || n order by n) from generate_series(1, 400000) n
         group by hashtext('{}:c' || n) having count(*) > 1 limit 1",
        event.id
    );
    let twins: Vec<String> = server.ask(&twins).await;
    let batch =
        [Ask::seats(&twins[0], &[(1, 1)]).keyed("k"), Ask::seats(&twins[1], &[(1, 2)]).keyed("k"), Ask::seats(&twins[1], &[(1, 3)])];
    assert_eq!(outcomes(&session.claim(&batch).await), ["claimed", "claimed", "customer_limit"]);
    server.assert_invariants().await;
}

/// Such orders have one entry in the expiry queue, too, which finds them by that row.
#[tokio::test(flavor = "multi_thread")]
async fn searches_that_need_a_second_round_share_the_deadline_of_the_first() {
    let (server, _, session) = concert(10).await;
    server.db.batch_execute("begin; select from rowlock.seats where section_no = 1 and seat_no in (1, 2) for update").await.unwrap();
    let answers = session.claim(&[Ask::best("ann", 1, 2), Ask::best("bob", 1, 2)]).await;
    server.db.batch_execute("rollback").await.unwrap();
    // Bob has his from the first round; a rival had locked Ann's first choice.
    assert_eq!(answers[1].order().seats, [(1, 3), (1, 4)]);
    assert_eq!(answers[0].order().seats, [(1, 5), (1, 6)]);
    let listed = "select array_agg(cardinality(order_ids)::bigint) from rowlock.deadlines";
    assert_eq!(server.ask::<Vec<i64>>(listed).await, [2]);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_batch_keeps_its_deadline_in_one_row_and_seats_drop_their_fillers() {
    const FULL: i32 = 256;
    let server = TestServer::start().await;
    let event = server.event(unhurried(&[("A", 1000, 2 * FULL)])).await;
    let session = Session::new(&server, &event).await;
    let asks: Vec<Ask> = (1..=FULL).map(|seat| Ask::seats(&format!("customer-{seat}"), &[(1, seat)])).collect();
    assert!(session.claim(&asks).await.iter().all(|answer| answer.outcome == "claimed"));
    let rows = "select array_agg(cardinality(order_ids)) from rowlock.deadlines";
    assert_eq!(server.ask::<Vec<i32>>(rows).await, [FULL]);
    let aside = "select pg_relation_size(reltoastrelid) from pg_class where oid = 'rowlock.deadlines'::regclass";
    assert_eq!(server.ask::<i64>(aside).await, 0, "nothing is kept aside");
    assert_eq!(session.block(1, &[FULL + 1, FULL + 2]).await, Ok(2));
    let filled = "select count(*) from rowlock.seats where (filler is not null) <> (status = 'available')";
    assert_eq!(server.ask::<i64>(filled).await, 0);
}
