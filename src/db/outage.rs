//! Why the database can serve nobody, and what an operator does about it.

use super::driver_error::{INSUFFICIENT_PRIVILEGE, code_of, is_io, with_sources};

/// What kind of outage it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutageKind {
    /// Nothing answers at the address, or not in time.
    Unreachable,
    /// PostgreSQL answers, but accepts no connections at the moment.
    NotAccepting,
    /// PostgreSQL has no connections left.
    Full,
    /// The login is unknown, its password is wrong, or it may not connect from here.
    LoginRefused,
    /// PostgreSQL has no database of that name.
    NoSuchDatabase,
    /// The login is not in role `rowlock_app`.
    NotInRole,
    /// The database lacks what this server calls.
    NotMigrated,
    /// Anything else that keeps a connection from being made.
    NoConnection,
}

impl OutageKind {
    /// What is wrong, in a few words.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Unreachable => "PostgreSQL cannot be reached",
            Self::NotAccepting => "PostgreSQL is starting up or shutting down",
            Self::Full => "PostgreSQL has no connections left",
            Self::LoginRefused => "PostgreSQL refuses the login",
            Self::NoSuchDatabase => "the database does not exist",
            Self::NotInRole => "the login is not in role rowlock_app",
            Self::NotMigrated => "the database is not migrated",
            Self::NoConnection => "cannot connect to PostgreSQL",
        }
    }

    /// What an operator does about it.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Unreachable => "check that it is running, and the host and port in --database-url (DATABASE_URL)",
            Self::NotAccepting => "wait; if it stays like this, check PostgreSQL's log",
            Self::Full => "raise max_connections, or lower --pool-size or --lanes",
            Self::LoginRefused => {
                "check the user and the password in --database-url (DATABASE_URL), and that pg_hba.conf and its privileges let it connect"
            }
            Self::NoSuchDatabase => "check the name in --database-url (DATABASE_URL), or create the database and run `rowlock migrate`",
            Self::NotInRole => {
                "as a superuser, run `grant rowlock_app to` with the name of this login, or use another login in --database-url \
                 (DATABASE_URL)"
            }
            Self::NotMigrated => "run `rowlock migrate`",
            Self::NoConnection => "check --database-url (DATABASE_URL) and PostgreSQL's log",
        }
    }

    /// Whether only different settings can end it: a server with these settings should not start.
    pub(crate) fn is_a_wrong_setting(self) -> bool {
        matches!(self, Self::LoginRefused | Self::NoSuchDatabase | Self::NotInRole)
    }

    /// Whether it may end at any moment by itself.
    pub(crate) fn may_pass(self) -> bool {
        !(self.is_a_wrong_setting() || self == Self::NotMigrated)
    }
}

/// An outage, as a caller met it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} ({cause}): {}", .kind.meaning(), .kind.advice())]
pub struct Outage {
    /// What kind it is.
    pub kind: OutageKind,
    /// The error behind it, for the log and not for clients.
    pub cause: String,
}

impl Outage {
    pub(crate) fn new(kind: OutageKind, cause: impl Into<String>) -> Self {
        Self { kind, cause: cause.into() }
    }

    /// Why a connection could not be opened.
    pub(super) fn of_connecting(error: &tokio_postgres::Error) -> Self {
        let kind = match code_of(error) {
            Some("28P01" | "28000" | INSUFFICIENT_PRIVILEGE) => OutageKind::LoginRefused,
            Some("3D000") => OutageKind::NoSuchDatabase,
            Some("57P01" | "57P02" | "57P03") => OutageKind::NotAccepting,
            Some("53300") => OutageKind::Full,
            Some(_) => OutageKind::NoConnection,
            None if is_io(error) || error.is_closed() => OutageKind::Unreachable,
            // The URL has no password, and PostgreSQL asks for one.
            None if with_sources(error).contains("password missing") => OutageKind::LoginRefused,
            None => OutageKind::NoConnection,
        };
        Self::new(kind, with_sources(error))
    }

    /// Why an open connection could not set its role.
    pub(super) fn of_session(error: &tokio_postgres::Error) -> Self {
        match code_of(error) {
            Some(INSUFFICIENT_PRIVILEGE) => Self::new(OutageKind::NotInRole, with_sources(error)),
            // No migration has created the role in this cluster yet.
            Some("22023") => Self::new(OutageKind::NotMigrated, with_sources(error)),
            _ => Self::of_connecting(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_says_what_is_wrong_and_what_to_do() {
        let text = Outage::new(OutageKind::NotMigrated, "3F000 schema \"rowlock\" does not exist").to_string();
        assert_eq!(text, "the database is not migrated (3F000 schema \"rowlock\" does not exist): run `rowlock migrate`");
    }

    #[test]
    fn wrong_settings_are_told_apart_from_what_passes() {
        use OutageKind::{Full, LoginRefused, NoConnection, NoSuchDatabase, NotAccepting, NotInRole, NotMigrated, Unreachable};
        for kind in [LoginRefused, NoSuchDatabase, NotInRole] {
            assert!(kind.is_a_wrong_setting() && !kind.may_pass(), "{kind:?}");
            assert!(kind.advice().contains("--database-url (DATABASE_URL)"), "{kind:?}");
        }
        for kind in [Unreachable, NotAccepting, Full, NoConnection] {
            assert!(!kind.is_a_wrong_setting() && kind.may_pass(), "{kind:?}");
        }
        // An operator has to migrate, but the server need not be restarted.
        assert!(!NotMigrated.is_a_wrong_setting() && !NotMigrated.may_pass());
    }
}
