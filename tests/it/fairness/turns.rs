//! Whoever sends many requests at once waits for their own, and keeps nobody else waiting.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;

use crate::harness::{Abandoned, TestServer, eventually};
use crate::stored::unhurried;

/// What a server answers at once although nothing about orders can be read.
const AT_ONCE: Duration = Duration::from_millis(1500);
/// How many calls somebody's lock keeps waiting.
const WAITING: &str = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_takes_a_few_connections_of_the_pool_and_never_those_of_readiness() {
    let server = TestServer::builder().arg("--pool-size", 8).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    server.anyone().get(&event.path()).await.expect(200);
    let alice = server.customer("alice");
    let locker = server.connect().await;
    locker.batch_execute("begin; lock table rowlock.orders in access exclusive mode").await.expect("a lock");

    let lists = join_all((0..40).map(|_| alice.orders(&event)));
    let others = async {
        eventually(Duration::from_secs(10), || async { server.ask::<i64>(WAITING).await >= 4 }).await;
        for path in [event.at("sections/A/seats"), event.at("availability"), event.at("sections"), "/readyz".to_owned()] {
            let begun = Instant::now();
            server.anyone().get(&path).await.expect(200);
            assert!(begun.elapsed() < AT_ONCE, "{path}: {:?}", begun.elapsed());
        }
        // Of one customer's requests, four are in the pool; the sweep waits for the lock, too, for moments.
        eventually(Duration::from_secs(10), || async { server.ask::<i64>(WAITING).await == 4 }).await;
        locker.batch_execute("commit").await.expect("the end of the lock");
    };
    let (answers, ()) = tokio::join!(lists, others);
    // Nothing is lost: who waited too long for their own requests is told so.
    let codes: Vec<_> = answers.iter().map(|answer| (answer.status, answer.body.get("code").cloned())).collect();
    assert!(codes.contains(&(200, None)), "{codes:?}");
    for (status, code) in codes {
        let is_known = status == 200 || ["overloaded", "unavailable"].map(Value::from).map(Some).contains(&code);
        assert!(is_known, "{status} {code:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_hangs_up_again_and_again_takes_no_more_of_the_pool() {
    let server = TestServer::builder().arg("--pool-size", 8).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    server.anyone().get(&event.path()).await.expect(200);
    let locker = server.connect().await;
    locker.batch_execute("begin; lock table rowlock.orders in access exclusive mode").await.expect("a lock");
    let list = || Abandoned::list(&server, &event, "alice");
    let four = join_all([list(), list(), list(), list()]).await;
    eventually(Duration::from_secs(10), || async { server.ask::<i64>(WAITING).await == 4 }).await;
    join_all(four.into_iter().map(Abandoned::hang_up)).await;
    for _ in 0..5 {
        list().await.hang_up().await;
    }
    assert!(server.ask::<i64>(WAITING).await <= 4);
    let begun = Instant::now();
    server.anyone().get("/v1/events").await.expect(200);
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    locker.batch_execute("commit").await.expect("the end of the lock");
    server.customer("alice").orders(&event).await.expect(200);
}

/// As somebody does who sells for others, when a sale is called off.
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_gives_back_all_their_orders_at_once_and_is_refused_none() {
    const ORDERS: i32 = 200;
    /// Reads that wait, and reads that are too many.
    const READS: [usize; 2] = [64, 20];
    let server = TestServer::start().await;
    let event = server.event(unhurried(&[("A", 1000, ORDERS + 1)])).await;
    let (alice, bob) = (&server.customer("alice"), server.customer("bob"));
    let honest = bob.claim_seats(&event, &[("A", ORDERS + 1)]).await.expect(201);
    let orders = join_all((1..=ORDERS).map(|seat| async move { alice.claim_seats(&event, &[("A", seat)]).await.expect(201) })).await;
    let locker = server.connect().await;
    locker.batch_execute("begin; select from rowlock.orders where customer_id = 'alice' for update").await.expect("locks");

    let returns = join_all(orders.iter().map(|order| alice.cancel(order)));
    let others = async {
        eventually(Duration::from_secs(10), || async { server.ask::<i64>(WAITING).await >= 4 }).await;
        let begun = Instant::now();
        bob.order(&honest).await.expect(200);
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
        let mut reads: FuturesUnordered<_> = (0..READS[0] + READS[1]).map(|_| alice.orders(&event)).collect();
        for _ in 0..READS[1] {
            reads.next().await.expect("an answer").problem(503, "overloaded");
        }
        // Of one customer's requests, four are in the pool; the sweep waits for the lock, too, for moments.
        eventually(Duration::from_secs(10), || async { server.ask::<i64>(WAITING).await == 4 }).await;
        locker.batch_execute("commit").await.expect("the end of the locks");
        while let Some(answer) = reads.next().await {
            answer.expect(200);
        }
    };
    for answer in tokio::join!(returns, others).0 {
        assert_eq!(answer.expect(200)["status"], "cancelled");
    }
    server.assert_invariants().await;
}

/// Nor does a read that takes too long leave a call in PostgreSQL that nobody counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_whose_reads_take_too_long_is_told_so_and_takes_no_more_of_the_pool() {
    let server = TestServer::builder().arg("--pool-size", 8).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let alice = server.customer("alice");
    alice.orders(&event).await.expect(200);
    let locker = server.connect().await;
    locker.batch_execute("begin; lock table rowlock.orders in access exclusive mode").await.expect("a lock");
    let begun = Instant::now();
    let reading = format!("{WAITING} and query like '%list_orders%'");
    let four = || join_all((0..4).map(|_| alice.orders(&event)));
    for answer in four().await {
        answer.problem(503, "unavailable");
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let watched = async {
        let mut most = 0;
        for _ in 0..50 {
            most = most.max(server.ask::<i64>(&reading).await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        locker.batch_execute("commit").await.expect("the end of the lock");
        most
    };
    let (answers, most) = tokio::join!(four(), watched);
    assert_eq!(most, 4, "those of before are still in the pool");
    answers.into_iter().for_each(|answer| drop(answer.expect(200)));
}

/// Each section has a map of its own, and somebody may ask for all of them.
#[tokio::test(flavor = "multi_thread")]
async fn many_seat_maps_leave_most_of_the_pool_to_others() {
    const MAPS: u64 = 12;
    let server = TestServer::builder().arg("--pool-size", 8).start().await;
    let codes: Vec<_> = (0..=MAPS).map(|number| format!("S{number}")).collect();
    let sections: Vec<_> = codes.iter().map(|code| (code.as_str(), 1000, 10)).collect();
    let event = server.small_event(&sections).await;
    let (alice, anyone) = (server.customer("alice"), server.anyone());
    let map = |number| {
        let (anyone, path) = (&anyone, event.at(&format!("sections/S{number}/seats")));
        async move { anyone.get(&path).await }
    };
    map(0).await.expect(200);
    let locker = server.connect().await;
    locker.batch_execute("begin; lock table rowlock.seats in access exclusive mode").await.expect("a lock");

    let maps = join_all((1..=MAPS).map(map));
    let others = async {
        let read = "rowlock_cache_reads_total{cache=\"seats\",result=\"database\"}";
        eventually(Duration::from_secs(10), || async { server.metric(read).await > MAPS }).await;
        let seen = eventually(Duration::from_secs(10), || async { Some(server.ask::<i64>(WAITING).await).filter(|waiting| *waiting >= 2) });
        assert_eq!(seen.await, 2, "a quarter of the pool is for maps");
        let begun = Instant::now();
        alice.orders(&event).await.expect(200);
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
        locker.batch_execute("commit").await.expect("the end of the lock");
    };
    let (answers, ()) = tokio::join!(maps, others);
    for answer in answers.into_iter().filter(|answer| answer.status != 200) {
        answer.problem(503, "overloaded");
    }
}
