//! The problem body (RFC 9457), the same for every refusal.

pub mod code;
pub(crate) mod conversions;

use poem::error::ResponseError;
use poem::http::header::RETRY_AFTER;
use poem::http::{HeaderName, HeaderValue, StatusCode};
use poem::{Body, Response};
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use uuid::Uuid;

use crate::quoting::cut;
use crate::types::{OrderId, SeatName, Text, Whole};
use code::Code;

/// Why a request was refused, on its way to the client.
#[derive(Debug)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    /// The body, except for the id of the request.
    body: ProblemBody,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
}

impl Problem {
    /// A problem with this code; `detail` is for people and says what is specific to this occurrence.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let body = ProblemBody {
            type_: format!("/errors#{}", code.as_str()),
            title: code.title().into(),
            status: Whole(code.status().as_u16()),
            code,
            detail: cut(detail.into(), DETAIL_CHARS_MAX).into(),
            request_id: "".into(),
            field: None,
            taken: None,
            seats: None,
            order_id: None,
        };
        Self(Box::new(Parts { body, headers: vec![], cause: None }))
    }

    /// A problem whose detail is the meaning of its code.
    pub(crate) fn plain(code: Code) -> Self {
        Self::new(code, code.meaning())
    }

    /// `invalid_request`: `field` is the path of the invalid value, such as `seats[0].seat`; `expected` says what it must be.
    pub(crate) fn invalid(field: impl Into<String>, expected: impl AsRef<str>) -> Self {
        let field = field.into();
        Self::new(Code::InvalidRequest, format!("{field} {}", expected.as_ref())).with_field(field)
    }

    /// `internal_error`: the cause goes to the log, never to the client.
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        Self::plain(Code::InternalError).with_cause(cause)
    }

    /// A temporary problem: the client may retry after that many seconds.
    pub(crate) fn passing(code: Code, retry_after_s: u32) -> Self {
        Self::plain(code).with_header(RETRY_AFTER, retry_after_s)
    }

    /// With a more specific detail.
    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.body.detail = cut(detail.into(), DETAIL_CHARS_MAX).into();
        self
    }

    /// With the path of the invalid value.
    pub(crate) fn with_field(mut self, field: impl Into<String>) -> Self {
        self.0.body.field = Some(cut(field.into(), FIELD_CHARS_MAX).into());
        self
    }

    /// With the seats that are not available.
    pub(crate) fn with_taken(mut self, taken: Vec<SeatName>) -> Self {
        self.0.body.taken = Some(taken);
        self
    }

    /// With the seats concerned.
    pub(crate) fn with_seats(mut self, seats: Vec<SeatName>) -> Self {
        self.0.body.seats = Some(seats);
        self
    }

    /// With the order whose outcome is unknown.
    pub(crate) fn with_order(mut self, order_id: Uuid) -> Self {
        self.0.body.order_id = Some(OrderId(order_id));
        self
    }

    /// With the cause for the server's log, which the client must not see.
    pub(crate) fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// With this header in the response.
    pub(crate) fn with_header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }

    /// Its code.
    pub(crate) fn code(&self) -> Code {
        self.0.body.code
    }

    /// What is specific to this occurrence.
    pub(crate) fn detail(&self) -> &str {
        &self.0.body.detail.0
    }

    /// The path of the invalid value.
    #[cfg(test)]
    pub(crate) fn field(&self) -> Option<&str> {
        self.0.body.field.as_ref().map(|field| field.0.as_str())
    }

    /// Why the server is at fault, for its log; `None` if it is not.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref().or_else(|| (self.code() == Code::InternalError).then(|| self.detail()))
    }

    /// What the client sees of it.
    pub(crate) fn into_body(self, request_id: &str) -> ProblemBody {
        ProblemBody { request_id: request_id.into(), ..self.0.body }
    }

    /// The response.
    pub(crate) fn into_response(mut self, request_id: &str) -> Response {
        let code = self.code();
        let headers = std::mem::take(&mut self.0.headers);
        // Texts, numbers and ids can always be serialized.
        let body = serde_json::to_vec(&self.into_body(request_id)).expect("a problem can be serialized");
        let mut response = Response::builder().status(code.status()).content_type(CONTENT_TYPE).body(Body::from(body));
        response.headers_mut().extend(headers);
        response
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code().as_str(), self.detail())
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.code().status()
    }
}

/// Details and fields may quote what a client sent, which may be long.
const DETAIL_CHARS_MAX: usize = 1000;
const FIELD_CHARS_MAX: usize = 200;

/// The media type of a problem.
pub(crate) const CONTENT_TYPE: &str = "application/problem+json";

/// Why a request was refused (RFC 9457). Branch on `code`; quote `request_id` when asking for help.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Problem", example, skip_serializing_if_is_none)]
pub(crate) struct ProblemBody {
    /// Identifies the kind of problem: `/errors#` followed by the code.
    #[oai(rename = "type", validator(pattern = "^/errors#[a-z_]+$"))]
    #[serde(rename = "type")]
    pub type_: String,
    /// A short text for people, the same for every problem with this code.
    pub title: Text<1, 100>,
    /// The HTTP status.
    pub status: Whole<u16, 400, 599>,
    /// What went wrong, as a word that never changes.
    pub code: Code,
    /// What is specific to this occurrence, for people.
    pub detail: Text<1, DETAIL_CHARS_MAX>,
    /// Identifies the request in the server's log; also in the header `X-Request-Id`.
    pub request_id: Text<1, 128>,
    /// `invalid_request`: the path of the invalid value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<Text<0, FIELD_CHARS_MAX>>,
    /// `seat_taken`: the requested seats that were not available.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(validator(min_items = 1, max_items = 100))]
    pub taken: Option<Vec<SeatName>>,
    /// `seat_not_found` and `seats_not_blockable`: the seats concerned, or the first 1,000 of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(validator(min_items = 1, max_items = 1000))]
    pub seats: Option<Vec<SeatName>>,
    /// `outcome_unknown`: the order that exists if the claim succeeded, or the order that the notice names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
}

impl Example for ProblemBody {
    fn example() -> Self {
        let taken = vec![SeatName { section: "A".into(), seat: Whole(12) }];
        Problem::new(Code::SeatTaken, "1 of the seats is not available; `taken` lists it")
            .with_taken(taken)
            .into_body("01980f2e4c7a7bd2a6f3d1f0c9a5e812")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sent_is_not_quoted_at_length() {
        let problem = Problem::invalid("é".repeat(5000), "is not a field");
        assert_eq!(problem.field().unwrap().chars().count(), FIELD_CHARS_MAX);
        assert_eq!(problem.detail().chars().count(), DETAIL_CHARS_MAX);
        assert!(problem.detail().ends_with('…'));
    }
}
