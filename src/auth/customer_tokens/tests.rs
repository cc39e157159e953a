use clap::{Args, Command, FromArgMatches};
use pretty_assertions::assert_eq;
use serde_json::json;
use time::macros::datetime;

use super::*;

mod claims;

const SECRET: &str = "a secret for unit tests of customers' tokens";
const NOW: OffsetDateTime = datetime!(2026-11-30 12:00:00.25 UTC);
/// The same moment in seconds.
const NOW_S: f64 = 1_796_040_000.25;

fn settings() -> AuthSettings {
    let flags = ["rowlock", "--jwt-secret", SECRET, "--jwt-lifetime-max-s", "0", "--webhook-secret", "not looked at"];
    AuthSettings::from_arg_matches(&AuthSettings::augment_args(Command::new("rowlock")).get_matches_from(flags)).unwrap()
}

fn encoded(json: &str) -> String {
    URL_SAFE_NO_PAD.encode(json)
}

/// A token with these parts, signed as HS256 tokens are, whatever its header says.
fn signed(header: &str, claims: &str) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let signature = crypto::sign(message.as_bytes(), &EncodingKey::from_secret(SECRET.as_bytes()), Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn read_by(settings: &AuthSettings, token: &str) -> Result<String, AuthError> {
    CustomerTokens::new(settings).unwrap().customer(token, NOW)
}

/// The result for a token with these claims, written as text because JSON has numbers that fit into no type of ours.
fn of_claims(claims: &str) -> Result<String, AuthError> {
    read_by(&settings(), &signed(r#"{"alg":"HS256"}"#, claims))
}

/// The claims of a valid token with one more, or with another value for one of them.
fn with(name: &str, value: &str) -> Result<String, AuthError> {
    let mut claims: Vec<(&str, &str)> = vec![("sub", "\"alice\""), ("exp", "1796040600")];
    claims.retain(|(known, _)| *known != name);
    claims.push((name, value));
    let claims: Vec<_> = claims.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    of_claims(&format!("{{{}}}", claims.join(",")))
}

#[track_caller]
fn assert_invalid(result: &Result<String, AuthError>, part_of_reason: &str) {
    match result {
        Err(AuthError::Invalid(_, reason)) => assert!(reason.contains(part_of_reason), "{reason:?} does not say {part_of_reason:?}"),
        other => panic!("{other:?} instead of {part_of_reason:?}"),
    }
}

#[test]
fn the_moment_of_these_tests_is_what_it_says() {
    assert_eq!(seconds(NOW), NOW_S);
    assert_eq!(with("exp", "1796040600"), Ok("alice".to_owned()));
}

#[test]
fn a_token_that_is_none_or_forged_says_no_more_than_that() {
    let good = signed(r#"{"alg":"HS256"}"#, r#"{"sub":"alice","exp":1796040600}"#);
    assert_eq!(read_by(&settings(), &good), Ok("alice".to_owned()));
    let parts: Vec<_> = good.split('.').collect();
    let malformed = ["", "abc", "a.b", ".", "..", &format!("{good}.x"), &format!("{}.{}", parts[0], parts[1]), &good.replace('.', " ")];
    for token in malformed {
        assert_invalid(&read_by(&settings(), token), "the token is malformed");
    }
    assert_invalid(&read_by(&settings(), &format!("{}.{}.?", parts[0], parts[1])), "the token is malformed");
    for header in ["{}", "[]", "{\"alg\":5}", "nonsense"] {
        assert_invalid(&read_by(&settings(), &signed(header, "{}")), "its header is not JSON with an alg");
    }
    for alg in ["none", "NONE", "HS384", "RS256", "EdDSA", "hs256", "\\\" onmouseover"] {
        let token = signed(&format!("{{\"alg\":\"{alg}\"}}"), r#"{"sub":"alice","exp":1796040600}"#);
        assert_invalid(&read_by(&settings(), &token), "alg is not supported: this server takes HS256");
    }
    for crit in ["[\"b64\"]", "[\"exp\"]", "[]", "null", "\"exp\"", "{}", "7"] {
        let token = signed(&format!("{{\"alg\":\"HS256\",\"crit\":{crit}}}"), r#"{"sub":"alice","exp":1796040600}"#);
        assert_invalid(&read_by(&settings(), &token), "the token's header has crit: no critical extension is supported");
    }
    // Nothing in a forged token is checked, not even whether it has expired.
    let forged = format!("{}.{}.{}", parts[0], encoded(r#"{"sub":"alice","exp":1}"#), parts[2]);
    for token in [forged, format!("{}.{}.", parts[0], parts[1]), format!("{}.{}.AAAA", parts[0], parts[1])] {
        assert_invalid(&read_by(&settings(), &token), "signature does not match any key");
    }
}

#[test]
fn every_key_is_tried_and_all_algorithms_are_named() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/keys/rsa_public.pem");
    let settings = AuthSettings { jwt_public_key_file: Some(file.into()), ..settings() };
    assert_invalid(&read_by(&settings, &signed(r#"{"alg":"none"}"#, "{}")), "this server takes HS256 or RS256");
    assert_invalid(&read_by(&settings, &signed(r#"{"alg":"RS256"}"#, "{}")), "signature does not match any key");
}

#[test]
fn keys_that_are_missing_or_weak_are_refused_by_their_flags() {
    let error = |settings: AuthSettings| format!("{:#}", CustomerTokens::new(&settings).err().expect("refused"));
    let none = error(AuthSettings { jwt_secret: None, ..settings() });
    for name in ["--jwt-secret", "ROWLOCK_JWT_SECRET", "--jwt-public-key-file", "ROWLOCK_JWT_PUBLIC_KEY_FILE"] {
        assert!(none.contains(name), "{none}");
    }
    let short = "x".repeat(31);
    let weak = error(AuthSettings { jwt_secret: Some(short.clone()), ..settings() });
    assert!(weak.contains("--jwt-secret") && weak.contains("31 bytes") && !weak.contains(&short), "{weak}");
    let absent = error(AuthSettings { jwt_public_key_file: Some("/nowhere/key.pem".into()), ..settings() });
    assert!(absent.contains("/nowhere/key.pem (--jwt-public-key-file"), "{absent}");
    let private = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/keys/rsa_private.pem");
    let private = error(AuthSettings { jwt_public_key_file: Some(private.into()), ..settings() });
    assert!(private.contains("rsa_private.pem") && private.contains("it is a private key"), "{private}");
}

#[test]
fn a_minted_token_is_one_that_is_taken() {
    let now = OffsetDateTime::now_utc();
    let read = |token: &str, at| CustomerTokens::new(&settings()).unwrap().customer(token, at);
    let token = mint_customer_token(SECRET, "alice", 60).unwrap();
    assert_eq!(read(&token, now), Ok("alice".to_owned()));
    assert_eq!(read(&token, now + time::Duration::seconds(70)), Err(AuthError::Expired));
    assert!(mint_customer_token(SECRET, "alice", u64::MAX).is_err());
    assert!(mint_customer_token(SECRET, "", 60).is_err());
    assert!(mint_customer_token("short", "alice", 60).is_err());
}

proptest::proptest! {
    #[test]
    fn nothing_that_a_client_can_send_is_more_than_a_refusal(token in ".{0,80}", header in ".{0,40}", claims in ".{0,80}", time: f64) {
        let tokens = CustomerTokens::new(&settings()).unwrap();
        assert!(tokens.customer(&token, NOW).is_err());
        assert!(tokens.customer(&format!("{}.{}.{token}", encoded(&header), encoded(&claims)), NOW).is_err());
        assert!(tokens.customer(&signed(r#"{"alg":"HS256"}"#, &claims), NOW).is_err());
        let claims = json!({"sub": "alice", "exp": time, "nbf": time, "iat": time});
        assert!(tokens.customer(&signed(r#"{"alg":"HS256"}"#, &claims.to_string()), NOW).is_err(), "it ends before it begins");
    }
}
