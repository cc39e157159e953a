//! Texts that people read: the API and psql accept the same ones, and refuse all others in the same words.

use pretty_assertions::assert_eq;
use rowlock::types::text::objection;
use serde_json::{Value, json};

use super::both_ways::{ask, both_ways, event};
use crate::harness::TestServer;

const CONTROL: Option<&str> = Some("must not contain control characters");
const REORDERING: Option<&str> = Some("must not contain characters that reorder or break its line, such as U+202E");
const NO_CHARACTER: Option<&str> = Some("must not contain noncharacters, such as U+FFFE");
const BLANK: Option<&str> = Some("must not be blank: it needs a character that can be seen");

/// Texts, with what is wrong with them.
const TEXTS: [(&str, Option<&str>); 28] = [
    ("Spring Gala", None),
    (" padded ", None),
    ("春季巡演 🎸", None),
    ("عمر خيرت", None),
    ("שלום", None),
    ("\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}", None),
    ("\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}", None),
    ("क्\u{200d}ष", None),
    ("❤\u{fe0f}", None),
    ("<script>", None),
    ("'; drop table", None),
    (" ", BLANK),
    ("\u{a0}\u{2003}\u{3000}", BLANK),
    ("\u{200b}\u{200d}\u{feff}", BLANK),
    ("\u{3164}", BLANK),
    ("\u{2800}", BLANK),
    ("\u{e0041}\u{fe0f}", BLANK),
    ("gala\u{202e}eerf", REORDERING),
    ("\u{200f}gala", REORDERING),
    ("\u{2067}gala\u{2069}", REORDERING),
    ("two\u{2028}lines", REORDERING),
    ("gala\u{fffe}", NO_CHARACTER),
    ("\u{fdd0}", NO_CHARACTER),
    ("\u{10ffff}", NO_CHARACTER),
    ("\u{e000}", None),
    ("two\nlines", CONTROL),
    ("tab\tstop", CONTROL),
    ("\u{85}\u{9f}", CONTROL),
];

/// A text field of a new event: its name in the API, in psql, and in the body of both.
const PLACES: [(&str, &str, &str); 4] = [
    ("name", "name", "/name"),
    ("venue", "venue", "/venue"),
    ("sections[0].name", "sections[0].name", "/sections/0/name"),
    ("sections[0].rows[0].row", "sections[0].rows[0].label", "/sections/0/rows/0/row"),
];

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_people_read_are_the_same_ones_everywhere() {
    let server = TestServer::start().await;
    let standing = server.small_event(&[("A", 1000, 1)]).await;
    for (text, expected) in TEXTS {
        for (api_field, sql_field, pointer) in PLACES {
            let mut event = event();
            *event.pointer_mut(pointer).expect("a place") = json!(text);
            both_ways(&server, &event, (api_field, sql_field), expected).await;
        }
        for field in ["name", "venue"] {
            let answer = server.admin().patch(&standing.path(), &json!({field: text})).await;
            match expected {
                None => assert_eq!(answer.expect(200)[field], text),
                Some(expected) => assert_eq!(answer.invalid(field)["detail"], format!("{field} {expected}")),
            }
        }
        let key = "select admin.create_api_key($1, sha256(convert_to($1, 'UTF8')), 'a try')::text";
        assert_eq!(ask(&server.db, key, &text).await.err(), expected.map(|expected| format!("name: {expected}")), "{text:?}");
        // White space around a reason is trimmed, so a reason of only white space counts as missing.
        let reason = ask(&server.db, &format!("select admin.pause_event({}, $1)", standing.id), &text).await;
        assert_eq!(reason.is_err(), expected.is_some(), "{text:?}: {reason:?}");
        ask(&server.db, &format!("select admin.open_event({}, $1)", standing.id), &"on again").await.expect("open");
    }
    let mut nameless = event();
    nameless["venue"] = json!("");
    both_ways(&server, &nameless, ("venue", "venue"), None).await;
}

/// All characters except most of the planes that contain nothing special but their last two.
fn is_asked(code: u32) -> bool {
    code < 0x20000 || (0xe0000..0xf0000).contains(&code) || code.is_multiple_of(1009) || code & 0xffff > 0xfffc
}

/// The starts of runs of characters that are refused for the same reason, alone and among others.
fn runs(wrap: impl Fn(char) -> String) -> Vec<(i32, String)> {
    let mut runs: Vec<(i32, String)> = Vec::new();
    for character in ('\u{1}'..=char::MAX).filter(|character| is_asked(u32::from(*character))) {
        let reason = objection(&wrap(character)).unwrap_or_default();
        if runs.last().is_none_or(|(_, last)| last != reason) {
            runs.push((i32::try_from(u32::from(character)).expect("a code point"), reason.to_owned()));
        }
    }
    runs
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_is_one_over_all_of_unicode() {
    let server = TestServer::start().await;
    for (wrapped, expected) in [("chr(c)", runs(|one| one.to_string())), ("'a' || chr(c) || 'b'", runs(|one| format!("a{one}b")))] {
        let sql = format!(
            "select c, reason from (
                select c, reason, lag(reason) over (order by c) as before from (
                    select c, coalesce(rowlock._text_objection({wrapped}), '') as reason
                    from generate_series(1, 1114111) as c where c not between 55296 and 57343
                        and (c < 131072 or c between 917504 and 983039 or c % 1009 = 0 or c % 65536 > 65532)) as each) as runs
             where reason is distinct from before order by c"
        );
        let rows = server.db.query(&sql, &[]).await.expect("an answer");
        let found: Vec<(i32, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert!(found.len() > 30, "{found:?}");
        assert_eq!(found, expected, "{wrapped}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_has_no_two_rows_of_the_same_name() {
    let server = TestServer::start().await;
    let mut event = event();
    let rows = |labels: &[&str]| labels.iter().map(|label| json!({"row": label, "seats": 1})).collect::<Value>();
    event["sections"][0]["rows"] = rows(&["1", "2", "AA", "2", "1"]);
    let fields = ("sections[0].rows[3].row", "sections[0].rows[3].label");
    both_ways(&server, &event, fields, Some("is the label of an earlier row")).await;
    event["sections"][0]["rows"] = rows(&["1", "01", "a", "A", "1 left"]);
    both_ways(&server, &event, fields, None).await;
    let mut second = event["sections"][0].clone();
    second["section"] = json!("B");
    event["sections"].as_array_mut().expect("sections").push(second);
    event["starts_at"] = json!("2026-11-22T10:00:00Z");
    server.admin().post("/v1/events", &event).await.expect(201);
}
