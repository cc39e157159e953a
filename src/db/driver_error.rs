//! What an error of the driver says, and who says it: PostgreSQL, or the network.

use std::error::Error as _;

use tokio_postgres::Error;

/// The SQLSTATE of what a role may not do.
pub(super) const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// The SQLSTATE of a lock that somebody else kept for longer than was waited for it.
pub(super) const LOCK_NOT_AVAILABLE: &str = "55P03";

/// The SQLSTATE, if the error is from PostgreSQL.
pub(super) fn code_of(error: &Error) -> Option<&str> {
    error.code().map(tokio_postgres::error::SqlState::code)
}

/// What went wrong, in one line: the SQLSTATE and PostgreSQL's message, or the chain of causes.
pub(super) fn with_sources(error: &Error) -> String {
    if let Some(db) = error.as_db_error() {
        return format!("{} {}", db.code().code(), db.message());
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

/// Whether the error is from the network rather than from PostgreSQL.
pub(super) fn is_io(error: &Error) -> bool {
    error.source().is_some_and(|source| source.is::<std::io::Error>())
}
