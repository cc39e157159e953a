//! Best available: adjacent seats in a row, otherwise close together, and nobody is refused while there are seats.

mod rivals;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::harness::{EventHandle, TestServer};
use crate::stored::{Ask, Session, make_due, section_of_rows, server_without_expiry, unhurried, until_it_waits};

/// An event with one section A with rows of these lengths, in which all seats except `free` are blocked.
async fn rows_with_free_seats(server: &TestServer, rows: &[(&str, i32)], free: &[i32]) -> EventHandle {
    let mut event = unhurried(&[]);
    event["sections"] = json!([section_of_rows("A", rows)]);
    let event = server.event(event).await;
    let seats: i32 = rows.iter().map(|row| row.1).sum();
    let blocked: Vec<i32> = (1..=seats).filter(|seat| !free.contains(seat)).collect();
    if !blocked.is_empty() {
        block(server, &event, "block", &blocked).await;
    }
    event
}

async fn block(server: &TestServer, event: &EventHandle, verb: &str, seats: &[i32]) {
    let path = format!("/v1/admin/events/{}/sections/A/{verb}", event.id);
    let changed = server.admin().post(&path, &json!({"seats": seats})).await.expect(200);
    assert_eq!(changed["changed"], seats.len());
}

fn seats(order: &Value) -> Vec<i64> {
    order["seats"].as_array().expect("an order").iter().map(|seat| seat["seat"].as_i64().unwrap()).collect()
}

/// The seats that an event with only these seats left gives for this quantity.
async fn given(server: &TestServer, rows: &[(&str, i32)], free: &[i32], quantity: i32) -> Vec<i64> {
    let event = rows_with_free_seats(server, rows, free).await;
    seats(&server.customer("ann").best_available(&event, "A", quantity).await.expect(201))
}

const TWO_ROWS: [(&str, i32); 2] = [("1", 10), ("2", 10)];

