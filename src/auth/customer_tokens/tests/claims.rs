//! Claims of genuine tokens.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::*;

#[test]
fn the_leeway_is_five_seconds_to_the_fraction() {
    let alice = || Ok("alice".to_owned());
    assert_eq!(with("exp", &(NOW_S - 4.75).to_string()), alice());
    assert_eq!(with("exp", &(NOW_S - 5.0).to_string()), Err(AuthError::Expired), "on its time or after it");
    assert_eq!(with("exp", &(NOW_S - 5.25).to_string()), Err(AuthError::Expired));
    assert_eq!(with("exp", "1796039996"), alice(), "4.25 s ago, as a whole number");
    assert_eq!(with("exp", "1796039995"), Err(AuthError::Expired), "5.25 s ago");
    assert_eq!(with("nbf", &(NOW_S + 5.0).to_string()), alice());
    assert_invalid(&with("nbf", &(NOW_S + 5.25).to_string()), "its nbf is in the future");
    assert_invalid(&with("nbf", "1796040006"), "its nbf is in the future");
}

#[test]
fn times_may_be_fractions_and_far_away_but_must_be_times() {
    for exp in ["1893456000.5", "1893456000.999999", "1.8934560005e9", "253402300799", "1893456000.0"] {
        assert_eq!(with("exp", exp), Ok("alice".to_owned()), "{exp}");
    }
    assert_eq!(with("exp", "1700000000.5"), Err(AuthError::Expired));
    assert_eq!(with("exp", "0"), Err(AuthError::Expired));
    for time in ["-1", "-0.5", "1e300", "253402300800", "1893456000000", "18446744073709551615", "\"1893456000\"", "true", "[]", "{}"] {
        for claim in ["exp", "nbf", "iat"] {
            assert_invalid(&with(claim, time), &format!("the token's {claim} is malformed: it must be seconds since 1970"));
        }
    }
    // JSON has neither; a number too large for any type is not JSON to us.
    for time in ["NaN", "Infinity", "1e400"] {
        assert_invalid(&with("exp", time), "its claims are not a JSON object");
    }
}

#[test]
fn a_token_from_a_clock_that_is_ahead_is_taken() {
    assert_eq!(with("iat", "1893456000.5"), Ok("alice".to_owned()));
}

