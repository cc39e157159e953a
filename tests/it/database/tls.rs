//! TLS to PostgreSQL: its certificate must be signed by an authority that was named, or that this machine trusts.

use std::path::Path;

use pretty_assertions::assert_eq;
use rowlock::db::Endpoint;
use rowlock_lab::embedded::PrivatePostgres;
use tokio_postgres::Client;

use crate::commands::process::{output_of, rowlock};
use crate::harness::{PATIENCE, Scratch, eventually, own_postgres};

/// Signed by itself, so that it is its own authority.
const CERTIFICATE: &str = include_str!("../keys/postgres_certificate.pem");
const PRIVATE_KEY: &str = include_str!("../keys/postgres_private.pem");
const DATABASE: &str = "rowlock";

/// What a statement of one row and column answers.
async fn is(db: &Client, sql: &str) -> bool {
    db.query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
}

/// From now on new connections may be encrypted. PostgreSQL writes the files itself: it takes no key that others could read.
async fn speak_tls(postgres: &PrivatePostgres) {
    let (db, _driver) = Endpoint::new(&postgres.url(DATABASE), None).expect("a URL").connect().await.expect("a connection");
    for (name, text) in [("server.crt", CERTIFICATE), ("server.key", PRIVATE_KEY)] {
        let lines: Vec<String> = text.lines().map(|line| format!("('{line}')")).collect();
        let copy = format!("copy (values {}) to program 'umask 077 && cat > {name}'", lines.join(", "));
        db.batch_execute(&copy).await.expect("a file");
    }
    db.batch_execute("alter system set ssl = on").await.expect("a setting");
    db.batch_execute("select pg_reload_conf()").await.expect("reloaded");
    eventually(PATIENCE, || is(&db, "select setting = 'on' from pg_settings where name = 'ssl'")).await;
}

/// What `rowlock migrate` says against it, when it succeeds and when it does not.
fn migrated(url: &str, authority: &[(&str, &Path)]) -> Result<(), String> {
    let output = output_of(rowlock(&["migrate"]).env("DATABASE_URL", url).env_remove("SSL_CERT_DIR").envs(authority.iter().copied()));
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_trusted_whose_authority_is_named_or_known_to_this_machine_and_no_other() {
    let dir = Scratch::new();
    let Some(postgres) = own_postgres(dir.path()).await else { return };
    speak_tls(&postgres).await;
    let authority = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/keys/postgres_certificate.pem");
    let nobody = dir.path().join("nobody.pem");
    std::fs::write(&nobody, "").expect("a file");
    let url = format!("{}?sslmode=require", postgres.url(DATABASE));

    // This machine's authorities are those of OpenSSL's variable.
    let refused = migrated(&url, &[("SSL_CERT_FILE", &nobody)]).expect_err("refused");
    assert!(refused.contains("certificate"), "{refused}");
    assert_eq!(migrated(&url, &[("SSL_CERT_FILE", &authority)]), Ok(()));
    assert_eq!(migrated(&url, &[("SSL_CERT_FILE", &nobody), ("ROWLOCK_DATABASE_CA_FILE", &authority)]), Ok(()));
    // Named, they take the place of this machine's.
    let refused = migrated(&url, &[("SSL_CERT_FILE", &authority), ("ROWLOCK_DATABASE_CA_FILE", &nobody)]).expect_err("refused");
    assert!(refused.contains("certificate"), "{refused}");

    let (db, _driver) = Endpoint::new(&url, Some(&authority)).expect("a URL").connect().await.expect("a connection");
    assert!(is(&db, "select ssl from pg_stat_ssl where pid = pg_backend_pid()").await, "not encrypted");
    drop(db);
    let other_name = format!("{}&hostaddr=127.0.0.1", url.replace("@127.0.0.1:", "@db.example:"));
    let error = Endpoint::new(&other_name, Some(&authority)).expect("a URL").connect().await.expect_err("refused");
    assert!(error.to_string().contains("certificate"), "{error}");
    postgres.stop().await.expect("stopped");
}