#[tokio::test(flavor = "multi_thread")]
async fn seats_side_by_side_in_one_row_come_first_and_the_front_most_of_them() {
    let server = TestServer::start().await;
    let free = [1, 3, 4, 7, 8, 9, 12, 13, 14, 15];
    for (quantity, expected) in [(1, vec![1]), (2, vec![3, 4]), (3, vec![7, 8, 9]), (4, vec![12, 13, 14, 15])] {
        assert_eq!(given(&server, &TWO_ROWS, &free, quantity).await, expected);
    }
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_row_parts_seats_whose_numbers_follow_each_other() {
    let server = TestServer::start().await;
    assert_eq!(given(&server, &TWO_ROWS, &[9, 10, 11, 12, 16, 17, 18], 3).await, [16, 17, 18]);
    assert_eq!(given(&server, &TWO_ROWS, &[10, 11, 19, 20], 2).await, [19, 20]);
    // Rows of unequal lengths, as with an aisle: 3 | 2 | 5.
    let rows = [("1 left", 3), ("1 right", 2), ("2", 5)];
    assert_eq!(given(&server, &rows, &[2, 3, 4, 5, 6, 8, 9, 10], 3).await, [8, 9, 10]);
    assert_eq!(given(&server, &rows, &[3, 4, 5, 6], 2).await, [4, 5]);
    let event = rows_with_free_seats(&server, &rows, &(1..=10).collect::<Vec<_>>()).await;
    let order = server.customer("ann").best_available(&event, "A", 5).await.expect(201);
    assert_eq!(seats(&order), [6, 7, 8, 9, 10]);
    let labels: Vec<_> = order["seats"].as_array().unwrap().iter().map(|seat| &seat["row"]).collect();
    assert_eq!(labels, ["2"; 5]);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_seats_side_by_side_the_nearest_are_given_fewest_rows_first() {
    let server = TestServer::start().await;
    let free = [1, 5, 10, 11, 13];
    // 10 and 11 are in two rows; 11 and 13 are nearer than 1 and 5.
    assert_eq!(given(&server, &TWO_ROWS, &free, 2).await, [11, 13]);
    // Three in one row, however far apart, before 10, 11 and 13.
    assert_eq!(given(&server, &TWO_ROWS, &free, 3).await, [1, 5, 10]);
    assert_eq!(given(&server, &TWO_ROWS, &free, 4).await, [5, 10, 11, 13]);
    assert_eq!(given(&server, &TWO_ROWS, &free, 5).await, free.map(i64::from));
    // Of equally good ones, those nearest the front.
    assert_eq!(given(&server, &TWO_ROWS, &[2, 4, 6, 12, 14], 2).await, [2, 4]);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_is_left_is_sold_out_and_takes_nothing() {
    let server = TestServer::start().await;
    let event = rows_with_free_seats(&server, &TWO_ROWS, &[2, 9, 20]).await;
    let ann = server.customer("ann");
    ann.best_available(&event, "A", 4).await.problem(409, "sold_out");
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.orders").await, 0);
    assert_eq!(seats(&ann.best_available(&event, "A", 3).await.expect(201)), [2, 9, 20]);
    ann.best_available(&event, "A", 1).await.problem(409, "sold_out");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_that_come_back_are_found_again() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 40)])).await;
    let session = Session::new(&server, &event).await;
    let ann = server.customer("ann");
    let mut orders = Vec::new();
    for quantity in [1, 2, 3, 4].repeat(4) {
        orders.push(ann.best_available(&event, "A", quantity).await.expect(201));
    }
    ann.best_available(&event, "A", 1).await.problem(409, "sold_out");
    let id = |order: &Value| order["order_id"].as_str().unwrap().parse().unwrap();

    // Cancelled, expired, unblocked: the next claim finds each of them, wherever the search was.
    let four = orders.iter().filter(|order| seats(order).len() == 4).collect::<Vec<_>>();
    ann.cancel(four[2]).await.expect(200);
    assert_eq!(seats(&ann.best_available(&event, "A", 4).await.expect(201)), seats(four[2]));
    make_due(&server, id(four[0])).await;
    assert_eq!(session.expire(id(four[0])).await, "expired");
    assert_eq!(seats(&ann.best_available(&event, "A", 3).await.expect(201)), seats(four[0])[..3]);
    let last = i32::try_from(seats(four[0])[3]).unwrap();
    block(&server, &event, "block", &[last]).await;
    ann.best_available(&event, "A", 1).await.problem(409, "sold_out");
    block(&server, &event, "unblock", &[last]).await;
    assert_eq!(seats(&ann.best_available(&event, "A", 1).await.expect(201)), [i64::from(last)]);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_that_comes_back_makes_a_pair_with_a_free_one_before_it() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let ann = server.customer("ann");
    let second = ann.claim_seats(&event, &[("A", 2)]).await.expect(201);
    assert_eq!(seats(&ann.best_available(&event, "A", 2).await.expect(201)), [3, 4]);
    ann.cancel(&second).await.expect(200);
    assert_eq!(seats(&ann.best_available(&event, "A", 2).await.expect(201)), [1, 2]);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_that_come_back_during_a_search_are_found_by_the_next() {
    let server = server_without_expiry().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let (open, searching) = (Session::new(&server, &event).await, Session::new(&server, &event).await);
    let front = open.claim_one(Ask::best("ann", 1, 2)).await.order();
    open.begin().await;
    open.cancel(front.order_id, "ann").await.unwrap();
    // The search does not see the seats yet, and waits for the section's counts with what it has found.
    let pid = searching.pid;
    let search = tokio::spawn(async move { searching.claim_one(Ask::best("bob", 1, 2)).await.order() });
    until_it_waits(&server, pid).await;
    open.commit().await;
    assert_eq!(search.await.unwrap().seats, [(1, 3), (1, 4)]);
    assert_eq!(open.claim_one(Ask::best("cid", 1, 2)).await.order().seats, front.seats);
    server.assert_invariants().await;
}
