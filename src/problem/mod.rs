//! The problem body (RFC 9457), the same for every refusal.

pub mod code;
pub(crate) mod conversions;

use poem::error::ResponseError;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Body, Response};
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::types::{OrderId, SeatName};
use code::Code;

/// Why a request was refused, on its way to the client.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    code: Code,
    detail: String,
    field: Option<String>,
    taken: Option<Vec<SeatName>>,
    seats: Option<Vec<SeatName>>,
    order_id: Option<Uuid>,
    retry_after_s: Option<u32>,
    challenge: Option<HeaderValue>,
    accept_encoding: Option<&'static str>,
    cause: Option<String>,
}

impl Problem {
    /// A problem with this code; `detail` is for people and says what is specific to this occurrence.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            detail: cut(detail.into(), DETAIL_CHARS_MAX),
            field: None,
            taken: None,
            seats: None,
            order_id: None,
            retry_after_s: None,
            challenge: None,
            accept_encoding: None,
            cause: None,
        }))
    }

    /// A problem whose detail is the meaning of its code.
    pub fn plain(code: Code) -> Self {
        Self::new(code, code.meaning())
    }

    /// `invalid_request`: `field` is the path of the invalid value, such as `seats[0].seat`; `expected` says what it must be.
    pub fn invalid(field: impl Into<String>, expected: impl AsRef<str>) -> Self {
        let field = field.into();
        Self::new(Code::InvalidRequest, format!("{field} {}", expected.as_ref())).with_field(field)
    }

    /// `internal_error`: the cause goes to the log, never to the client.
    pub fn internal(cause: impl Into<String>) -> Self {
        let mut problem = Self::plain(Code::InternalError);
        problem.0.cause = Some(cause.into());
        problem
    }

    /// A temporary problem: the client may retry after that many seconds.
    pub fn passing(code: Code, retry_after_s: u32) -> Self {
        Self::plain(code).with_retry_after_s(retry_after_s)
    }

    /// With the number of seconds after which to retry.
    pub fn with_retry_after_s(mut self, retry_after_s: u32) -> Self {
        self.0.retry_after_s = Some(retry_after_s);
        self
    }

    /// With a more specific detail.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = cut(detail.into(), DETAIL_CHARS_MAX);
        self
    }

    /// With the path of the invalid value.
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(cut(field.into(), FIELD_CHARS_MAX));
        self
    }

    /// With the seats that are not available.
    pub fn with_taken(mut self, taken: Vec<SeatName>) -> Self {
        self.0.taken = Some(taken);
        self
    }

    /// With the seats concerned.
    pub fn with_seats(mut self, seats: Vec<SeatName>) -> Self {
        self.0.seats = Some(seats);
        self
    }

    /// With the order whose outcome is unknown.
    pub fn with_order(mut self, order_id: Uuid) -> Self {
        self.0.order_id = Some(order_id);
        self
    }

    /// With the cause for the server's log, which the client must not see.
    pub fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// With a `WWW-Authenticate` challenge.
    pub fn with_challenge(mut self, challenge: HeaderValue) -> Self {
        self.0.challenge = Some(challenge);
        self
    }

    /// With the content codings that are supported.
    pub fn with_accept_encoding(mut self, codings: &'static str) -> Self {
        self.0.accept_encoding = Some(codings);
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What is specific to this occurrence.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The path of the invalid value.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The response; logs the problem if the server is at fault.
    pub fn into_response(mut self, request_id: &str) -> Response {
        let parts = &mut self.0;
        if parts.code == Code::InternalError {
            tracing::error!(request_id, cause = parts.cause.as_deref().unwrap_or(&parts.detail), "internal error");
        } else if let Some(cause) = &parts.cause {
            tracing::warn!(request_id, code = parts.code.as_str(), cause, "request not served");
        }
        let (status, retry_after_s, challenge) = (parts.code.status(), parts.retry_after_s, parts.challenge.take());
        let accept_encoding = parts.accept_encoding;
        let (status, bytes) = written(&ProblemBody::of(self, request_id), status, request_id);
        let mut response = Response::builder().status(status).content_type(CONTENT_TYPE).body(Body::from(bytes));
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(codings) = accept_encoding {
            response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static(codings));
        }
        response
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.0.code.status()
    }
}

