//! Wrong settings: refused with a helpful message that repeats no secret.

use super::process::{Running, output_of, rowlock, serve};
use crate::harness::{JWT_SECRET, PATIENCE, RedisMode, Scratch, TestServer, WEBHOOK_SECRET, eventually};

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
    ("ROWLOCK_JWT_SECRET_FILE", Some("/nowhere/secret"), "'--jwt-secret <JWT_SECRET>' cannot be used with '--jwt-secret-file"),
    ("ROWLOCK_REDIS_URL_FILE", Some("/nowhere/redis"), "cannot read the secret in /nowhere/redis (--redis-url-file)"),
    ("ROWLOCK_FORWARDED_PROTO_HEADER", Some("X Proto"), "it must be the name of a header, such as X-Forwarded-Proto"),
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

/// Secrets in files work like those in the environment; on the command line they do, too, with a warning that does not repeat them.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_taken_from_files_and_warned_of_on_the_command_line() {
    let server = TestServer::builder().redis(RedisMode::Off).start().await;
    let files = Scratch::new();
    let file = |name: &str, secret: &str| files.file(name, format!("{secret}\n")).display().to_string();
    let (jwt, webhook, database) = (file("jwt", JWT_SECRET), file("webhook", WEBHOOK_SECRET), file("database", &server.database_url));

    // `migrate` finds the database by its file, and `token` its secret.
    let migrated = output_of(&mut rowlock(&["migrate", "--database-url-file", &database]));
    assert!(migrated.status.success() && migrated.stderr.is_empty(), "{migrated:?}");
    let mut tokens = Vec::new();
    for (args, warned) in [(["--jwt-secret-file", jwt.as_str()], false), (["--jwt-secret", JWT_SECRET], true)] {
        let output = output_of(rowlock(&["token", "--customer", "alice"]).args(args));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !said.contains(JWT_SECRET), "{said}");
        let warning = "rowlock: warning: everybody on this machine can read --jwt-secret on the command line: set ROWLOCK_JWT_SECRET or \
                       --jwt-secret-file instead\n";
        assert_eq!(said, if warned { warning } else { "" });
        tokens.push(String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned());
    }

    let named = [("ROWLOCK_JWT_SECRET_FILE", jwt.as_str()), ("ROWLOCK_WEBHOOK_SECRET_FILE", webhook.as_str())];
    let (mut child, url) = serve(&server.database_url, &named).await;
    for token in &tokens {
        let answer = reqwest::Client::new().get(format!("{url}/v1/events/1/orders")).bearer_auth(token).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "the token is taken, and there is no such event");
    }
    let log = child.stderr();
    assert!(!log.contains("can read --") && log.contains("neither --jwt-audience nor --jwt-issuer is set"), "{log}");
    child.signal("TERM");
    child.ended().await;

    let mut command = rowlock(&["serve", "--jwt-secret", JWT_SECRET, "--jwt-issuer", "https://id.example", "--listen", "127.0.0.1:0"]);
    command.env("ROWLOCK_WEBHOOK_SECRET", WEBHOOK_SECRET).env("ROWLOCK_DATABASE_URL_FILE", &database);
    let child = Running::start(command).await;
    eventually(PATIENCE, || std::future::ready(child.stderr().contains("listening"))).await;
    let log = child.stderr();
    assert!(log.contains("can read --jwt-secret on the command line") && !log.contains(JWT_SECRET), "{log}");
    assert!(!log.contains("neither --jwt-audience"), "{log}");
}
