//! Turns every error of the layers below into the problem that the client sees.

use crate::budget::Exceeded;
use crate::db::{DbError, OutageKind, Rule};
use crate::domain::UnknownSeat;
use crate::lanes::LaneError;
use crate::metrics::Limited;
use crate::pool_turns::TooManyWaiting;
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::rate_limits::TooMany;

/// How long a client waits before it retries after a temporary failure, in seconds.
const RETRY_AFTER_S: u32 = 1;
/// Somebody has to migrate first, so there is no point in retrying at once.
const MIGRATED_AFTER_S: u32 = 5;

/// The problem of a server without a usable database; the log has the cause once, not for each request.
pub(crate) fn of_outage(kind: OutageKind) -> Problem {
    match kind {
        OutageKind::NotMigrated => {
            let detail = format!("{}: {}", kind.meaning(), kind.advice());
            Problem::passing(Code::Unavailable, MIGRATED_AFTER_S).with_detail(detail)
        }
        _ => Problem::passing(Code::Unavailable, RETRY_AFTER_S),
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Rule { rule: Rule::InvalidRequest, detail: Some(detail), .. } => match detail.split_once(": ") {
                Some((field, expected)) => Self::invalid(field, expected),
                None => Self::new(Code::InvalidRequest, detail),
            },
            DbError::Rule { rule, message, detail } => match Code::from_name(rule.code()) {
                Some(code) if code != Code::InternalError => match detail {
                    // What these say is no secret to somebody who may see the event or the order.
                    Some(detail) if matches!(rule, Rule::EventConflict | Rule::OrderNotPending) => Self::new(code, detail),
                    _ => Self::plain(code),
                },
                // Of rows that contradict each other, and of a rule that no request can break.
                _ => Self::internal(format!("{}: {message} {}", rule.sqlstate(), detail.unwrap_or_default())),
            },
            // A lost read has changed nothing; changes go through `of_change`.
            DbError::Locked(cause)
            | DbError::Exhausted { text: cause, .. }
            | DbError::Unavailable(cause)
            | DbError::Lost(cause)
            | DbError::Outdated(cause) => Self::passing(Code::Unavailable, RETRY_AFTER_S).with_cause(cause),
            DbError::Crowded(crowd) => {
                Self::passing(Code::Overloaded, RETRY_AFTER_S).with_detail(format!("{crowd}: try again after `Retry-After` seconds"))
            }
            DbError::Outage(outage) => of_outage(outage.kind),
            DbError::Missing(cause) | DbError::Internal(cause) => Self::internal(cause),
        }
    }
}

/// The problem of a call that changes something: if the connection was lost, nobody knows whether the change was made.
pub(crate) fn of_change(error: DbError) -> Problem {
    match error {
        DbError::Lost(cause) => Problem::passing(Code::OutcomeUnknown, RETRY_AFTER_S).with_cause(cause),
        other => other.into(),
    }
}

/// The problem of a step that follows a completed one: it must not say that nothing was done.
pub(crate) fn after_change(problem: Problem) -> Problem {
    match problem.code() {
        Code::Unavailable | Code::Overloaded => Problem::passing(Code::OutcomeUnknown, RETRY_AFTER_S),
        _ => problem,
    }
}

