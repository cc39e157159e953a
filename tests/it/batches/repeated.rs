//! Requests that are repeated: by their idempotency keys within a batch, or with the whole batch after a lost answer.

use pretty_assertions::assert_eq;

use super::{concert, outcomes};
use crate::stored::{Ask, Claimed};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_repeated_in_a_batch_makes_one_order() {
    let (server, _, session) = concert(10).await;
    let batch = [
        Ask::seats("ann", &[(1, 1)]).keyed("k"),
        Ask::seats("ann", &[(1, 1)]).keyed("k"),
        Ask::seats("ann", &[(1, 2)]).keyed("k"),
        Ask::seats("bob", &[(1, 2)]).keyed("k"),
        Ask::seats("ann", &[(1, 1)]).keyed("other"),
    ];
    let answers = session.claim(&batch).await;
    assert_eq!(outcomes(&answers), ["claimed", "replayed", "idempotency_key_reused", "claimed", "seat_taken"]);
    assert_eq!(answers[1].order, answers[0].order);
    assert_eq!(answers[3].order().order_id, batch[3].order_id, "a key belongs to its customer");

    let batch = [Ask::best("ann", 2, 2).keyed("b"), Ask::best("ann", 2, 2).keyed("b"), Ask::best("ann", 2, 3).keyed("b")];
    let answers = session.claim(&batch).await;
    assert_eq!(outcomes(&answers), ["claimed", "replayed", "idempotency_key_reused"]);
    assert_eq!(answers[1].order, answers[0].order);
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.orders").await, 3);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_request_was_refused_is_free_for_the_next() {
    let (server, _, session) = concert(10).await;
    let batch = [
        Ask::seats("bob", &[(1, 1)]),
        Ask::seats("ann", &[(1, 1)]).keyed("k"),
        Ask::seats("ann", &[(1, 2)]).keyed("k"),
        Ask::seats("ann", &[(1, 1)]).keyed("k"),
    ];
    let answers = session.claim(&batch).await;
    assert_eq!(outcomes(&answers), ["claimed", "seat_taken", "claimed", "idempotency_key_reused"]);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_sent_again_after_a_lost_answer_claims_nothing_more() {
    let (server, _, session) = concert(100).await;
    let seats = [Ask::seats("ann", &[(1, 1)]), Ask::seats("bob", &[(1, 1)]), Ask::seats("bob", &[(1, 2)]).keyed("k")];
    let searches = [Ask::best("ann", 2, 3), Ask::best("bob", 2, 2).keyed("b")];
    for (batch, again) in [(&seats[..], ["replayed", "seat_taken", "replayed"].as_slice()), (&searches[..], &["replayed", "replayed"])] {
        let first = session.claim(batch).await;
        let second = session.claim(batch).await;
        assert_eq!(outcomes(&second), again);
        let orders = |answers: &[Claimed]| answers.iter().map(|answer| answer.order.clone()).collect::<Vec<_>>();
        assert_eq!(orders(&second), orders(&first));
    }
    assert_eq!(server.ask::<i64>("select count(*) from rowlock.orders").await, 4);
    server.assert_invariants().await;
}

/// Ids of orders are the server's to choose. Were one ever to come twice, nobody may be answered somebody else's order.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_another_customers_order_is_not_answered_with_it() {
    let (server, _, session) = concert(100).await;
    let ann = session.claim_one(Ask::seats("ann", &[(1, 1)])).await.order();
    let before = server.trace().await;
    for ask in [Ask::seats("bob", &[(1, 1)]), Ask::seats("bob", &[(1, 2)]), Ask::best("bob", 1, 1)] {
        match session.try_claim(&[Ask { order_id: ann.order_id, ..ask }]).await {
            Ok(answers) => assert_eq!((outcomes(&answers), &answers[0].order), (vec!["seat_taken"], &None)),
            Err(error) => assert_eq!(error.code().map(|code| code.code()), Some("23505"), "{error:?}"),
        }
    }
    assert_eq!(server.trace().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn within_a_batch_the_key_decides_before_the_limit() {
    let (server, _, session) = concert(2).await;
    let seats = [
        Ask::seats("a", &[(1, 1)]).keyed("key"),
        Ask::seats("a", &[(1, 2), (1, 3), (1, 4)]).keyed("key"),
        Ask::seats("a", &[(1, 5), (1, 6)]).keyed("another key"),
    ];
    assert_eq!(outcomes(&session.claim(&seats).await), ["claimed", "idempotency_key_reused", "customer_limit"]);
    let best = [Ask::best("b", 2, 1).keyed("key"), Ask::best("b", 2, 3).keyed("key"), Ask::best("b", 2, 2).keyed("another key")];
    assert_eq!(outcomes(&session.claim(&best).await), ["claimed", "idempotency_key_reused", "customer_limit"]);
    server.assert_invariants().await;
}
