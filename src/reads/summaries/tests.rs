//! What is taken from Redis for a summary, and what is thrown away.

use std::collections::HashMap;

use super::*;
use crate::db::{Endpoint, SessionTimeouts};

fn layout() -> EventLayout {
    let section = |section_no, code: &str, name: &str| SectionLayout {
        section_no,
        code: code.into(),
        name: name.into(),
        price_minor: 1_000,
        capacity: 10,
        rows: Vec::new(),
    };
    let sections = vec![section(1, "A", "Floor \"A\""), section(2, "B", "Floor B")];
    EventLayout { event_id: 7, currency: "TWD".into(), sections, section_nos: HashMap::new(), is_public: true }
}

fn counts(available: i32) -> [SectionCount; 2] {
    [1, 2].map(|section_no| SectionCount { section_no, available, revision: 3 })
}

fn written() -> String {
    let (revision, json) = summary_json(&layout(), &counts(9)).unwrap();
    shared_text::written(KEY, revision, READ_AT, &json)
}

const KEY: &str = "rowlock:1:summary:7";
const READ_AT: OffsetDateTime = time::macros::datetime!(2026-12-01 20:00 UTC);
const READ_AT_MS: &str = " 1796155200000\n";

/// The counts that come with an event may have been read before those that are there.
#[tokio::test]
async fn what_comes_with_an_event_does_not_replace_a_summary() {
    let endpoint = Endpoint::new("postgres://nobody@127.0.0.1:1/nothing", None).unwrap();
    let db = Db::new(&endpoint, 1, SessionTimeouts::POOL).unwrap();
    let summaries = Summaries::new(db, RedisLink::off(), Arc::new(Metrics::new()), Duration::ZERO);
    for available in [9, 8] {
        summaries.put(&layout(), &counts(available), Instant::now()).await.unwrap();
    }
    let body = summaries.get(&layout()).await.unwrap().value.expect("a summary");
    let json = String::from_utf8(body.plain().to_vec()).unwrap();
    assert!(json.contains("\"available\":9") && !json.contains("\"available\":8"), "{json}");
}

#[test]
fn what_a_server_wrote_is_served_as_it_is() {
    let found = SharedText::read(KEY, written().as_bytes(), &layout()).expect("a summary");
    assert_eq!(found.json, written().split_once('\n').expect("two lines").1);
    assert_eq!(found.revision, 6);
}

/// A Redis that hangs carries a command out long after it was sent, and clocks differ.
#[test]
fn what_was_read_too_long_ago_or_in_the_future_has_no_age() {
    let found = SharedText::read(KEY, written().as_bytes(), &layout()).expect("a summary");
    let after = |ms| found.age(READ_AT + time::Duration::milliseconds(ms)).map(|age| age.as_millis());
    assert_eq!([0, 1, 120, 300].map(after), [Some(0), Some(1), Some(120), Some(300)]);
    assert_eq!([-1, -50].map(after), [Some(0); 2], "a clock that is a moment ahead");
    assert_eq!([301, 3_000, 86_400_000, -51, -3_000].map(after), [None; 5]);
}

#[tokio::test]
async fn the_age_of_what_is_in_redis_is_that_of_its_read() {
    let endpoint = Endpoint::new("postgres://nobody@127.0.0.1:1/nothing", None).unwrap();
    let db = Db::new(&endpoint, 1, SessionTimeouts::POOL).unwrap();
    let summaries = Summaries::new(db, RedisLink::off(), Arc::new(Metrics::new()), Duration::ZERO);
    let (revision, json) = summary_json(&layout(), &counts(9)).unwrap();
    let accepted = async |age: Duration| {
        let text = shared_text::written(KEY, revision, OffsetDateTime::now_utc() - age, &json);
        summaries.accepted(KEY, text.as_bytes(), &layout()).await
    };
    let age = Duration::from_millis(100);
    let before = Instant::now();
    let begun = accepted(age).await.expect("a summary").begun;
    // Milliseconds are cut off.
    assert!(begun + age + Duration::from_millis(2) > before && begun + age <= Instant::now(), "{:?}", before - begun);
    assert!(accepted(Duration::from_secs(3)).await.is_none());
}

