//! Best available among rivals: nobody is refused while there are seats.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use super::*;
use crate::harness::{Answer, Customer, eventually, rivals};

/// Claims one seat by its number, and another one as long as rivals are faster: finally every one.
async fn insist_on_a_seat(customer: Customer, event: EventHandle, capacity: i32, start: i32) -> i32 {
    for seat in (0..10 * capacity).map(|step| (start + 97 * step) % capacity + 1) {
        let answer = customer.claim_seats(&event, &[("A", seat)]).await;
        if answer.status == 201 {
            return seat;
        }
        answer.problem(409, "seat_taken");
    }
    panic!("{} was refused everywhere", customer.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_who_want_exactly_all_seats_all_get_their_seats() {
    let first = TestServer::start().await;
    let second = first.second().await;
    let event = first.event(unhurried(&[("A", 1000, 250)])).await;
    // 80 × (1 + 2 + 3 + 4) / 4 = 200 seats of the server's choice and 50 of the buyers': exactly as many as there are, so any "sold out"
    // is wrong.
    let servers = [&first, &second];
    let people: Vec<_> = (0..130).map(|index| servers[index % 2].customer(&format!("buyer-{index}"))).collect();
    let answers: Vec<Option<Answer>> = rivals(130, |index| {
        let (buyer, number) = (people[index].clone(), i32::try_from(index).unwrap());
        async move {
            if index < 80 {
                return Some(buyer.best_available(&event, "A", number / 2 % 4 + 1).await);
            }
            insist_on_a_seat(buyer, event, 250, number * 5).await;
            None
        }
    })
    .await;
    for (index, answer) in answers.iter().flatten().enumerate() {
        assert_eq!(seats(&answer.expect(201)).len(), index / 2 % 4 + 1);
    }
    let sql = "select (available, held)::text from rowlock.sections";
    assert_eq!(first.ask::<String>(sql).await, "(0,250)");

    let begun = Instant::now();
    let late = rivals(50, |index| {
        let buyer = people[index].clone();
        async move { buyer.best_available(&event, "A", 1).await }
    });
    late.await.iter().for_each(|answer| drop(answer.problem(409, "sold_out")));
    assert!(begun.elapsed() < Duration::from_secs(2), "sold out is said at once");
    first.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_refused_wanted_more_than_was_left() {
    let first = TestServer::start().await;
    let second = first.second().await;
    let event = first.event(unhurried(&[("A", 1000, 203)])).await;
    // 150 buyers want 375 seats, the larger orders first. No seat comes back, so at the end fewer are free than any refused buyer wanted.
    let servers = [&first, &second];
    let people: Vec<_> = (0..150).map(|index| servers[index % 2].customer(&format!("buyer-{index}"))).collect();
    let answers = rivals(150, |index| {
        let (buyer, quantity) = (people[index].clone(), i32::try_from(index / 2 % 4 + 1).unwrap());
        async move { (quantity, buyer.best_available(&event, "A", quantity).await) }
    })
    .await;
    let mut free = 203;
    for (quantity, answer) in &answers {
        if answer.status == 201 {
            free -= quantity;
        }
    }
    assert_eq!(i64::from(free), first.ask::<i64>("select available::bigint from rowlock.sections").await);
    for (quantity, answer) in answers.iter().filter(|(_, answer)| answer.status != 201) {
        answer.problem(409, "sold_out");
        assert!(*quantity > free, "{quantity} were refused, and {free} are free");
    }
    first.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_in_a_rivals_hands_are_passed_over_and_found_when_he_lets_go() {
    let server = TestServer::start().await;
    let event = server.event(unhurried(&[("A", 1000, 10)])).await;
    let session = Session::new(&server, &event).await;
    let lock_two = |first: i32| format!("begin; select from rowlock.seats where seat_no in ({first}, {first} + 1) for update");
    let found = async |quantity| session.claim_one(Ask::best("ann", 1, quantity)).await;

    server.db.batch_execute(&lock_two(1)).await.unwrap();
    let named = session.claim_one(Ask::seats("ann", &[(1, 1), (1, 2)])).await;
    assert_eq!(named.taken, [(1, 1), (1, 2)], "nobody waits for a named seat");
    assert_eq!(found(2).await.order().seats, [(1, 3), (1, 4)]);
    server.db.batch_execute("rollback").await.unwrap();
    assert_eq!(found(2).await.order().seats, [(1, 1), (1, 2)]);

    server.db.batch_execute(&lock_two(7)).await.unwrap();
    assert_eq!(found(4).await.order().seats.len(), 4);
    assert_eq!(found(2).await.outcome, "busy", "free seats are no reason to refuse");
    server.db.batch_execute("rollback").await.unwrap();
    assert_eq!(found(2).await.order().seats, [(1, 7), (1, 8)]);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_waits_a_moment_for_the_last_seats_in_a_rivals_hands() {
    let server = TestServer::start().await;
    let event = server.event(unhurried(&[("A", 1000, 2)])).await;
    server.db.batch_execute("begin; select from rowlock.seats for update").await.unwrap();
    let ann = server.customer("ann");
    let claim = tokio::spawn(async move { ann.best_available(&event, "A", 2).await });
    // Her claim is tried again and again, as the lane's count of batches shows.
    let asked_often = || async {
        let metrics = server.anyone().get("/metrics").await.text();
        let batches = metrics.lines().find_map(|line| line.strip_prefix("rowlock_batch_size_count{lane=\"claims\"} "));
        batches.is_some_and(|count| count.parse::<f64>().unwrap() >= 3.0)
    };
    eventually(Duration::from_millis(1500), asked_often).await;
    assert!(!claim.is_finished());
    server.db.batch_execute("rollback").await.unwrap();
    assert_eq!(seats(&claim.await.unwrap().expect(201)), [1, 2]);

    // A lock that is never released does not hold her up forever, and she is not told that there are no seats.
    let event = server.event(unhurried(&[("A", 1000, 2)])).await;
    server.db.batch_execute("begin; select from rowlock.seats for update").await.unwrap();
    let answer = server.customer("bob").best_available(&event, "A", 1).await;
    answer.problem(503, "overloaded");
    assert!(answer.header("retry-after").is_some());
    server.db.batch_execute("rollback").await.unwrap();
    server.customer("bob").best_available(&event, "A", 1).await.expect(201);
    server.assert_invariants().await;
}