#[test]
fn a_token_is_valid_for_as_long_as_the_server_allows_and_no_longer() {
    let read = |max_s: u32, exp: f64, iat: Option<f64>| {
        let settings = AuthSettings { jwt_lifetime_max_s: max_s, ..settings() };
        let claims = json!({"sub": "alice", "exp": exp, "iat": iat});
        read_by(&settings, &signed(r#"{"alg":"HS256"}"#, &claims.to_string()))
    };
    let alice = || Ok("alice".to_owned());
    let too_long = "the token is valid for too long: its exp may be at most 3600 s after its iat, or after now if that is earlier or there is \
                    no iat";
    for (exp, iat, is_good) in [
        (3600.0, None, true),
        (3605.0, None, true),
        (3605.25, None, false),
        (3600.0, Some(0.0), true),
        (1805.0, Some(-1800.0), true),
        (1805.25, Some(-1800.0), false),
        (60.0, Some(-3600.0), false),
        // Whatever it says of its age, it would be good for longer than that.
        (7200.0, Some(7100.0), false),
        (3605.0, Some(3000.0), true),
    ] {
        let result = read(3600, NOW_S + exp, iat.map(|iat| NOW_S + iat));
        if is_good {
            assert_eq!(result, alice(), "{exp} {iat:?}");
        } else {
            assert_invalid(&result, too_long);
        }
    }
    assert_eq!(read(0, 253_402_300_799.0, None), alice(), "no limit");
    assert_eq!(read(3600, NOW_S - 60.0, Some(NOW_S - 60_000.0)), Err(AuthError::Expired), "which a client can mend by itself");
}

#[test]
fn a_claim_that_is_missing_or_of_another_type_is_named() {
    assert_invalid(&of_claims(r#"{"sub":"alice"}"#), "has no exp");
    assert_invalid(&of_claims(r#"{"sub":"alice","exp":null}"#), "has no exp");
    assert_invalid(&of_claims(r#"{"exp":1796040600}"#), "has no sub");
    for sub in ["7", "true", "[\"alice\"]", "{}"] {
        assert_invalid(&with("sub", sub), "sub is not a string");
    }
    for (sub, objection) in [
        ("\" \"", "must not be blank"),
        ("\"\\u00a0\"", "must not be blank"),
        ("\"alice \"", "must not begin or end with a space"),
        ("\" alice\"", "must not begin or end with a space"),
        ("\"ali\\u200bce\"", "must not contain invisible characters"),
        ("\"alice\\u2060\"", "must not contain invisible characters"),
        ("\"\\ufeffalice\"", "must not contain invisible characters"),
        ("\"al\\u00adice\"", "must not contain invisible characters"),
        ("\"alice\\u00a0b\"", "must not contain invisible characters or spaces other than U+0020"),
        ("\"alice\\u3000b\"", "must not contain invisible characters or spaces other than U+0020"),
        ("\"al\\u2028ice\"", "must not contain characters that reorder or break its line"),
        ("\"al\\u2066ice\"", "must not contain characters that reorder or break its line"),
        ("\"alice\\ufffe\"", "must not contain noncharacters"),
        ("\"al\\tice\"", "must not contain control characters"),
    ] {
        assert_invalid(&with("sub", sub), &format!("the token's sub {objection}"));
    }
    for sub in ["auth0|5f7c8ec7", "CN=Alice Smith, OU=Fans", "alice@example.org", "愛麗絲"] {
        assert_eq!(with("sub", &format!("\"{sub}\"")).as_deref(), Ok(sub));
    }
    for sub in ["\"\"", &format!("\"{}\"", "x".repeat(201))] {
        assert_invalid(&with("sub", sub), "sub must have 1 to 200 characters");
    }
    assert_invalid(&with("sub", "\"a\\u0000b\""), "sub must not contain control characters");
    assert_invalid(&with("sub", "\"\\u200b\""), "sub must not be blank");
    assert_invalid(&with("sub", "\"alice\\u202e\""), "sub must not contain characters that reorder");
    assert_eq!(with("sub", &format!("\"{}\"", "名".repeat(200))), Ok("名".repeat(200)));
    for claims in ["", "7", "\"alice\"", r#"["alice",1796040600,null,null,null,null]"#] {
        assert_invalid(&of_claims(claims), "its claims are not a JSON object");
    }
    for claims in [r#"{"sub":"alice","sub":"bob","exp":1796040600}"#, r#"{"sub":"alice","exp":1796040600,"roles":{"a":1,"a":2}}"#] {
        assert_invalid(&of_claims(claims), "the token is malformed: a name appears twice in its claims");
    }
    let header = read_by(&settings(), &signed(r#"{"alg":"HS256","alg":"none"}"#, r#"{"sub":"alice","exp":1796040600}"#));
    assert_invalid(&header, "the token is malformed: a name appears twice in its header");
}

#[test]
fn issuer_and_audience_are_compared_only_where_they_are_set() {
    let theirs = json!({"sub": "alice", "exp": NOW_S + 60.0, "iss": "https://id.evil", "aud": ["shop"]});
    assert_eq!(of_claims(&theirs.to_string()), Ok("alice".to_owned()));
    let read = |change: &dyn Fn(&mut Value)| {
        let mut claims = json!({"sub": "alice", "exp": NOW_S + 60.0, "iss": "https://id.example", "aud": "rowlock"});
        change(&mut claims);
        let settings = AuthSettings { jwt_issuer: Some("https://id.example".into()), jwt_audience: Some("rowlock".into()), ..settings() };
        read_by(&settings, &signed(r#"{"alg":"HS256"}"#, &claims.to_string()))
    };
    let set = |name: &'static str, value: Value| move |claims: &mut Value| claims[name] = value.clone();
    assert_eq!(read(&|_| {}), Ok("alice".to_owned()));
    assert_eq!(read(&set("aud", json!(["shop", "rowlock"]))), Ok("alice".to_owned()));
    for aud in [json!("shop"), json!("Rowlock"), json!(["shop"]), json!([]), json!(7), json!([["rowlock"]])] {
        assert_invalid(&read(&set("aud", aud)), "another audience (aud)");
    }
    for iss in [json!("https://id.example/"), json!(["https://id.example"]), json!(7)] {
        assert_invalid(&read(&set("iss", iss)), "another issuer (iss)");
    }
    assert_invalid(&read(&set("aud", Value::Null)), "no audience (aud)");
    assert_invalid(&read(&set("iss", Value::Null)), "no issuer (iss)");
}
