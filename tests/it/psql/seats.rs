//! Blocking seats from psql: lists, ranges, whole sections, in one call, during the sale.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use super::logins::{Logins, refusal};
use crate::harness::TestServer;
use crate::stored::{Ask, Session, server_without_expiry, unhurried, until_it_waits};

/// How long an operator may take to block 10,000 seats in one call during the sale.
const WHOLE_EVENT_MAX: Duration = Duration::from_secs(2);

async fn seats(server: &TestServer, event_id: i64, section_no: i32) -> String {
    server.ask(&format!("select statuses from rowlock.section_seats({event_id}, {section_no})")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_are_named_by_lists_ranges_and_sections() {
    let server = server_without_expiry().await;
    let logins = Logins::new(&server.database_url).await;
    let event = server.event(unhurried(&[("A", 1000, 12), ("B-2", 1000, 5), ("C", 1000, 3)])).await;
    let olivia = logins.connect("olivia").await;
    let change = async |verb: &str, seats: &str| {
        let sql = format!("select admin.{verb}_seats({}, $1, 'a test')", event.id);
        olivia.query_one(&sql, &[&seats]).await.map(|row| row.get::<_, i32>(0))
    };
    assert_eq!(change("block", "A 1-3 2 5\n 5-6 , B-2").await.expect("blocked"), 10);
    assert_eq!(seats(&server, event.id, 1).await, "bbbabbaaaaaa");
    assert_eq!(seats(&server, event.id, 2).await, "bbbbb");
    assert_eq!(seats(&server, event.id, 3).await, "aaa");
    assert_eq!(change("block", "B-2 5, A 12, C 1-1").await.expect("blocked"), 2, "one was blocked already");
    assert_eq!(change("unblock", "A, B-2, C").await.expect("on sale"), 12);
    assert_eq!(seats(&server, event.id, 1).await, "aaaaaaaaaaaa");
    for (wrong, state, detail) in [
        ("", "RL006", "seats: must name seats, for example A 1-20 35, B 5"),
        (" ", "RL006", "seats: has a comma with nothing before or after it"),
        ("A 1,", "RL006", "seats: has a comma with nothing before or after it"),
        ("A 1 - 3", "RL006", "seats: \"-\" is neither a seat number nor a range; write: A 1-20 35, B 5"),
        ("A -3", "RL006", "seats: \"-3\" is neither a seat number nor a range; write: A 1-20 35, B 5"),
        ("A 1;B", "RL006", "seats: \"1;B\" is neither a seat number nor a range; write: A 1-20 35, B 5"),
        ("A 99999999", "RL006", "seats: \"99999999\" is neither a seat number nor a range; write: A 1-20 35, B 5"),
        ("A 6-5", "RL006", "seats: \"6-5\" runs backwards: write the lower number first"),
        ("A 0", "RL003", "section A has seats 1 to 12, not 0"),
        ("A 1, C 2-4", "RL003", "section C has seats 1 to 3, not 2-4"),
        ("A 1, a 2", "RL002", &format!("event {} has no section \"a\"; it has A, B-2, C", event.id)),
    ] {
        let refused = refusal(change("block", wrong).await);
        assert_eq!(refused, (state.to_owned(), detail.to_owned()), "{wrong}");
    }
    let (state, detail) = refusal(olivia.batch_execute("select admin.block_seats(77, 'A', 'x')").await);
    assert_eq!((state.as_str(), detail.as_str()), ("RL001", "there is no event 77"));
    assert_eq!(seats(&server, event.id, 1).await, "aaaaaaaaaaaa");
    server.assert_invariants().await;
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_held_or_sold_in_any_section_refuse_the_whole_call() {
    let server = server_without_expiry().await;
    let logins = Logins::new(&server.database_url).await;
    let event = server.event(unhurried(&[("A", 1000, 10), ("B", 1000, 10)])).await;
    let alice = server.customer("alice");
    alice.claim_seats(&event, &[("A", 3), ("A", 4), ("A", 8), ("B", 1)]).await.expect(201);
    let sold = alice.claim_seats(&event, &[("B", 7)]).await.expect(201);
    server.gateway().pay(&sold).await.expect(200);
    let olivia = logins.connect("olivia").await;
    let before = server.trace().await;
    for verb in ["block", "unblock"] {
        let sql = format!("select admin.{verb}_seats({}, 'B, A', 'all of it')", event.id);
        let refused = refusal(olivia.batch_execute(&sql).await);
        assert_eq!(refused, ("RL008".to_owned(), "A 3-4 8, B 1 7".to_owned()));
    }
    assert_eq!(server.trace().await, before);
    logins.gone().await;
}

/// It locks every seat before it locks a section, so a transaction that holds a seat can still finish.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_a_seat_is_in_nobodys_way() {
    let server = server_without_expiry().await;
    let logins = Logins::new(&server.database_url).await;
    let event = server.event(unhurried(&[("A", 1000, 10), ("B", 1000, 10)])).await;
    let (slow, quick) = (Session::new(&server, &event).await, Session::new(&server, &event).await);
    slow.begin().await;
    slow.claim_one(Ask::seats("slow", &[(2, 1)])).await.order();
    let olivia = logins.connect("olivia").await;
    let pid: i32 = olivia.query_one("select pg_backend_pid()", &[]).await.expect("a process id").get(0);
    let sql = format!("select admin.block_seats({}, 'A 1-5, B 1-5', 'a test')", event.id);
    let blocking = tokio::spawn(async move { olivia.batch_execute(&sql).await });
    until_it_waits(&server, pid).await;
    let refused = quick.claim_one(Ask::seats("quick", &[(1, 5)])).await;
    assert_eq!(refused.outcome, "seat_taken", "nobody waits behind the operator");
    let order = quick.claim_one(Ask::seats("quick", &[(1, 6)])).await.order();
    assert_eq!(quick.cancel(order.order_id, "quick").await, Ok("cancelled".to_owned()), "the section is free");
    slow.commit().await;
    let refused = refusal(blocking.await.expect("no panic"));
    assert_eq!(refused, ("RL008".to_owned(), "B 1".to_owned()), "it judges what the seat has become");
    assert_eq!(seats(&server, event.id, 1).await, "aaaaaaaaaa");
    server.assert_invariants().await;
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_house_is_blocked_in_one_call_while_another_sells() {
    let server = server_without_expiry().await;
    let logins = Logins::new(&server.database_url).await;
    let codes = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"];
    let concert = server.event(unhurried(&codes.map(|code| (code, 1000, 1000)))).await;
    let sale = server.event(unhurried(&[("A", 1000, 5000)])).await;
    let session = Session::new(&server, &sale).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let told = stop.clone();
    let rush = tokio::spawn(async move {
        let mut sold = 0;
        while !told.is_cancelled() && sold < 5000 {
            let asks: Vec<Ask> = (1..=50).map(|seat| Ask::seats(&format!("buyer {}", sold + seat), &[(1, sold + seat)])).collect();
            for answer in session.claim(&asks).await {
                answer.order();
            }
            sold += 50;
        }
        sold
    });
    let olivia = logins.connect("olivia").await;
    let mut fastest = Duration::MAX;
    for verb in ["block", "unblock", "block"] {
        let begun = Instant::now();
        let sql = format!("select admin.{verb}_seats({}, '{}', 'the whole event')", concert.id, codes.join(", "));
        assert_eq!(olivia.query_one(&sql, &[]).await.expect("changed").get::<_, i32>(0), 10_000);
        fastest = fastest.min(begun.elapsed());
    }
    stop.cancel();
    assert!(rush.await.expect("no panic") > 0, "nothing was sold meanwhile");
    assert!(fastest < WHOLE_EVENT_MAX, "it took {} ms", fastest.as_millis());
    server.assert_invariants().await;
    logins.gone().await;
}
