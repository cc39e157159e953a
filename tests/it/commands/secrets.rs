//! Wrong settings: refused with a helpful message that repeats no secret.

use super::process::{output_of, rowlock};

const JWT_SECRET: &str = "0123456789abcdef0123456789abcdef";
const WEBHOOK_SECRET: &str = "whsec_dGhlIHRlc3RzJyBzZWNyZXQgb2YgdGhlIGdhdGV3YXk=";
const DATABASE_URL: &str = "postgres://nobody:hidden@127.0.0.1:9/nowhere";

const NO_CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/keys/rsa_public.pem");

/// One wrong environment variable (`None`: not set), and what the message must say about it.
const WRONG: &[(&str, Option<&str>, &str)] = &[
    ("ROWLOCK_WEBHOOK_SECRET", None, "--webhook-secret"),
    ("ROWLOCK_WEBHOOK_SECRET", Some("whsec_hunter2!"), "is not `whsec_` followed by base64"),
    ("ROWLOCK_JWT_SECRET", None, "neither a JWT secret nor a JWT public key is given"),
    ("ROWLOCK_JWT_SECRET", Some("hunter2"), "ROWLOCK_JWT_SECRET) has 7 bytes; at least 32 are needed"),
    ("DATABASE_URL", None, "--database-url"),
    ("DATABASE_URL", Some("postgres://me:hunter2@[broken/db"), "the database URL has a bad value for host"),
    ("DATABASE_URL", Some("user=me password=hunter2"), "the database URL names no host"),
    (
        "REDIS_URL",
        Some("redis//me:hunter2@nowhere"),
        "the Redis URL (--redis-url, REDIS_URL) cannot be read: it must be redis://user:password@host:port/db",
    ),
    ("ROWLOCK_LANES", Some("0"), "'--lanes <LANES>': it must be a whole number from 1 to 256"),
    ("ROWLOCK_IDLE_S", Some("abc"), "'--idle-s <IDLE_S>': it must be a whole number from 1 to 86400"),
    ("ROWLOCK_LISTEN", Some("nowhere"), "'--listen <LISTEN>': it must be an IP address and a port, such as 127.0.0.1:8080"),
    ("ROWLOCK_LISTEN", Some("192.0.2.1:80"), "cannot listen on 192.0.2.1:80"),
    ("ROWLOCK_JWT_PUBLIC_KEY_FILE", Some("/nowhere/key.pem"), "cannot read the JWT public key file /nowhere/key.pem"),
    ("ROWLOCK_DATABASE_CA_FILE", Some("/nowhere/ca.pem"), "cannot read /nowhere/ca.pem"),
    ("ROWLOCK_DATABASE_CA_FILE", Some(NO_CERTIFICATE), "(--database-ca-file, ROWLOCK_DATABASE_CA_FILE): it contains no certificate"),
    ("ROWLOCK_MIGRATE", Some("true"), "cannot connect for the migration"),
];

#[test]
fn wrong_settings_are_refused_in_clear_words_without_the_secret() {
    for (name, value, said) in WRONG {
        let mut serve = rowlock(&["serve"]);
        serve.env("ROWLOCK_LISTEN", "127.0.0.1:0").env("DATABASE_URL", DATABASE_URL);
        serve.env("ROWLOCK_JWT_SECRET", JWT_SECRET).env("ROWLOCK_WEBHOOK_SECRET", WEBHOOK_SECRET);
        match value {
            Some(value) => serve.env(name, value),
            None => serve.env_remove(name),
        };
        let output = output_of(&mut serve);
        let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{name}={value:?}: {}", output.status);
        assert!(text.contains(said), "{name}={value:?} is answered: {text}");
        for secret in ["hunter2", "hidden", JWT_SECRET, WEBHOOK_SECRET] {
            assert!(!text.contains(secret), "{name}={value:?} gives {secret} away: {text}");
        }
    }
}

#[test]
fn commands_that_cannot_reach_the_database_say_so_without_its_password() {
    for args in [&["migrate"][..], &["api-key", "create", "--name", "me"], &["api-key", "revoke", "--id", "1"]] {
        let output = output_of(rowlock(args).env("DATABASE_URL", DATABASE_URL));
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
        assert!(text.starts_with("rowlock: ") && !text.contains("hidden"), "{args:?}: {text}");
    }
}
