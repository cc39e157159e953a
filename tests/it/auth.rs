//! Authentication: customers by token here, admins and the gateway in submodules.

mod lifetimes;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use pretty_assertions::assert_eq;
use reqwest::Method;
use rowlock::auth::{Auth, mint_customer_token};
use rowlock::config::AuthSettings;
use serde_json::{Value, json};
use time::OffsetDateTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::harness::{EventHandle, JWT_SECRET, Scratch, TestServer, WEBHOOK_SECRET};

mod admins;
mod gateway;

const RSA_PRIVATE: &[u8] = include_bytes!("keys/rsa_private.pem");
const RSA_PUBLIC: &[u8] = include_bytes!("keys/rsa_public.pem");
const ED25519_PRIVATE: &[u8] = include_bytes!("keys/ed25519_private.pem");

fn key_file(name: &str) -> String {
    format!("{}/tests/it/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn seconds_from_now(seconds: i64) -> i64 {
    OffsetDateTime::now_utc().unix_timestamp() + seconds
}

fn claims(sub: &str) -> Value {
    json!({"sub": sub, "exp": seconds_from_now(600)})
}

fn hs256(claims: &Value, secret: &[u8]) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret)).expect("a token")
}

fn rs256(claims: &Value) -> String {
    encode(&Header::new(Algorithm::RS256), claims, &EncodingKey::from_rsa_pem(RSA_PRIVATE).expect("a key")).expect("a token")
}

fn eddsa(claims: &Value) -> String {
    encode(&Header::new(Algorithm::EdDSA), claims, &EncodingKey::from_ed_pem(ED25519_PRIVATE).expect("a key")).expect("a token")
}

/// A token without a signature, as an attacker would write it.
fn unsigned(algorithm: &str) -> String {
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.", part(json!({"alg": algorithm, "typ": "JWT"})), part(claims("mallory")))
}

