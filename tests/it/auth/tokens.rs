//! Customers' tokens that are malformed, forged, expired or not yet good.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{claims, customers_operations, hs256, seconds_from_now, unsigned};
use crate::harness::{Caller, JWT_SECRET, TestServer};

const SCHEME: &str = "the header Authorization must be `Bearer`, a space and the token";

/// What is wrong with each, the header `Authorization`, and the detail of the refusal.
fn bad_tokens() -> Vec<(&'static str, String, &'static str)> {
    const SIGNATURE: &str = "the token's signature does not match any key that this server knows";
    const ALGORITHM: &str = "the token's alg is not supported: this server takes HS256";
    const MALFORMED: &str = "the token is malformed: a JSON Web Token is three base64url parts separated by dots";
    const INVISIBLE: &str = "the token's sub must not contain invisible characters or spaces other than U+0020, such as U+200B or U+00A0";
    const LENGTH: &str = "the token's sub must have 1 to 200 characters";
    let bearer = |token: &str| format!("Bearer {token}");
    let signed = |claims: Value| bearer(&hs256(&claims, JWT_SECRET.as_bytes()));
    let sub = |sub: &str| signed(claims(sub));
    let forged = hs256(&claims("alice"), b"a secret that is not the server's, but long enough");
    let good = hs256(&claims("alice"), JWT_SECRET.as_bytes());
    let mut parts: Vec<_> = good.split('.').map(str::to_owned).collect();
    parts[1] = URL_SAFE_NO_PAD.encode(claims("mallory").to_string());
    let tampered = parts.join(".");
    vec![
        ("another secret", bearer(&forged), SIGNATURE),
        ("another payload", bearer(&tampered), SIGNATURE),
        ("alg none", bearer(&unsigned("none")), ALGORITHM),
        ("alg NONE", bearer(&unsigned("NONE")), ALGORITHM),
        ("no signature", bearer(&unsigned("HS256")), SIGNATURE),
        // A client cannot send the space at the end of a header.
        ("no token", "Bearer ".to_owned(), SCHEME),
        ("no JWT", bearer("abc"), MALFORMED),
        ("another scheme", format!("Basic {good}"), SCHEME),
        ("no scheme", good, SCHEME),
        ("no exp", signed(json!({"sub": "alice"})), "the token has no exp, which is when it expires"),
        ("no sub", signed(json!({"exp": seconds_from_now(600)})), "the token has no sub, which is the customer's id"),
        ("a number as sub", signed(json!({"sub": 7, "exp": seconds_from_now(600)})), "the token's sub is not a string"),
        (
            "not yet good",
            signed(json!({"sub": "alice", "exp": seconds_from_now(600), "nbf": seconds_from_now(60)})),
            "the token is not valid yet: its nbf is in the future",
        ),
        (
            "milliseconds",
            signed(json!({"sub": "alice", "exp": seconds_from_now(600) * 1000})),
            "the token's exp is malformed: it must be seconds since 1970, a number up to 253402300799",
        ),
        ("an empty customer", sub(""), LENGTH),
        ("a long customer", sub(&"x".repeat(201)), LENGTH),
        ("a NUL in the customer", sub("al\0ice"), "the token's sub must not contain control characters"),
        ("a blank customer", sub("\u{200b} "), "the token's sub must not be blank: it needs a character that can be seen"),
        ("a customer of two words apart", sub("al\u{a0}ice"), INVISIBLE),
        ("a customer who looks like another", sub("ali\u{200b}ce"), INVISIBLE),
        ("a customer after a space", sub(" alice"), "the token's sub must not begin or end with a space"),
        (
            "years",
            signed(json!({"sub": "alice", "exp": seconds_from_now(2_592_060)})),
            "the token is valid for too long: its exp may be at most 2592000 s after its iat, or after now if that is earlier or there is \
             no iat",
        ),
        (
            "a customer who reorders",
            sub("alice\u{202e}"),
            "the token's sub must not contain characters that reorder or break its line, such as U+202E",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_missing_malformed_or_forged_opens_nothing() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let before = server.trace().await;
    let bad = bad_tokens();
    let none = "this operation takes a customer's token in `Authorization: Bearer …`, and none was sent";
    for (method, path) in customers_operations(&event) {
        let anyone = server.anyone();
        let answer = anyone.send(anyone.request_in_form(method.clone(), &path, &json!({}))).await;
        assert_eq!(answer.problem(401, "unauthorized")["detail"], none);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        for (what, authorization, detail) in &bad {
            let caller = server.anyone().with("authorization", authorization);
            let answer = caller.send(caller.request_in_form(method.clone(), &path, &json!({}))).await;
            assert_eq!(answer.status, 401, "{what}: {method} {path}");
            assert_eq!(answer.problem(401, "unauthorized")["detail"], *detail, "{what}");
            // RFC 6750: no error for whoever sent no bearer token.
            let error = if *detail == SCHEME { String::new() } else { format!(" error=\"invalid_token\", error_description=\"{detail}\"") };
            assert_eq!(answer.header("www-authenticate"), Some(format!("Bearer{error}").as_str()), "{what}");
        }
    }
    assert_eq!(server.trace().await, before);
    server.customer("alice").get(&event.at("orders")).await.expect(200);
    assert_eq!(server.bearer(&hs256(&claims(&"x".repeat(200)), JWT_SECRET.as_bytes())).get(&event.at("orders")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn times_of_a_token_may_be_fractions_of_a_second() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let orders = async |claims: Value| server.bearer(&hs256(&claims, JWT_SECRET.as_bytes())).get(&event.at("orders")).await;
    let half = |seconds: i64| seconds_from_now(seconds) as f64 + 0.5;
    orders(json!({"sub": "alice", "exp": half(86_400), "nbf": half(-60), "iat": half(0)})).await.expect(200);
    orders(json!({"sub": "alice", "exp": half(-3)})).await.expect(200);
    orders(json!({"sub": "alice", "exp": half(-8)})).await.problem(401, "token_expired");
    orders(json!({"sub": "alice", "exp": half(600), "nbf": half(3)})).await.expect(200);
    orders(json!({"sub": "alice", "exp": half(600), "nbf": half(20)})).await.problem(401, "unauthorized");
    orders(json!({"sub": "alice", "exp": half(600), "iat": half(600)})).await.expect(200);
    for exp in [json!(-1), json!(1e300), json!("1893456000"), json!(u64::MAX)] {
        let problem = orders(json!({"sub": "alice", "exp": exp})).await.problem(401, "unauthorized");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("exp is malformed")), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_says_so_but_a_forged_expired_one_does_not() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let old = json!({"sub": "alice", "exp": seconds_from_now(-60)});
    for (method, path) in customers_operations(&event) {
        let caller = server.bearer(&hs256(&old, JWT_SECRET.as_bytes()));
        let answer = caller.send(caller.request_in_form(method, &path, &json!({}))).await;
        answer.problem(401, "token_expired");
        let challenge = "Bearer error=\"invalid_token\", error_description=\"the token has expired\"";
        assert_eq!(answer.header("www-authenticate"), Some(challenge));
    }
    let forged = server.bearer(&hs256(&old, b"a secret that is not the server's, but long enough"));
    forged.get(&event.at("orders")).await.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_are_counted_by_their_kind_and_fault() {
    let server = TestServer::builder().arg("--jwt-audience", "rowlock").start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let claims = |change: Value| {
        let mut claims = json!({"sub": "alice", "exp": seconds_from_now(600), "aud": "rowlock"});
        claims.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        server.bearer(&hs256(&claims, JWT_SECRET.as_bytes()))
    };
    let forged = server.bearer(&hs256(&json!({}), b"a secret that is not the server's, but long enough"));
    let orders = event.at("orders");
    let customers = [
        ("missing", server.anyone()),
        ("malformed", server.bearer("abc")),
        ("malformed", claims(json!({"sub": " "}))),
        ("unknown", forged),
        ("expired", claims(json!({"exp": seconds_from_now(-60)}))),
        ("early", claims(json!({"nbf": seconds_from_now(60)}))),
        ("long_lived", claims(json!({"exp": seconds_from_now(100_000_000)}))),
        ("foreign", claims(json!({"aud": "shop"}))),
    ]
    .map(|(fault, caller)| (fault, orders.as_str(), caller));
    let key = |key: &str| server.anyone().with("x-api-key", key);
    let admins = [
        ("missing", "/v1/admin/dead-letters", server.anyone()),
        ("missing", "/v1/events?status=draft", server.anyone()),
        ("malformed", "/v1/admin/dead-letters", key("rlk_x")),
        ("unknown", "/v1/events", key(&format!("rlk_{}", "A".repeat(43)))),
    ];
    for (fault, path, caller) in customers.iter().chain(&admins) {
        assert_eq!(caller.get(path).await.status, 401, "{fault}");
    }
    let counted = server.anyone().get("/metrics").await.text();
    let faults = |kind: &str, callers: &[(&'static str, &str, Caller)]| {
        let mut expected: Vec<String> = callers
            .iter()
            .map(|(fault, ..)| {
                let count = callers.iter().filter(|(other, ..)| other == fault).count();
                format!("rowlock_credentials_refused_total{{credential=\"{kind}\",fault=\"{fault}\"}} {count}")
            })
            .collect();
        expected.sort();
        expected.dedup();
        expected
    };
    let mut lines: Vec<_> = counted.lines().filter(|line| line.starts_with("rowlock_credentials_refused_total")).collect();
    lines.sort_unstable();
    assert_eq!(lines, [faults("api_key", &admins), faults("token", &customers)].concat());
}