/// The status and the body as JSON. A body that cannot be serialized becomes an internal error, never an empty body.
fn written(body: &impl Serialize, status: StatusCode, request_id: &str) -> (StatusCode, Vec<u8>) {
    let error = match serde_json::to_vec(body) {
        Ok(bytes) => return (status, bytes),
        Err(error) => error,
    };
    tracing::error!(request_id, %error, "a problem body could not be serialized");
    let code = Code::InternalError;
    // A JSON value can always be serialized.
    let plain = json!({"type": format!("/errors#{}", code.as_str()), "title": code.title(), "status": code.status().as_u16(),
        "code": code.as_str(), "detail": code.meaning(), "request_id": request_id});
    (code.status(), plain.to_string().into_bytes())
}

/// Details and fields may quote what a client sent, which may be long.
const DETAIL_CHARS_MAX: usize = 1000;
const FIELD_CHARS_MAX: usize = 200;

/// The text, truncated to that many characters.
fn cut(mut text: String, chars_max: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(chars_max) {
        let keep = text[..end].char_indices().next_back().map_or(0, |(last, _)| last);
        text.truncate(keep);
        text.push('…');
    }
    text
}

/// The media type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// Why a request was refused (RFC 9457). Branch on `code`; quote `request_id` when asking for help.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Problem", example, skip_serializing_if_is_none)]
pub struct ProblemBody {
    /// Identifies the kind of problem: `/errors#` followed by the code.
    #[oai(rename = "type")]
    #[serde(rename = "type")]
    pub type_: String,
    /// A short text for people, the same for every problem with this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, as a word that never changes.
    pub code: Code,
    /// What is specific to this occurrence, for people.
    pub detail: String,
    /// Identifies the request in the server's log; also in the header `X-Request-Id`.
    pub request_id: String,
    /// `invalid_request`: the path of the invalid value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// `seat_taken`: the requested seats that were not available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<Vec<SeatName>>,
    /// `seat_not_found` and `seats_not_blockable`: the seats concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seats: Option<Vec<SeatName>>,
    /// `outcome_unknown`: the order that exists if the claim succeeded, or the order that the notice names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
}

impl ProblemBody {
    /// What the client sees of a problem.
    pub fn of(problem: Problem, request_id: &str) -> Self {
        let parts = *problem.0;
        Self {
            type_: format!("/errors#{}", parts.code.as_str()),
            title: parts.code.title().to_owned(),
            status: parts.code.status().as_u16(),
            code: parts.code,
            detail: parts.detail,
            request_id: request_id.to_owned(),
            field: parts.field,
            taken: parts.taken,
            seats: parts.seats,
            order_id: parts.order_id.map(OrderId),
        }
    }
}

impl Example for ProblemBody {
    fn example() -> Self {
        Self {
            type_: "/errors#seat_taken".into(),
            title: Code::SeatTaken.title().into(),
            status: 409,
            code: Code::SeatTaken,
            detail: "seats not available: 1".into(),
            request_id: "01980f2e4c7a7bd2a6f3d1f0c9a5e812".into(),
            field: None,
            taken: Some(vec![SeatName { section: "A".into(), seat: 12 }]),
            seats: None,
            order_id: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Serializer;
    use serde::ser::Error;
    use serde_json::Value;

    use super::*;

    struct Unwritable;

    impl Serialize for Unwritable {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("no words"))
        }
    }

    #[test]
    fn a_problem_that_cannot_be_written_still_has_a_body() {
        let (status, bytes) = written(&Unwritable, StatusCode::CONFLICT, "trace-1");
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((status, &body["status"]), (StatusCode::INTERNAL_SERVER_ERROR, &500.into()));
        assert_eq!((&body["code"], &body["request_id"]), (&"internal_error".into(), &"trace-1".into()));
    }

    #[test]
    fn what_a_client_sent_is_not_quoted_at_length() {
        let problem = Problem::invalid("é".repeat(5000), "is not a field");
        assert_eq!(problem.field().unwrap().chars().count(), FIELD_CHARS_MAX);
        assert_eq!(problem.detail().chars().count(), DETAIL_CHARS_MAX);
        assert!(problem.detail().ends_with('…'));
        assert_eq!(cut("abc".into(), 3), "abc");
        assert_eq!(cut("abcd".into(), 3), "ab…");
    }
}