/// Every operation of a customer.
fn customers_operations(event: &EventHandle) -> [(Method, String); 4] {
    let order = event.at("orders/01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e812");
    [(Method::POST, event.at("orders")), (Method::GET, event.at("orders")), (Method::GET, order.clone()), (Method::DELETE, order)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_missing_malformed_or_forged_opens_nothing() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let before = server.trace().await;
    let forged = hs256(&claims("alice"), b"a secret that is not the server's, but long enough");
    let good = hs256(&claims("alice"), JWT_SECRET.as_bytes());
    let tampered = {
        let mut parts: Vec<_> = good.split('.').map(str::to_owned).collect();
        parts[1] = URL_SAFE_NO_PAD.encode(claims("mallory").to_string());
        parts.join(".")
    };
    let sub = |sub: &str| format!("Bearer {}", hs256(&claims(sub), JWT_SECRET.as_bytes()));
    let bearer = |token: &str| format!("Bearer {token}");
    let long = "x".repeat(201);
    let without = |claims: Value| bearer(&hs256(&claims, JWT_SECRET.as_bytes()));
    let none = "this operation takes a customer's token in `Authorization: Bearer …`, and none was sent";
    let signature = "the token's signature does not match any key that this server knows";
    let algorithm = "the token's alg is not supported: this server takes HS256";
    let malformed = "the token is malformed: a JSON Web Token is three base64url parts separated by dots";
    let scheme = "the header Authorization must be `Bearer`, a space and the token";
    let length = "the token's sub must have 1 to 200 characters";
    let bad = [
        ("another secret", bearer(&forged), signature),
        ("another payload", bearer(&tampered), signature),
        ("alg none", bearer(&unsigned("none")), algorithm),
        ("alg NONE", bearer(&unsigned("NONE")), algorithm),
        ("no signature", bearer(&unsigned("HS256")), signature),
        // A client cannot send the space at the end of a header.
        ("no token", "Bearer ".to_owned(), scheme),
        ("no JWT", bearer("abc"), malformed),
        ("another scheme", format!("Basic {good}"), scheme),
        ("no scheme", good.clone(), scheme),
        ("no exp", without(json!({"sub": "alice"})), "the token has no exp, which is when it expires"),
        ("no sub", without(json!({"exp": seconds_from_now(600)})), "the token has no sub, which is the customer's id"),
        ("a number as sub", without(json!({"sub": 7, "exp": seconds_from_now(600)})), "the token's sub is not a string"),
        (
            "not yet good",
            without(json!({"sub": "alice", "exp": seconds_from_now(600), "nbf": seconds_from_now(60)})),
            "the token is not valid yet: its nbf is in the future",
        ),
        (
            "milliseconds",
            without(json!({"sub": "alice", "exp": seconds_from_now(600) * 1000})),
            "the token's exp is malformed: it must be seconds since 1970, a number up to 253402300799",
        ),
        ("an empty customer", sub(""), length),
        ("a long customer", sub(&long), length),
        ("a NUL in the customer", sub("al\0ice"), "the token's sub must not contain control characters"),
        ("a blank customer", sub("\u{200b} "), "the token's sub must not be blank: it needs a character that can be seen"),
        (
            "a customer who reorders",
            sub("alice\u{202e}"),
            "the token's sub must not contain characters that reorder or break its line, such as U+202E",
        ),
    ];
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
            let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{detail}\"");
            assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()), "{what}");
        }
    }
    assert_eq!(server.trace().await, before);
    server.bearer(&good).get(&event.at("orders")).await.expect(200);
    assert_eq!(server.bearer(&hs256(&claims(&"x".repeat(200)), JWT_SECRET.as_bytes())).get(&event.at("orders")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn times_of_a_token_may_be_fractions_of_a_second() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let orders = async |claims: Value| server.bearer(&hs256(&claims, JWT_SECRET.as_bytes())).get(&event.at("orders")).await;
    let half = |seconds: i64| seconds_from_now(seconds) as f64 + 0.5;
    orders(json!({"sub": "alice", "exp": 1_893_456_000.5, "nbf": half(-60), "iat": half(0)})).await.expect(200);
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
async fn tokens_signed_with_the_private_rsa_key_are_good_and_no_other_algorithm_is_taken_for_it() {
    let server = TestServer::builder().arg("--jwt-public-key-file", key_file("rsa_public.pem")).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let claim = json!({"seats": [{"section": "A", "seat": 1}]});
    server.bearer(&rs256(&claims("alice"))).post(&event.at("orders"), &claim).await.expect(201);
    // The same customer, by the secret that is configured next to the key.
    let orders = server.customer("alice").orders(&event).await.expect(200);
    assert_eq!(orders["orders"].as_array().map(Vec::len), Some(1));

    let orders = async |token: &str| server.bearer(token).get(&event.at("orders")).await;
    orders(&hs256(&claims("alice"), RSA_PUBLIC)).await.problem(401, "unauthorized");
    orders(&hs256(&claims("alice"), RSA_PUBLIC.trim_ascii())).await.problem(401, "unauthorized");
    orders(&eddsa(&claims("alice"))).await.problem(401, "unauthorized");
    orders(&unsigned("RS256")).await.problem(401, "unauthorized");
    orders(&rs256(&json!({"sub": "alice", "exp": seconds_from_now(-60)}))).await.problem(401, "token_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_signed_with_the_private_ed25519_key_are_good() {
    let server = TestServer::builder().arg("--jwt-public-key-file", key_file("ed25519_public.pem")).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let orders = async |token: &str| server.bearer(token).get(&event.at("orders")).await;
    orders(&eddsa(&claims("alice"))).await.expect(200);
    orders(&rs256(&claims("alice"))).await.problem(401, "unauthorized");
    orders(&unsigned("EdDSA")).await.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_public_key_in_the_file_is_good() {
    let keys = Scratch::new();
    let pem = |name: &str| std::fs::read_to_string(key_file(name)).expect("a key");
    let file = keys.file("keys.pem", format!("{}{}", pem("rsa_public.pem"), pem("ed25519_public.pem")));
    let server = TestServer::builder().arg("--jwt-public-key-file", file.display()).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let orders = async |token: &str| server.bearer(token).get(&event.at("orders")).await;
    for token in [rs256(&claims("alice")), eddsa(&claims("alice")), hs256(&claims("alice"), JWT_SECRET.as_bytes())] {
        orders(&token).await.expect(200);
    }
    let unsupported = orders(&unsigned("none")).await.problem(401, "unauthorized");
    assert_eq!(unsupported["detail"], "the token's alg is not supported: this server takes EdDSA or HS256 or RS256");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_another_audience_or_of_another_issuer_is_refused() {
    let server = TestServer::builder().arg("--jwt-audience", "rowlock").arg("--jwt-issuer", "https://id.example").start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let orders = async |aud: Option<&str>, iss: Option<&str>| {
        let mut claims = claims("alice");
        claims.as_object_mut().expect("an object").extend(aud.map(|aud| ("aud".to_owned(), json!(aud))));
        claims.as_object_mut().expect("an object").extend(iss.map(|iss| ("iss".to_owned(), json!(iss))));
        server.bearer(&hs256(&claims, JWT_SECRET.as_bytes())).get(&event.at("orders")).await
    };
    orders(Some("rowlock"), Some("https://id.example")).await.expect(200);
    for (aud, iss, detail) in [
        (Some("shop"), Some("https://id.example"), "the token is for another audience (aud) than this server"),
        (Some("rowlock"), Some("https://id.evil"), "the token is from another issuer (iss) than this server expects"),
        (None, Some("https://id.example"), "the token names no audience (aud)"),
        (Some("rowlock"), None, "the token names no issuer (iss)"),
    ] {
        assert_eq!(orders(aud, iss).await.problem(401, "unauthorized")["detail"], detail);
    }
}

#[test]
fn weak_or_missing_keys_are_refused_before_the_server_starts() {
    let webhook_secret = WEBHOOK_SECRET.to_owned();
    let settings = AuthSettings { jwt_secret: None, jwt_public_key_file: None, jwt_audience: None, jwt_issuer: None, webhook_secret };
    let error = |settings: AuthSettings| format!("{:#}", Auth::new(&settings).err().expect("refused"));
    let short = "x".repeat(31);
    assert!(error(settings.clone()).contains("neither"));
    assert!(error(AuthSettings { jwt_secret: Some(short.clone()), ..settings.clone() }).contains("32"));
    for webhook_secret in ["", "whsec_", "whsec_?", "whsec_c2hvcnQ=", "dGhlIHRlc3RzJyBzZWNyZXQgb2YgdGhlIGdhdGV3YXk="] {
        let (jwt_secret, webhook_secret) = (Some(JWT_SECRET.to_owned()), webhook_secret.to_owned());
        assert!(error(AuthSettings { jwt_secret, webhook_secret, ..settings.clone() }).contains("webhook secret"));
    }
    let private = key_file("rsa_private.pem");
    assert!(error(AuthSettings { jwt_public_key_file: Some(private.into()), ..settings }).contains("it is a private key"));
    assert!(mint_customer_token(&short, "alice", 60).is_err());
}