/// Another server may be late to put there what it read before.
#[tokio::test]
async fn a_summary_older_than_what_was_seen_is_thrown_away() {
    let endpoint = Endpoint::new("postgres://nobody@127.0.0.1:1/nothing", None).unwrap();
    let db = Db::new(&endpoint, 1, SessionTimeouts::POOL).unwrap();
    let summaries = Summaries::new(db, RedisLink::off(), Arc::new(Metrics::new()), Duration::ZERO);
    let accepted = async |revision: i64| {
        let counts = counts(9).map(|count| SectionCount { revision: revision * (2 - i64::from(count.section_no)), ..count });
        let (revision, json) = summary_json(&layout(), &counts).unwrap();
        let text = shared_text::written(KEY, revision, OffsetDateTime::now_utc(), &json);
        summaries.accepted(KEY, text.as_bytes(), &layout()).await.is_some()
    };
    assert!(accepted(5).await && accepted(5).await && accepted(8).await, "the first, the same and a newer one");
    assert!(!accepted(7).await);
    // What comes from the database is true, even if the database was restored.
    let restored = counts(9).map(|count| SectionCount { revision: 1, ..count });
    summaries.put(&layout(), &restored, Instant::now()).await.unwrap();
    assert!(accepted(2).await && !accepted(1).await);
}

#[test]
fn a_section_that_the_event_does_not_have_is_a_fault() {
    let stranger = SectionCount { section_no: 3, available: 1, revision: 1 };
    let error = summary_json(&layout(), &[stranger]).unwrap_err();
    assert!(matches!(&error, DbError::Internal(cause) if cause == "the layout of event 7 has no section 3"), "{error:?}");
}

#[test]
fn what_no_server_wrote_for_the_event_is_thrown_away() {
    let good = written();
    let changed = |from: &str, to: &str| {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "there is no {from}");
        text
    };
    let rubbish = [
        String::new(),
        "\n".into(),
        format!("{KEY} 6{READ_AT_MS}"),
        format!("{KEY} 6{READ_AT_MS}null"),
        format!("{KEY} 6{READ_AT_MS}{{}}"),
        good.split_once('\n').expect("two lines").1.into(),
        good[..good.len() - 1].into(),
        format!("{good} "),
        changed(" 6 ", " 5 "),
        changed(" 6 ", " 06 "),
        changed(" 6 ", " "),
        changed(READ_AT_MS, "\n"),
        changed(READ_AT_MS, " \n"),
        changed(READ_AT_MS, " +1796155200000\n"),
        changed(READ_AT_MS, " now\n"),
        changed("rowlock:1:", "rowlock:2:"),
        changed(KEY, ""),
        changed("\"revision\":6", "\"revision\":5"),
        changed("\"event_id\":7", "\"event_id\":8"),
        changed("\"section\":\"A\"", "\"section\":\"C\""),
        changed("Floor B", "Floor C"),
        changed("1000", "1001"),
        changed("TWD", "EUR"),
        changed("\"capacity\":10", "\"capacity\":11"),
        changed("\"available\":9", "\"available\":11"),
        changed("\"available\":9", "\"available\":-1"),
        changed("\"available\":9", "\"available\":9.0"),
        changed("\"available\":9", "\"available\":9,\"available\":8"),
        changed("\"available\":9", "\"available\":9,\"sold\":1"),
        changed(",\"available\":9", ""),
        format!("{},{}", &good[..good.len() - 2], &good[good.find("{\"section").expect("a section")..]),
    ];
    for text in rubbish {
        assert!(SharedText::read(KEY, text.as_bytes(), &layout()).is_none(), "{text}");
    }
    assert!(SharedText::read(KEY, b"\xff\n{}", &layout()).is_none());
}