impl From<UnknownSeat> for Problem {
    fn from(error: UnknownSeat) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<LaneError> for Problem {
    fn from(error: LaneError) -> Self {
        match error {
            LaneError::Overloaded { retry_after_s } => Self::passing(Code::Overloaded, retry_after_s),
            LaneError::TooManyOwn => of_own_waiting("claims"),
            LaneError::Unavailable => Self::passing(Code::Unavailable, RETRY_AFTER_S),
            LaneError::NotMigrated => of_outage(OutageKind::NotMigrated),
            LaneError::OutcomeUnknown => Self::passing(Code::OutcomeUnknown, RETRY_AFTER_S),
            LaneError::Internal(cause) => Self::internal(cause),
        }
    }
}

impl From<TooMany> for Problem {
    fn from(too_many: TooMany) -> Self {
        Self::passing(Code::TooManyRequests, too_many.retry_after_s).with_detail(match too_many.of {
            Limited::Customer => "this customer is sending too many requests; nothing was done",
            Limited::Address => "too many requests are coming from this address; nothing was done",
            Limited::WrongCredentials => "too many wrong credentials are coming from this address; nothing was done",
        })
    }
}

impl From<TooManyWaiting> for Problem {
    fn from(_: TooManyWaiting) -> Self {
        of_own_waiting("requests")
    }
}

impl From<Exceeded> for Problem {
    fn from(exceeded: Exceeded) -> Self {
        Self::passing(Code::Overloaded, RETRY_AFTER_S).with_detail(match exceeded {
            Exceeded::ByAll => "too many request bodies are arriving at the same time; nothing was done",
            Exceeded::ByClient => "too many request bodies are arriving from this address at the same time; nothing was done",
        })
    }
}

/// The problem of a customer for whom too many requests of their own are waiting already.
fn of_own_waiting(what: &str) -> Problem {
    let detail = format!("too many of your own {what} are waiting; nothing was done: send more as they are answered");
    Problem::passing(Code::Overloaded, RETRY_AFTER_S).with_detail(detail)
}

/// The problem for an error of the framework.
pub(crate) fn of_framework(error: poem::Error) -> Problem {
    let error = match error.downcast::<Problem>() {
        Ok(problem) => return problem,
        Err(error) => error,
    };
    match error.status().as_u16() {
        404 => Problem::plain(Code::NotFound),
        405 => Problem::plain(Code::MethodNotAllowed),
        413 => Problem::plain(Code::BodyTooLarge),
        415 => Problem::plain(Code::UnsupportedMediaType),
        400..500 => Problem::new(Code::InvalidRequest, error.to_string()),
        _ => Problem::internal(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use poem::error::{MethodNotAllowedError, NotFoundError};

    use super::*;

    fn rule(rule: Rule, detail: Option<&str>) -> Problem {
        DbError::Rule { rule, message: "m".into(), detail: detail.map(str::to_owned) }.into()
    }

    #[test]
    fn rules_keep_their_codes_and_invalid_request_names_its_field() {
        for known in Rule::ALL.iter().copied().filter(|rule| *rule != Rule::ApiKeyNotFound) {
            assert_eq!(rule(known, None).code().as_str(), known.code());
        }
        let unknown = rule(Rule::ApiKeyNotFound, Some("7"));
        assert_eq!(unknown.code(), Code::InternalError);
        assert!(format!("{unknown:?}").contains("RL011: m 7"), "{unknown:?}");
        let problem = rule(Rule::InvalidRequest, Some("sections[2].name: must be a text"));
        assert_eq!((problem.field(), problem.detail()), (Some("sections[2].name"), "sections[2].name must be a text"));
        for (known, detail) in [(Rule::EventConflict, "event 7 is closed"), (Rule::OrderNotPending, "the order is paid")] {
            assert_eq!(rule(known, Some(detail)).detail(), detail);
        }
        assert_eq!(rule(Rule::OrderNotFound, Some("order 4711 of alice")).detail(), Code::OrderNotFound.meaning());
    }

    #[test]
    fn whoever_waits_is_told_for_whom() {
        for (problem, what) in [(Problem::from(LaneError::TooManyOwn), "claims"), (TooManyWaiting.into(), "requests")] {
            assert_eq!(problem.code(), Code::Overloaded);
            let told = format!("too many of your own {what} are waiting; nothing was done: send more as they are answered");
            assert_eq!(problem.detail(), told);
        }
        let maps = Problem::from(DbError::Crowded("too many seat maps are being read"));
        assert_eq!(maps.detail(), "too many seat maps are being read: try again after `Retry-After` seconds");
        let others = Problem::from(LaneError::Overloaded { retry_after_s: 1 });
        assert_eq!(others.detail(), Code::Overloaded.meaning());
    }

    #[test]
    fn nothing_internal_reaches_the_client() {
        let problem = Problem::from(DbError::Internal("42P01 relation rowlock.secret does not exist".into()));
        assert_eq!(problem.code(), Code::InternalError);
        assert!(!problem.detail().contains("secret"));
        assert_eq!(rule(Rule::Inconsistent, Some("rows")).code(), Code::InternalError);
        assert_eq!(Problem::from(DbError::Unavailable("host db.internal".into())).code(), Code::Unavailable);
        assert_eq!(Problem::from(DbError::Locked("by whom".into())).code(), Code::Unavailable);
    }

    #[test]
    fn a_lost_read_can_be_repeated_but_a_lost_change_may_have_happened() {
        let lost = || DbError::Lost("broken pipe".into());
        assert_eq!(Problem::from(lost()).code(), Code::Unavailable);
        assert_eq!(of_change(lost()).code(), Code::OutcomeUnknown);
        assert_eq!(of_change(DbError::Unavailable("full".into())).code(), Code::Unavailable);
        for passing in [DbError::Unavailable("full".into()), DbError::Crowded("too many")] {
            assert_eq!(after_change(passing.into()).code(), Code::OutcomeUnknown);
        }
        assert_eq!(after_change(Problem::plain(Code::EventConflict)).code(), Code::EventConflict);
    }

    #[test]
    fn errors_of_the_framework_become_problems() {
        assert_eq!(of_framework(NotFoundError.into()).code(), Code::NotFound);
        assert_eq!(of_framework(MethodNotAllowedError.into()).code(), Code::MethodNotAllowed);
        assert_eq!(of_framework(poem::Error::from_status(poem::http::StatusCode::IM_A_TEAPOT)).code(), Code::InvalidRequest);
        assert_eq!(of_framework(poem::Error::from_status(poem::http::StatusCode::BAD_GATEWAY)).code(), Code::InternalError);
        assert_eq!(of_framework(Problem::plain(Code::SoldOut).into()).code(), Code::SoldOut);
    }
}
