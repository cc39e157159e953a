//! Authentication: whose signatures the server takes for a customer's here; tokens, admins and the gateway in submodules.

mod admins;
mod gateway;
mod lifetimes;
mod tokens;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Command, FromArgMatches};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use pretty_assertions::assert_eq;
use reqwest::Method;
use rowlock::auth::{Auth, mint_customer_token};
use rowlock::config::AuthSettings;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::bad_input::queries::path_of;
use crate::harness::{Document, EventHandle, JWT_SECRET, Scratch, TestServer, WEBHOOK_SECRET};

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
fn customers_operations(event: &EventHandle) -> Vec<(Method, String)> {
    operations_with("CustomerToken", event)
}

/// Every operation of the document that needs this credential, at this event.
fn operations_with(credential: &str, event: &EventHandle) -> Vec<(Method, String)> {
    let operations = Document::published().operations().into_iter();
    let operations = operations.filter(|operation| operation.scheme() == Some(credential) && !operation.needs_no_credentials());
    let path = |template: &str| path_of(&template.replace("{event_id}", &event.id.to_string()));
    let operations: Vec<_> =
        operations.map(|operation| (operation.method.to_uppercase().parse().expect("a method"), path(operation.path))).collect();
    assert!(operations.len() >= 5, "{credential}: {operations:?}");
    operations
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
    let flags = ["rowlock", "--webhook-secret", WEBHOOK_SECRET];
    let settings = AuthSettings::augment_args(Command::new("rowlock")).get_matches_from(flags);
    let settings = AuthSettings::from_arg_matches(&settings).expect("settings");
    let error = |settings: AuthSettings| format!("{:#}", Auth::new(&settings).err().expect("refused"));
    let short = "x".repeat(31);
    assert!(error(settings.clone()).contains("neither"));
    assert!(error(AuthSettings { jwt_secret: Some(short.clone()), ..settings.clone() }).contains("32"));
    for webhook_secret in ["", "whsec_", "whsec_?", "whsec_c2hvcnQ=", "dGhlIHRlc3RzJyBzZWNyZXQgb2YgdGhlIGdhdGV3YXk="] {
        let (jwt_secret, webhook_secret) = (Some(JWT_SECRET.to_owned()), Some(webhook_secret.to_owned()));
        assert!(error(AuthSettings { jwt_secret, webhook_secret, ..settings.clone() }).contains("webhook secret"));
    }
    let private = key_file("rsa_private.pem");
    assert!(error(AuthSettings { jwt_public_key_file: Some(private.into()), ..settings }).contains("it is a private key"));
    assert!(mint_customer_token(&short, "alice", 60).is_err());
}
