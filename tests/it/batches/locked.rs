//! One of a batch needs a lock that somebody holds: only that one waits, and is sent away in the end.

use pretty_assertions::assert_eq;

use crate::harness::{Answer, EventHandle, PATIENCE, Stops, TestServer, at_the_gate, build_gate, eventually, open_gate};
use crate::stored::{take_lock, unhurried};

const OTHERS: usize = 24;

/// A server whose only lane is in a call until the gate is opened, so that what comes meanwhile becomes one batch.
async fn scene() -> (TestServer, EventHandle) {
    let server = TestServer::start().await;
    let mut event = unhurried(&[("A", 1000, 100)]);
    event["seats_per_customer"] = 100.into();
    let event = server.event(event).await;
    (server, event)
}

/// Waits until so many requests are in the lanes.
async fn gathered(server: &TestServer, lane: &str, requests: usize) {
    let depth = format!("rowlock_lane_depth{{lane=\"{lane}\"}}");
    eventually(PATIENCE, || async { server.metric(&depth).await == requests as u64 }).await;
}

/// Sends requests one after the other into the closed lane, opens the gate, and returns their answers.
async fn in_one_batch<F>(server: &TestServer, lane: &str, send: impl Fn(usize) -> F) -> Vec<Answer>
where
    F: Future<Output = Answer> + Send + 'static,
{
    at_the_gate(&server.db).await;
    let mut sent = Vec::new();
    for index in 0..=OTHERS {
        sent.push(tokio::spawn(send(index)));
        gathered(server, lane, index + 2).await;
    }
    open_gate(&server.db).await;
    let mut answers = Vec::new();
    for answer in sent {
        answers.push(answer.await.expect("no panic"));
    }
    answers
}

/// The place of the one locked out in the batch.
const VICTIM: usize = 11;

/// All but the victim were served, in the order they came, and the victim was sent away.
fn assert_one_is_sent_away(answers: &mut Vec<Answer>, status: u16) {
    let victim = answers.remove(VICTIM);
    victim.problem(503, "overloaded");
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [status; OTHERS]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_of_one_customer_keeps_no_other_claim_of_its_batch_waiting() {
    let (server, event) = scene().await;
    let holder = server.connect().await;
    let hold = format!("begin; {}", take_lock(1, event.id, &format!("buyer-{VICTIM}"), true));
    holder.batch_execute(&hold).await.expect("its lock");
    build_gate(&server.db, "insert on rowlock.orders", "new.customer_id = 'slow'", Stops::First).await;
    let slow = server.customer("slow");
    let slow = tokio::spawn(async move { slow.best_available(&event, "A", 1).await });
    let mut answers = in_one_batch(&server, "claims", |index| {
        let buyer = server.customer(&format!("buyer-{index}"));
        async move { buyer.best_available(&event, "A", 1).await }
    })
    .await;
    slow.await.expect("no panic").expect(201);
    assert_one_is_sent_away(&mut answers, 201);
    let mut seats: Vec<_> = answers.iter().map(|answer| answer.body["created_at"].as_str().expect("a time").to_owned()).collect();
    assert!(seats.is_sorted(), "first come, first served: {seats:?}");
    seats.dedup();
    assert!(seats.len() < 10, "they were not in one batch: {seats:?}");
    holder.batch_execute("rollback").await.expect("released");
    server.customer(&format!("buyer-{VICTIM}")).best_available(&event, "A", 1).await.expect(201);
    // The calls wait as long as ever for the next lock.
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_of_one_order_keeps_no_other_payment_of_its_batch_waiting() {
    let (server, event) = scene().await;
    let mut orders = Vec::new();
    for index in 0..=OTHERS + 1 {
        orders.push(server.customer(&format!("buyer-{index}")).best_available(&event, "A", 1).await.expect(201));
    }
    let first = orders.remove(0);
    let holder = server.connect().await;
    let hold =
        format!("begin; select from rowlock.orders where order_id = '{}' for update", orders[VICTIM]["order_id"].as_str().expect("an id"));
    holder.batch_execute(&hold).await.expect("its lock");
    build_gate(&server.db, "insert on rowlock.payments", "true", Stops::First).await;
    let gateway = server.gateway();
    let slow = tokio::spawn(async move { gateway.pay(&first).await });
    let mut answers = in_one_batch(&server, "payments", |index| {
        let (gateway, order) = (server.gateway(), orders[index].clone());
        async move { gateway.pay(&order).await }
    })
    .await;
    slow.await.expect("no panic").expect(200);
    assert_one_is_sent_away(&mut answers, 200);
    assert!(answers.iter().all(|answer| answer.body["outcome"] == "paid"));
    holder.batch_execute("rollback").await.expect("released");
    assert_eq!(server.gateway().pay(&orders[VICTIM]).await.expect(200)["outcome"], "paid");
    server.assert_invariants().await;
}
