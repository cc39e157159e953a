//! The parts of HTTP that all resources share.
//!
//! [`connections`] accepts and serves; [`middleware`] gives each request an id and turns every error into a problem; [`message_head`]
//! refuses what HTTP forbids, and [`accepted_input`] what an operation does not take. An operation extracts who is calling
//! ([`credentials`]), its parameters ([`params`]) and its body ([`body`], checked against its [`schema`]), and answers with one of
//! [`replies`], a refusal ([`refusals`]), or an answer that comes later ([`deferred`]).

pub(crate) mod accepted_input;
pub(crate) mod allowed_methods;
pub(crate) mod body;
pub(crate) mod challenges;
pub(crate) mod connections;
pub(crate) mod content_encoding;
pub(crate) mod credentials;
pub(crate) mod deferred;
pub(crate) mod expectations;
pub(crate) mod hsts;
pub(crate) mod known_caller;
pub(crate) mod message_head;
pub(crate) mod middleware;
pub(crate) mod params;
pub(crate) mod refusal_log;
pub(crate) mod refusals;
pub(crate) mod replies;
pub(crate) mod schema;
pub(crate) mod sender;
pub(crate) mod stale;

use poem::Request;

use crate::app::SharedApp;
use crate::problem::Problem;

/// The application, which the middleware puts into every request.
///
/// # Errors
/// `internal_error` when it is not there.
pub(crate) fn app_of(request: &Request) -> Result<&SharedApp, Problem> {
    request.data::<SharedApp>().ok_or_else(|| Problem::internal("the request does not carry the application"))
}
