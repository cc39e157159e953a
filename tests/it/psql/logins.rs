//! Real logins, one for each of our roles and one in none.

use rowlock::db::Endpoint;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

pub const PASSWORD: &str = "open-sesame";

/// Logins of one test. They belong to the whole cluster, so each test has its own.
pub struct Logins {
    superuser_url: String,
    suffix: String,
}

/// The roles of each login.
const ROLES: [(&str, &str); 5] = [
    ("olivia", "in role rowlock_admin"),
    ("rita", "in role rowlock_readonly"),
    ("shop", "in role rowlock_app"),
    ("both", "in role rowlock_admin, rowlock_readonly"),
    ("sam", ""),
];

impl Logins {
    /// Creates the logins in the cluster of this database.
    pub async fn new(superuser_url: &str) -> Self {
        let suffix = Uuid::now_v7().simple().to_string();
        let logins = Self { superuser_url: superuser_url.to_owned(), suffix };
        for (who, roles) in ROLES {
            logins.superuser(&format!("create role {} login password '{PASSWORD}' {roles}", logins.name(who))).await;
        }
        logins
    }

    /// The name of a login.
    pub fn name(&self, who: &str) -> String {
        format!("{who}_{}", self.suffix)
    }

    /// A connection of a login.
    pub async fn connect(&self, who: &str) -> Client {
        connect(&url_as(&self.superuser_url, &self.name(who), PASSWORD)).await
    }

    /// Drops the logins.
    pub async fn gone(self) {
        for (who, _) in ROLES {
            self.superuser(&format!("drop owned by {0}; drop role {0}", self.name(who))).await;
        }
    }

    async fn superuser(&self, sql: &str) {
        connect(&self.superuser_url).await.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
}

/// A connection to the database of that URL.
pub async fn connect(url: &str) -> Client {
    Endpoint::new(url, None).expect("a URL").connect().await.expect("a connection").0
}

/// The same URL for another user.
pub fn url_as(url: &str, user: &str, password: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let end = rest.find('/').unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{user}:{password}@{}", &rest[host..])
}

/// SQLSTATE and detail of the error that a statement must end with.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (String, String) {
    let error = outcome.expect_err("a refusal");
    let db = error.as_db_error().unwrap_or_else(|| panic!("{error:?}"));
    (db.code().code().to_owned(), db.detail().unwrap_or_default().to_owned())
}

#[test]
fn a_url_is_given_another_user() {
    assert_eq!(url_as("postgres://u:p@h:1/x?a=b", "v", "q"), "postgres://v:q@h:1/x?a=b");
    assert_eq!(url_as("postgres://h/x", "v", "q"), "postgres://v:q@h/x");
}
