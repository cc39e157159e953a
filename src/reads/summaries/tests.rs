//! What is taken from Redis for a summary, and what is thrown away.

use std::collections::HashMap;

use super::*;
use crate::db::{Endpoint, Patience};

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
    EventLayout { event_id: 7, currency: "TWD".into(), sections, section_nos: HashMap::new() }
}

fn counts(available: i32) -> [SectionCount; 2] {
    [1, 2].map(|section_no| SectionCount { section_no, available, revision: 3 })
}

fn written() -> String {
    let (revision, json) = summary_json(&layout(), &counts(9)).unwrap();
    format!("{revision}\n{json}")
}

/// The counts that come with an event may have been read before those that are there.
#[tokio::test]
async fn what_comes_with_an_event_does_not_replace_a_summary() {
    let endpoint = Endpoint::new("postgres://nobody@127.0.0.1:1/nothing", None).unwrap();
    let db = Db::new(&endpoint, 1, Patience::POOL).unwrap();
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
    let body = body_of_shared(written().as_bytes(), &layout()).expect("a summary");
    assert_eq!(body.plain().as_ref(), written().split_once('\n').expect("two lines").1.as_bytes());
    assert_eq!(body.etag, "W/\"6\"");
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
        "6\n".into(),
        "6\nnull".into(),
        "6\n{}".into(),
        good.split_once('\n').expect("two lines").1.into(),
        good[..good.len() - 1].into(),
        format!("{good} "),
        changed("6\n", "5\n"),
        changed("6\n", "06\n"),
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
        assert!(body_of_shared(text.as_bytes(), &layout()).is_none(), "{text}");
    }
    assert!(body_of_shared(b"\xff\n{}", &layout()).is_none());
}
