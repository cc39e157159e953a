//! The one table that maps the database's errors to the API's: SQLSTATE → code and HTTP status.
//!
//! The same table is in `sql/README.md`; a test compares the two with each other and with the SQL files.

use super::driver_error::{is_io, with_sources};
use super::outage::Outage;

/// Declares the rules: SQLSTATE, `code` of the problem, HTTP status.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident $sqlstate:literal $code:literal $status:literal;)+) => {
        /// A rule that a call broke; stored functions raise it with a SQLSTATE of class `RL`, or answer its code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Rule {
            $($(#[$doc])* $rule,)+
        }

        impl Rule {
            /// Every rule, in the order of their SQLSTATEs.
            pub const ALL: &[Self] = &[$(Self::$rule),+];

            fn row(self) -> (&'static str, &'static str, u16) {
                match self {
                    $(Self::$rule => ($sqlstate, $code, $status),)+
                }
            }
        }
    };
}

rules! {
    /// There is no such event.
    EventNotFound "RL001" "event_not_found" 404;
    /// The event has no such section.
    SectionNotFound "RL002" "section_not_found" 404;
    /// The section has no such seat.
    SeatNotFound "RL003" "seat_not_found" 404;
    /// There is no such order, or it belongs to another customer.
    OrderNotFound "RL004" "order_not_found" 404;
    /// The order is no longer pending.
    OrderNotPending "RL005" "order_not_pending" 409;
    /// A value is invalid; the detail names the field.
    InvalidRequest "RL006" "invalid_request" 400;
    /// The event cannot change from its status to the requested one.
    EventConflict "RL007" "event_conflict" 409;
    /// Some of the seats are held or sold; the detail lists them.
    SeatsNotBlockable "RL008" "seats_not_blockable" 409;
    /// The rows are inconsistent: an assertion failed and nothing was changed.
    Inconsistent "RL009" "internal_error" 500;
    /// There is no such dead letter.
    DeadLetterNotFound "RL010" "dead_letter_not_found" 404;
    /// There is no such API key.
    ApiKeyNotFound "RL011" "api_key_not_found" 404;
}

impl Rule {
    /// The SQLSTATE it is raised with.
    pub fn sqlstate(self) -> &'static str {
        self.row().0
    }

    /// The `code` of its problem body.
    pub fn code(self) -> &'static str {
        self.row().1
    }

    /// The rule whose problem has this `code`.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.code() == code)
    }

    /// The HTTP status it answers with.
    pub fn http_status(self) -> u16 {
        self.row().2
    }
}

/// Why a call to the database gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DbError {
    /// The call broke a rule; nothing was changed.
    #[error("{message}{}", detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default())]
    Rule {
        /// Which one.
        rule: Rule,
        /// The function's message, for people.
        message: String,
        /// The part for programs, such as the field or the seats.
        detail: Option<String>,
    },
    /// The database can serve nobody at the moment; nothing was changed. The server's `OutageLog` logs it once for all callers.
    #[error("{0}")]
    Outage(Outage),
    /// Somebody else holds a lock that the call needs, for longer than it waits; nothing was changed.
    #[error("a lock is held: {0}")]
    Locked(String),
    /// PostgreSQL has run out of disk, memory, locks or connections; nothing was changed.
    #[error("the database has run out of something: {text}")]
    Exhausted {
        /// Of what.
        sqlstate: String,
        /// Its message.
        text: String,
    },
    /// PostgreSQL is too busy; nothing was changed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Calls of one kind may use only some of the connections, and too many of them are waiting: of which kind. Nothing was changed.
    #[error("{0}")]
    Crowded(&'static str),
    /// The connection broke during the call: it is not yet known whether anything was changed.
    #[error("the connection to the database was lost: {0}")]
    Lost(String),
    /// A migration changed the result of a prepared statement: nothing was done, and a new connection will work.
    #[error("a statement is out of date: {0}")]
    Outdated(String),
    /// A function, table or schema that the call needs does not exist: the database is not migrated, or it is our bug.
    #[error("the database lacks what a call needs: {0}")]
    Missing(String),
    /// A bug of ours.
    #[error("the database refused a call: {0}")]
    Internal(String),
}

impl DbError {
    /// Whether the database cannot be asked at the moment, whatever the question.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Outage(_) | Self::Exhausted { .. } | Self::Unavailable(_) | Self::Locked(_) | Self::Crowded(_) | Self::Lost(_))
    }
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            let text = with_sources(&error);
            return if error.is_closed() || is_io(&error) { Self::Lost(text) } else { Self::Internal(text) };
        };
        let code = db.code().code();
        if let Some(rule) = Rule::ALL.iter().copied().find(|rule| rule.sqlstate() == code) {
            return Self::Rule { rule, message: db.message().to_owned(), detail: db.detail().map(str::to_owned) };
        }
        let text = with_sources(&error);
        match code {
            "42883" | "42P01" | "3F000" => Self::Missing(text),
            // PostgreSQL shut down, crashed, or somebody ended the session: the commit may or may not have happened.
            "57P01" | "57P02" | "57P05" => Self::Lost(text),
            // The primary became a standby: another connection will find the new one.
            "25006" => Self::Outdated(text),
            "0A000" if db.message().contains("cached plan") => Self::Outdated(text),
            "55P03" => Self::Locked(text),
            _ if code.starts_with("53") => Self::Exhausted { sqlstate: code.to_owned(), text },
            // Rolled back for lack of time, or by a deadlock: 57 operator, 40 retry.
            _ if ["57", "40", "08"].iter().any(|class| code.starts_with(class)) => Self::Unavailable(text),
            _ => Self::Internal(text),
        }
    }
}
