//! Who may call: customers by token, admins by key.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use pretty_assertions::assert_eq;
use reqwest::Method;
use rowlock::auth::{Auth, AuthSettings, mint_customer_token};
use rowlock::db::{Endpoint, api_keys};
use serde_json::{Value, json};
use time::OffsetDateTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::harness::{EventHandle, JWT_SECRET, PATIENCE, TestServer, WEBHOOK_SECRET, eventually};

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

/// A token without a signature, as attackers write it.
fn unsigned(algorithm: &str) -> String {
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.", part(json!({"alg": algorithm, "typ": "JWT"})), part(claims("mallory")))
}

/// Every operation of a customer.
fn customers_operations(event: &EventHandle) -> [(Method, String); 4] {
    let order = event.at("orders/01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e812");
    [(Method::POST, event.at("orders")), (Method::GET, event.at("orders")), (Method::GET, order.clone()), (Method::DELETE, order)]
}

/// Every operation of an admin.
fn admins_operations(event: &EventHandle) -> Vec<(Method, String)> {
    let admin = |rest: &str| format!("/v1/admin/events/{}/{rest}", event.id);
    vec![
        (Method::POST, "/v1/events".to_owned()),
        (Method::PATCH, event.path()),
        (Method::GET, admin("sales")),
        (Method::GET, admin("orders")),
        (Method::GET, admin("refunds-due")),
        (Method::POST, admin("sections/A/block")),
        (Method::POST, admin("sections/A/unblock")),
        (Method::GET, "/v1/admin/dead-letters".to_owned()),
        (Method::POST, format!("/v1/admin/dead-letters/{}/01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e812/redrive", event.id)),
    ]
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
    let bad = [
        ("another secret", bearer(&forged)),
        ("another payload", bearer(&tampered)),
        ("alg none", bearer(&unsigned("none"))),
        ("alg NONE", bearer(&unsigned("NONE"))),
        ("no signature", bearer(&unsigned("HS256"))),
        ("no token", "Bearer ".to_owned()),
        ("no JWT", bearer("abc")),
        ("another scheme", format!("Basic {good}")),
        ("no scheme", good.clone()),
        ("no exp", without(json!({"sub": "alice"}))),
        ("no sub", without(json!({"exp": seconds_from_now(600)}))),
        ("not yet good", without(json!({"sub": "alice", "exp": seconds_from_now(600), "nbf": seconds_from_now(60)}))),
        ("an empty customer", sub("")),
        ("a NUL in the customer", sub("al\0ice")),
        ("a long customer", sub(&long)),
    ];
    for (method, path) in customers_operations(&event) {
        let anyone = server.anyone();
        let answer = anyone.send(anyone.request(method.clone(), &path).json(&json!({}))).await;
        answer.problem(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        for (what, authorization) in &bad {
            let caller = server.anyone().with("authorization", authorization);
            let answer = caller.send(caller.request(method.clone(), &path).json(&json!({}))).await;
            assert_eq!(answer.status, 401, "{what}: {method} {path}");
            answer.problem(401, "unauthorized");
        }
    }
    assert_eq!(server.trace().await, before);
    server.bearer(&good).get(&event.at("orders")).await.expect(200);
    assert_eq!(server.bearer(&hs256(&claims(&"x".repeat(200)), JWT_SECRET.as_bytes())).get(&event.at("orders")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_says_so_but_a_forged_expired_one_does_not() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let old = json!({"sub": "alice", "exp": seconds_from_now(-60)});
    for (method, path) in customers_operations(&event) {
        let caller = server.bearer(&hs256(&old, JWT_SECRET.as_bytes()));
        let answer = caller.send(caller.request(method, &path).json(&json!({}))).await;
        answer.problem(401, "token_expired");
        assert!(answer.header("www-authenticate").is_some_and(|challenge| challenge.contains("invalid_token")));
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
    // The same customer, by the secret that is configured beside the key.
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
    orders(Some("shop"), Some("https://id.example")).await.problem(401, "unauthorized");
    orders(Some("rowlock"), Some("https://id.evil")).await.problem(401, "unauthorized");
    orders(None, Some("https://id.example")).await.problem(401, "unauthorized");
    orders(Some("rowlock"), None).await.problem(401, "unauthorized");
}

#[test]
fn weak_or_missing_keys_are_refused_before_the_server_starts() {
    let settings =
        AuthSettings { jwt_secret: None, jwt_public_key_file: None, jwt_audience: None, jwt_issuer: None, webhook_secret: WEBHOOK_SECRET };
    let error = |settings: AuthSettings<'_>| format!("{:#}", Auth::new(&settings).err().expect("refused"));
    let short = "x".repeat(31);
    assert!(error(AuthSettings { ..settings }).contains("neither"));
    assert!(error(AuthSettings { jwt_secret: Some(&short), ..settings }).contains("32"));
    for webhook_secret in ["", "whsec_", "whsec_?", "whsec_c2hvcnQ=", "dGhlIHRlc3RzJyBzZWNyZXQgb2YgdGhlIGdhdGV3YXk="] {
        assert!(error(AuthSettings { jwt_secret: Some(JWT_SECRET), webhook_secret, ..settings }).contains("webhook secret"));
    }
    let private = key_file("rsa_private.pem");
    assert!(error(AuthSettings { jwt_public_key_file: Some(private.as_ref()), ..settings }).contains("no RSA or Ed25519 public key"));
    assert!(mint_customer_token(&short, "alice", 60).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admins_key_opens_the_admins_operations() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let before = server.trace().await;
    let alice = server.customer("alice");
    for (method, path) in admins_operations(&event) {
        let unknown = server.anyone().with("x-api-key", "rlk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let empty = server.anyone().with("x-api-key", "");
        for caller in [&server.anyone(), &*alice, &unknown, &empty] {
            let answer = caller.send(caller.request(method.clone(), &path).json(&json!({"status": "closed"}))).await;
            answer.problem(401, "unauthorized");
            assert!(answer.header("www-authenticate").is_some(), "{method} {path}");
        }
    }
    // And an admin's key is no customer's token.
    server.admin().get(&event.at("orders")).await.problem(401, "unauthorized");
    assert_eq!(server.trace().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_stops_working_within_seconds_and_its_neighbour_does_not() {
    let server = TestServer::start().await;
    let endpoint = Endpoint::new(&server.database_url, None).expect("a URL");
    let (api_key_id, api_key) = api_keys::create(&endpoint, "box office").await.expect("a key");
    let box_office = server.anyone().with("x-api-key", &api_key);
    box_office.get("/v1/admin/dead-letters").await.expect(200);
    api_keys::revoke(&endpoint, api_key_id).await.expect("revoked");
    eventually(PATIENCE, || async { box_office.get("/v1/admin/dead-letters").await.status == 401 }).await;
    box_office.get("/v1/admin/dead-letters").await.problem(401, "unauthorized");
    server.admin().get("/v1/admin/dead-letters").await.expect(200);

    let stored = "select count(*) from rowlock.api_keys where encode(hash, 'escape') like '%rlk%' or name like '%rlk%'";
    assert_eq!(server.ask::<i64>(stored).await, 0, "a key itself is never stored");
    assert!(api_keys::revoke(&endpoint, 4711).await.is_err());
}

/// When the key was last used, as operators see it.
async fn last_used(server: &TestServer, api_key_id: i64) -> Option<OffsetDateTime> {
    server.ask(&format!("select last_used_at from admin.api_keys where api_key_id = {api_key_id}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_use_of_a_key_is_written_down_to_the_minute() {
    let server = TestServer::start().await;
    let endpoint = Endpoint::new(&server.database_url, None).expect("a URL");
    let (api_key_id, api_key) = api_keys::create(&endpoint, "box office").await.expect("a key");
    assert_eq!(last_used(&server, api_key_id).await, None);
    server.anyone().with("x-api-key", "rlk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").get("/v1/admin/dead-letters").await.expect(401);
    server.anyone().with("x-api-key", &api_key).get("/v1/admin/dead-letters").await.expect(200);
    let first = eventually(PATIENCE, || last_used(&server, api_key_id)).await;
    assert!((OffsetDateTime::now_utc() - first).abs() < time::Duration::minutes(1), "{first}");
    let others = server.ask::<i64>("select count(*) from rowlock.api_keys where last_used_at is not null").await;
    assert_eq!(others, 1, "nobody else's key was used");

    let note = format!("select rowlock.note_api_key_use({api_key_id})");
    server.db.batch_execute(&note).await.expect("noted");
    assert_eq!(last_used(&server, api_key_id).await, Some(first), "not with every use");
    let long_ago = "update rowlock.api_keys set last_used_at = last_used_at - interval '61 s'";
    server.db.batch_execute(&format!("{long_ago}; {note}")).await.expect("noted");
    assert!(last_used(&server, api_key_id).await >= Some(first), "a minute later it is written down again");

    // Somebody has the key's row: whoever uses the key meanwhile does not wait.
    let other = endpoint.connect().await.expect("a connection").0;
    other.batch_execute(&format!("{long_ago}; begin; select from rowlock.api_keys for update")).await.expect("locked");
    server.db.batch_execute(&format!("set lock_timeout = 1; {note}; reset lock_timeout")).await.expect("not waited for");
}
