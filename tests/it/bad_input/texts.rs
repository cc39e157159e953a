//! Texts, currencies and times: the API and psql accept the same ones, and refuse all others in the same words.

use pretty_assertions::assert_eq;
use rowlock::types::currency::IN_USE;
use rowlock::types::text::objection;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::harness::{TestServer, event_json};

const CONTROL: Option<&str> = Some("must not contain control characters");
const REORDERING: Option<&str> = Some("must not contain characters that reorder or break its line, such as U+202E");
const BLANK: Option<&str> = Some("must not be blank: it needs a character that can be seen");

/// Texts, with what is wrong with them.
const TEXTS: [(&str, Option<&str>); 24] = [
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

fn event() -> Value {
    let mut event = event_json(&[]);
    event["sections"] = json!([{"section": "A", "name": "A", "price_minor": 1, "rows": [{"row": "1", "seats": 1}]}]);
    event["starts_at"] = Value::Null;
    event
}

/// The event as psql describes it.
fn in_psql(event: &Value) -> Value {
    let mut event = event.clone();
    let section = &mut event["sections"][0];
    section["code"] = section.as_object_mut().expect("an object").remove("section").expect("a code");
    for row in section["rows"].as_array_mut().expect("rows") {
        row["label"] = row.as_object_mut().expect("an object").remove("row").expect("a label");
    }
    event
}

/// The result of a call in psql: the answer, or the detail of the refusal.
async fn ask(db: &Client, sql: &str, parameter: &(dyn tokio_postgres::types::ToSql + Sync)) -> Result<String, String> {
    match db.query_one(sql, &[parameter]).await {
        Ok(row) => Ok(row.get::<_, Option<String>>(0).unwrap_or_default()),
        Err(error) => {
            let refused = error.as_db_error().unwrap_or_else(|| panic!("{error:?}"));
            assert_eq!(refused.code().code(), "RL007", "{refused:?}");
            Err(refused.detail().unwrap_or_default().to_owned())
        }
    }
}

/// Creates an event both ways; both must succeed, or both must name the field and give the same reason.
async fn both_ways(server: &TestServer, event: &Value, (api_field, sql_field): (&str, &str), expected: Option<&str>) {
    let mut body = event.clone();
    body.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    let answer = server.admin().post("/v1/events", &body).await;
    let asked = ask(&server.db, "select admin.create_event($1, 'a try')::text", &in_psql(event)).await;
    match expected {
        None => {
            answer.expect(201);
            asked.unwrap_or_else(|detail| panic!("{detail}: {event}"));
        }
        Some(expected) => {
            assert_eq!(answer.invalid(api_field)["detail"], format!("{api_field} {expected}"), "{event}");
            assert_eq!(asked, Err(format!("{sql_field}: {expected}")), "{event}");
        }
    }
}

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

/// All characters except most of the planes that contain nothing special.
fn is_asked(code: u32) -> bool {
    code < 0x20000 || (0xe0000..0xf0000).contains(&code) || code.is_multiple_of(1009)
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
                        and (c < 131072 or c between 917504 and 983039 or c % 1009 = 0)) as each) as runs
             where reason is distinct from before order by c"
        );
        let rows = server.db.query(&sql, &[]).await.expect("an answer");
        let found: Vec<(i32, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert!(found.len() > 5, "{found:?}");
        assert_eq!(found, expected, "{wrapped}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_sold_in_currencies_that_people_pay_in() {
    const UNKNOWN: Option<&str> = Some("must be the ISO 4217 code of a currency in use, for example TWD");
    let server = TestServer::start().await;
    let cases = [
        ("TWD", None),
        ("EUR", None),
        ("JPY", None),
        ("XOF", None),
        ("XXX", UNKNOWN),
        ("XTS", UNKNOWN),
        ("XAU", UNKNOWN),
        ("CHE", UNKNOWN),
        ("HRK", UNKNOWN),
        ("DEM", UNKNOWN),
        ("QQQ", UNKNOWN),
        ("twd", UNKNOWN),
        ("TWDX", UNKNOWN),
        ("", UNKNOWN),
    ];
    for (currency, expected) in cases {
        let mut event = event();
        event["currency"] = json!(currency);
        both_ways(&server, &event, ("currency", "currency"), expected).await;
    }
    let sql = "select array_agg(code order by code collate \"C\") from (
        select chr(a) || chr(b) || chr(c) as code
        from generate_series(65, 90) as a, generate_series(65, 90) as b, generate_series(65, 90) as c) as codes
        where rowlock._is_currency(code)";
    assert_eq!(server.ask::<Vec<String>>(sql).await, *IN_USE);
}

