//! How far clocks may differ, and how long a revoked key still works.

use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rowlock::db::{Endpoint, api_keys};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::harness::{JWT_SECRET, TestServer};

/// How long a revoked key may work: five seconds in a server's memory, plus some time for requests.
const REVOKED_WITHIN: Duration = Duration::from_secs(6);

fn token(claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(JWT_SECRET.as_bytes())).expect("a token")
}

fn seconds_from_now(seconds: i64) -> i64 {
    OffsetDateTime::now_utc().unix_timestamp() + seconds
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_may_be_five_seconds_apart_and_no_further() {
    let server = TestServer::start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    let status = async |claims: Value| server.bearer(&token(&claims)).get(&event.at("orders")).await.status;
    for (expired_for, expected) in [(2, 200), (8, 401), (40, 401)] {
        let claims = json!({"sub": "alice", "exp": seconds_from_now(-expired_for)});
        assert_eq!(status(claims).await, expected, "expired {expired_for} s ago");
    }
    for (good_in, expected) in [(3, 200), (9, 401), (40, 401)] {
        let claims = json!({"sub": "alice", "exp": seconds_from_now(600), "nbf": seconds_from_now(good_in)});
        assert_eq!(status(claims).await, expected, "good in {good_in} s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_that_is_in_use_is_refused_within_six_seconds() {
    let server = TestServer::start().await;
    let endpoint = Endpoint::new(&server.database_url, None).expect("a URL");
    let (api_key_id, api_key) = api_keys::create_api_key(&endpoint, "box office").await.expect("a key");
    let box_office = server.anyone().with("x-api-key", &api_key);
    box_office.get("/v1/admin/dead-letters").await.expect(200);
    api_keys::revoke_api_key(&endpoint, api_key_id).await.expect("revoked");
    let revoked = Instant::now();
    // Used all the time: use must not keep it alive.
    loop {
        let asked = revoked.elapsed();
        let answer = box_office.get("/v1/admin/dead-letters").await;
        if answer.status == 401 {
            break;
        }
        answer.expect(200);
        assert!(asked < REVOKED_WITHIN, "it still works {} ms after it was revoked", asked.as_millis());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
