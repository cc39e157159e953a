//! What a command says when the database refuses it: what is wrong, and what to do.

use super::process::{output_of, rowlock};
use super::serve::with_database;
use crate::harness::TestDatabase;
use crate::psql::logins::{Logins, PASSWORD, url_as};

const MIGRATE: &[&str] = &["migrate"];
const KEY_COMMANDS: [&[&str]; 3] =
    [&["api-key", "create", "--name", "box office"], &["api-key", "list"], &["api-key", "revoke", "--id", "1"]];

/// The command must fail with these words in one line, and give no password away.
#[track_caller]
fn assert_refused(args: &[&str], database_url: &str, said: &[&str]) {
    let output = output_of(rowlock(args).env("DATABASE_URL", database_url));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
    assert!(text.starts_with("rowlock: ") && text.lines().count() == 1, "{args:?}: {text}");
    assert!(said.iter().all(|part| text.contains(part)), "{args:?} does not say {said:?}: {text}");
    assert!(!text.contains("hunter2") && !text.contains(PASSWORD), "{args:?} gives the password away: {text}");
    assert!(output.stdout.is_empty(), "{args:?}: a key that was not stored is not printed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_does_not_get_to_the_database_says_what_to_do() {
    let database = TestDatabase::cloned().await;
    let logins = Logins::new(&database.url()).await;
    let shop = |password| url_as(&database.url(), &logins.name("shop"), password);
    for args in KEY_COMMANDS.into_iter().chain([MIGRATE]) {
        let nobody = "postgres://nobody:hunter2@127.0.0.1:1/nowhere";
        assert_refused(args, nobody, &["PostgreSQL cannot be reached", "check that it is running", "(DATABASE_URL)"]);
        assert_refused(args, &shop("hunter2"), &["PostgreSQL refuses the login", "28P01", "the user and the password in --database-url"]);
        let missing = with_database(&shop(PASSWORD), "no_such_database");
        assert_refused(args, &missing, &["the database does not exist", "3D000", "create the database"]);
    }
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_without_the_rights_is_told_which_it_needs() {
    let database = TestDatabase::cloned().await;
    let logins = Logins::new(&database.url()).await;
    for who in ["sam", "shop"] {
        let url = url_as(&database.url(), &logins.name(who), PASSWORD);
        assert_refused(
            MIGRATE,
            &url,
            &["the login may not migrate this database: use the login that migrated it first", "permission denied"],
        );
        for args in KEY_COMMANDS {
            assert_refused(args, &url, &["the login is not in role rowlock_admin (42501", "grant rowlock_admin to", "(DATABASE_URL)"]);
        }
    }
    logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_database_that_nobody_migrated_want_a_migration_first() {
    let database = TestDatabase::empty().await;
    for args in KEY_COMMANDS {
        assert_refused(args, &database.url(), &["the database is not migrated", "run `rowlock migrate`"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_wants_a_name_that_people_can_read() {
    let database = TestDatabase::cloned().await;
    for (name, said) in [("", "--name must be a text of 1 to 200 characters"), ("two\nlines", "--name must not contain control characters")]
    {
        assert_refused(&["api-key", "create", "--name", name], &database.url(), &[said]);
    }
}