/// Money has arrived, whatever its currency is called: it is owed back, never refused.
#[tokio::test(flavor = "multi_thread")]
async fn money_in_any_currency_is_recorded() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let order = server.customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let gateway = server.gateway();
    for currency in ["EUR", "HRK", "XXX", "QQQ"] {
        let mut notice = gateway.notice(&order);
        notice["currency"] = json!(currency);
        assert_eq!(gateway.notify(notice).await.expect(200)["outcome"], "refund_due", "{currency}");
    }
    let due =
        server.ask::<Vec<String>>("select array_agg(currency order by currency) from rowlock.payments where outcome = 'refund_due'").await;
    assert_eq!(due, ["EUR", "HRK", "QQQ", "XXX"]);
    server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_the_same_ones_everywhere() {
    const EXPECTED: &str = "must be an RFC 3339 time from 1970 to 9999, such as 2026-11-22T10:00:00.000Z";
    const LEAP: &str = "must not be a leap second: write second 59, or second 00 of the next minute";
    const MIDNIGHT: &str = "must not have the hour 24: write 00:00 of the next day";
    let server = TestServer::start().await;
    let good = [
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22T18:00:00+08:00", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22T10:00:00-00:00", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22t10:00:00.5z", "2026-11-22T10:00:00.500Z"),
        ("2026-11-22T10:00:00.9999999Z", "2026-11-22T10:00:00.999Z"),
        ("2026-11-22T10:00:00.123456789012345Z", "2026-11-22T10:00:00.123Z"),
        ("2026-11-22T10:00:00+23:59", "2026-11-21T10:01:00.000Z"),
        ("2026-11-22T10:00:00-16:30", "2026-11-23T02:30:00.000Z"),
        ("1969-12-31T23:00:00-01:00", "1970-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ("2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"),
    ];
    let bad = [
        ("2016-12-31T23:59:60Z", LEAP),
        ("2016-12-31T23:59:60.5+00:00", LEAP),
        ("2026-11-22T10:00:60Z", LEAP),
        ("2026-11-22T24:00:00Z", MIDNIGHT),
        ("2026-11-22T24:00:00+08:00", MIDNIGHT),
        ("2026-11-22T24:30:60Z", MIDNIGHT),
        ("2026-11-22T25:00:00Z", EXPECTED),
        ("2026-11-22T10:60:00Z", EXPECTED),
        ("2026-11-22T10:00:61Z", EXPECTED),
        ("2026-02-30T10:00:00Z", EXPECTED),
        ("2027-02-29T10:00:00Z", EXPECTED),
        ("2026-13-01T10:00:00Z", EXPECTED),
        ("2026-11-22 10:00:00Z", EXPECTED),
        ("2026-11-22T10:00:00", EXPECTED),
        ("2026-11-22T10:00Z", EXPECTED),
        ("2026-11-22T10:00:00.Z", EXPECTED),
        ("2026-11-22T10:00:00+24:00", EXPECTED),
        ("2026-11-22T10:00:00+08:60", EXPECTED),
        ("2026-11-22T10:00:00+0800", EXPECTED),
        ("2026-11-22T24:00:00+99:00", EXPECTED),
        ("1969-12-31T23:59:59Z", EXPECTED),
        ("10000-01-01T00:00:00Z", EXPECTED),
        ("9999-12-31T23:59:59-00:01", EXPECTED),
        ("0000-01-01T00:00:00Z", EXPECTED),
        ("+026-11-22T10:00:00Z", EXPECTED),
        ("٢٠٢٦-11-22T10:00:00Z", EXPECTED),
        ("tomorrow", EXPECTED),
        ("infinity", EXPECTED),
        ("now", EXPECTED),
        ("", EXPECTED),
        (" 2026-11-22T10:00:00Z", EXPECTED),
        ("2026-11-22T10:00:00Z\u{a0}", EXPECTED),
    ];
    let read = "select to_char(rowlock._json_time(to_jsonb($1::text), 'at') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";
    for (text, expected) in good {
        let mut event = event();
        event["starts_at"] = json!(text);
        let created = server.admin().post("/v1/events", &event).await.expect(201);
        assert_eq!(created["starts_at"], expected, "{text}");
        assert_eq!(ask(&server.db, read, &text).await, Ok(expected.to_owned()), "{text}");
    }
    for (text, expected) in bad {
        let mut event = event();
        event["starts_at"] = json!(text);
        both_ways(&server, &event, ("starts_at", "starts_at"), Some(expected)).await;
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let refused = server.anyone().get(&format!("/v1/events?starts_after={encoded}")).await.invalid("starts_after");
        assert_eq!(refused["detail"], format!("starts_after {expected}"), "{text}");
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
    server.admin().post("/v1/events", &event).await.expect(201);
}
