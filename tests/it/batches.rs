//! How one batch serves its requests, called as a lane calls it: in order, first come first served, each independently.

mod lane;
mod locked;
mod recorded;
mod repeated;
mod whole;

use pretty_assertions::assert_eq;
use uuid::Uuid;

use crate::harness::{EventHandle, TestServer};
use crate::stored::{Ask, Claimed, Notice, Placed, Session, unhurried};

/// A server, an event of two sections of 20 seats with a limit for customers, and a session.
async fn concert(seats_per_customer: i32) -> (TestServer, EventHandle, Session) {
    let server = TestServer::start().await;
    let mut event = unhurried(&[("A", 1000, 20), ("B", 300, 20)]);
    event["seats_per_customer"] = seats_per_customer.into();
    let event = server.event(event).await;
    let session = Session::new(&server, &event).await;
    (server, event, session)
}

fn outcomes(answers: &[Claimed]) -> Vec<&str> {
    answers.iter().map(|answer| answer.outcome.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_leaves_its_other_seats_to_those_behind_it() {
    let (server, _, session) = concert(10).await;
    session.claim_one(Ask::seats("before", &[(1, 1)])).await.order();

    let batch = [
        Ask::seats("first", &[(1, 1), (1, 2)]),
        Ask::seats("second", &[(1, 2)]),
        Ask::seats("third", &[(1, 3), (1, 2)]),
        Ask::seats("fourth", &[(1, 3), (2, 3)]),
    ];
    let answers = session.claim(&batch).await;
    assert_eq!(outcomes(&answers), ["seat_taken", "claimed", "seat_taken", "claimed"]);
    assert_eq!(answers[0].taken, [(1, 1)], "only what was taken is to blame");
    assert_eq!(answers[2].taken, [(1, 2)], "the rival within the batch is to blame");
    assert_eq!(answers[0].order, None);
    assert_eq!(answers[3].order().seats, [(1, 3), (2, 3)]);
    assert_eq!(answers[3].order().amount_minor, 1300);
    assert_eq!(session.seats(1).await, "hhhaaaaaaaaaaaaaaaaa");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_the_rivals_in_a_batch_wins_whoever_they_are() {
    let (server, _, session) = concert(10).await;
    // Names and ids in the opposite order of the requests: neither may decide.
    let mut rivals: Vec<Ask> = (1..=50).rev().map(|number| Ask::seats(&format!("rival-{number:02}"), &[(1, 7)])).collect();
    let ids: Vec<Uuid> = rivals.iter().rev().map(|ask| ask.order_id).collect();
    rivals.iter_mut().zip(&ids).for_each(|(ask, id)| ask.order_id = *id);

    let answers = session.claim(&rivals).await;
    assert_eq!(answers[0].order().order_id, ids[0]);
    for answer in &answers[1..] {
        assert_eq!((answer.outcome.as_str(), answer.taken.as_slice()), ("seat_taken", &[(1, 7)][..]));
    }
    assert_eq!(server.ask::<String>("select customer_id from rowlock.orders").await, "rival-50");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customer_limit_holds_within_a_batch() {
    let (server, _, session) = concert(4).await;
    let batch = [
        Ask::seats("ann", &[(1, 1), (1, 2), (1, 3)]),
        Ask::seats("bob", &[(1, 3)]),
        Ask::seats("ann", &[(1, 4), (1, 5)]),
        Ask::seats("bob", &[(1, 4), (1, 5), (1, 6), (1, 7)]),
        Ask::seats("ann", &[(1, 8)]),
        Ask::seats("ann", &[(1, 9)]),
    ];
    let answers = session.claim(&batch).await;
    // Ann's second request is over her limit and reserves nothing; Bob's refused one does not count.
    assert_eq!(outcomes(&answers), ["claimed", "seat_taken", "customer_limit", "claimed", "claimed", "customer_limit"]);

    let batch = [Ask::best("cid", 2, 3), Ask::best("cid", 2, 2), Ask::best("cid", 2, 1), Ask::best("dan", 2, 5), Ask::best("ann", 2, 1)];
    let answers = session.claim(&batch).await;
    assert_eq!(outcomes(&answers), ["claimed", "customer_limit", "claimed", "customer_limit", "customer_limit"]);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_request_does_not_harm_the_others_of_its_batch() {
    let (server, _, session) = concert(200).await;
    let many: Vec<_> = (1..=101).map(|seat| (1, seat % 20 + 1)).collect();
    let batch = [
        Ask::seats("ann", &[(1, 1)]),
        Ask::seats("bob", &[]),
        Ask::seats("cid", &[(1, 2), (3, 1)]),
        Ask::seats("dan", &[(1, 2), (1, 21), (2, 0)]),
        Ask::seats("eve", &[(1, 3), (1, 3)]),
        Ask::seats("fay", &many),
        Ask::seats("gus", &[(1, 2), (1, 3)]),
    ];
    let answers = session.claim(&batch).await;
    let expected = ["claimed", "too_many_seats", "section_not_found", "seat_not_found", "duplicate_seat", "too_many_seats", "claimed"];
    assert_eq!(outcomes(&answers), expected);
    assert_eq!(answers[3].taken, [(1, 21), (2, 0)], "only the unknown seats are named");

    // However far apart the two are.
    for seats in [[1, 100], [2, 99], [51, 52]] {
        let mut many: Vec<_> = (1..=100).map(|seat| (1, seat)).collect();
        many[seats[1] - 1] = many[seats[0] - 1];
        assert_eq!(session.claim_one(Ask::seats("hal", &many)).await.outcome, "duplicate_seat", "{seats:?}");
    }

    let batch =
        [Ask::best("ann", 2, 0), Ask::best("bob", 3, 1), Ask::best("cid", 2, 101), Ask::best("dan", 2, 21), Ask::best("eve", 2, 20)];
    let answers = session.claim(&batch).await;
    assert_eq!(outcomes(&answers), ["too_many_seats", "section_not_found", "too_many_seats", "sold_out", "claimed"]);
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.orders").await, 3);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_searches_is_served_in_order_until_the_last_seat() {
    let (server, _, session) = concert(100).await;
    let quantities = [4, 3, 8, 2, 5, 3, 1];
    let batch: Vec<_> = quantities.iter().map(|quantity| Ask::best("ann", 1, *quantity)).collect();
    let answers = session.claim(&batch).await;
    // 4 + 3 + 8 + 2 leave 3 seats: five are too many, three are not, and then there is none.
    assert_eq!(outcomes(&answers), ["claimed", "claimed", "claimed", "claimed", "sold_out", "claimed", "sold_out"]);
    let seats = |index: usize| answers[index].order().seats.iter().map(|seat| seat.1).collect::<Vec<_>>();
    assert_eq!(seats(0), [1, 2, 3, 4]);
    assert_eq!(seats(1), [5, 6, 7]);
    assert_eq!(seats(2), [11, 12, 13, 14, 15, 16, 17, 18], "eight fit into the second row only");
    assert_eq!(seats(3), [8, 9]);
    assert_eq!(seats(5), [10, 19, 20], "what is left");
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stands_behind_a_request_that_must_wait_waits_and_is_not_refused() {
    let (server, _, session) = concert(4).await;
    session.block(1, &(5..=20).collect::<Vec<_>>()).await.unwrap();
    // A rival has locked the last four seats. Too few for the second, too many for its customer, a key used before: all of that is true
    // only if the first request gets its seats.
    let behind = [Ask::best("bob", 1, 3), Ask::best("ann", 1, 3), Ask::best("ann", 1, 2).keyed("k")];
    for (second, at_last) in behind.into_iter().zip(["sold_out", "customer_limit", "replayed"]) {
        let batch = [Ask::best("ann", 1, 2).keyed("k"), second];
        server.db.batch_execute("begin; select from rowlock.seats for update").await.unwrap();
        assert_eq!(outcomes(&session.claim(&batch).await), ["busy", "busy"]);
        server.db.batch_execute("rollback").await.unwrap();
        assert_eq!(outcomes(&session.claim(&batch).await), ["claimed", at_last]);
        session.cancel(batch[0].order_id, "ann").await.unwrap();
        server.db.batch_execute("update rowlock.orders set idempotency_key = null, fingerprint = null").await.unwrap();
    }
    server.assert_invariants().await;
}

/// The layout that a server keeps would have let the claim through.
#[tokio::test(flavor = "multi_thread")]
async fn claims_and_payments_of_a_draft_find_no_event() {
    let server = TestServer::start().await;
    let draft = server.draft(unhurried(&[("A", 1000, 20)])).await;
    let session = Session::new(&server, &draft).await;
    let before = server.trace().await;
    for ask in [Ask::seats("ann", &[(1, 1)]), Ask::best("ann", 1, 1)] {
        assert_eq!(outcomes(&session.claim(&[ask]).await), ["event_not_found"]);
    }
    let order = Placed { order_id: Uuid::now_v7(), status: String::new(), seats: Vec::new(), amount_minor: 1, window_ms: 0 };
    assert_eq!(session.settle(&[Notice::of(&order)]).await, ["event_not_found"]);
    assert_eq!(server.trace().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_of_one_batch_are_settled_in_the_order_they_came() {
    let (server, _, session) = concert(100).await;
    let mut orders = Vec::new();
    for seat in 1..=4 {
        orders.push(session.claim_one(Ask::seats("ann", &[(1, seat)])).await.order());
    }
    let paid = Notice::of(&orders[0]);
    let failed = Notice { succeeded: false, ..Notice::of(&orders[1]) };
    let unknown = Notice { order_id: Uuid::now_v7(), ..Notice::of(&orders[0]) };
    let batch = [
        paid.clone(),
        Notice::of(&orders[0]),
        paid.clone(),
        failed.clone(),
        Notice { succeeded: true, ..failed.clone() },
        Notice { amount_minor: 1, ..Notice::of(&orders[2]) },
        Notice::of(&orders[2]),
        unknown,
        Notice { order_id: orders[3].order_id, ..paid },
        Notice { currency: "EUR".to_owned(), ..Notice::of(&orders[3]) },
    ];
    let expected = [
        "paid",
        "refund_due", // the order has its money
        "duplicate",
        "failed_recorded",
        "paid",       // the same reference, this time with money
        "refund_due", // too little: the order waits on ...
        "paid",       // ... for the right payment
        "refund_due",
        "payment_conflict",
        "refund_due",
    ];
    assert_eq!(session.settle(&batch).await, expected);
    assert_eq!(session.seats(1).await, "ssshaaaaaaaaaaaaaaaa");
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.payments").await, 7, "a duplicate and a conflict leave no trace");
    server.assert_invariants().await;
}
