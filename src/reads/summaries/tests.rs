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
    format!("{KEY} {revision}\n{json}")
}

const KEY: &str = "rowlock:1:summary:7";

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
    let (revision, body) = summary_of_shared(KEY, written().as_bytes(), &layout()).expect("a summary");
    assert_eq!(body, written().split_once('\n').expect("two lines").1);
    assert_eq!(revision, 6);
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
        let text = format!("{KEY} {revision}\n{json}");
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
        format!("{KEY} 6\n"),
        format!("{KEY} 6\nnull"),
        format!("{KEY} 6\n{{}}"),
        good.split_once('\n').expect("two lines").1.into(),
        good[..good.len() - 1].into(),
        format!("{good} "),
        changed(" 6\n", " 5\n"),
        changed(" 6\n", " 06\n"),
        changed(" 6\n", "\n"),
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
        assert!(summary_of_shared(KEY, text.as_bytes(), &layout()).is_none(), "{text}");
    }
    assert!(summary_of_shared(KEY, b"\xff\n{}", &layout()).is_none());
}
