//! Times: the API and psql accept the same ones, and refuse all others in the same words.

use pretty_assertions::assert_eq;
use serde_json::json;

use super::both_ways::{ask, both_ways, event};
use crate::harness::TestServer;

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
