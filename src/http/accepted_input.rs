//! Checks that a request contains only what its operation takes, before the operation runs.
//!
//! What is not understood is refused, never ignored: a misspelt filter would return everybody's orders, and seats in the body of a
//! `DELETE` look like a request to give back only these. The operations describe themselves, so a new parameter is known here at once.
//! Pages and probes take no input and ignore any, since load balancers and browsers add things of their own.

use std::borrow::Cow;
use std::future::Future;

use futures_util::future::Either;
use poem::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use poem::http::{HeaderMap, Method};
use poem::{Body, Endpoint, Request, Response};
use poem_openapi::registry::{MetaApi, MetaOperation, MetaParamIn};

use crate::http::body::discarded;
use crate::problem::Problem;
use crate::problem::code::Code;

/// Below this path, all input must be understood.
const STRICT: &str = "/v1/";

/// What each operation takes besides the variables of its path and its headers.
pub(crate) struct AcceptedInput(Vec<Accepted>);

struct Accepted {
    method: Method,
    path: String,
    /// The parameters of the query.
    query: Vec<String>,
    body: bool,
}

impl AcceptedInput {
    /// What these operations take.
    pub(crate) fn of(apis: &[MetaApi]) -> Self {
        let paths = apis.iter().flat_map(|api| &api.paths).filter(|path| path.path.starts_with(STRICT));
        let operations = paths.flat_map(|path| path.operations.iter().map(|operation| Accepted::of(&path.path, operation)));
        Self(operations.collect())
    }

    /// Checks the head of a request; one with neither a query nor a body costs nothing.
    fn check(&self, request: &Request) -> Result<Checked, Problem> {
        let query = request.uri().query().filter(|query| !query.is_empty());
        // Most requests with a body call an operation that takes one, so only the operations that take none are searched.
        let has_body = announces_body(request.headers());
        if query.is_none() && !has_body {
            return Ok(Checked::Good);
        }
        let (path, method) = (request.uri().path(), request.method());
        if let Some(query) = query
            && let Some(operation) = self.0.iter().find(|operation| operation.is_called(method, path))
        {
            check_query(query, &operation.query)?;
        }
        let is_unexpected = has_body && self.0.iter().any(|operation| !operation.body && operation.is_called(method, path));
        Ok(if is_unexpected { Checked::UnexpectedBody } else { Checked::Good })
    }
}

/// What to do with a request whose query is valid.
#[derive(Debug, PartialEq, Eq)]
enum Checked {
    /// Its operation may run.
    Good,
    /// It announces a body, but its operation takes none.
    UnexpectedBody,
}

impl Accepted {
    fn of(path: &str, operation: &MetaOperation) -> Self {
        let query = operation.params.iter().filter(|parameter| parameter.in_type == MetaParamIn::Query);
        Self {
            method: operation.method.clone(),
            path: path.to_owned(),
            query: query.map(|parameter| parameter.name.clone()).collect(),
            body: operation.request.is_some(),
        }
    }

    fn is_called(&self, method: &Method, path: &str) -> bool {
        let is_method = self.method == *method || (*method == Method::HEAD && self.method == Method::GET);
        is_method && fits(&self.path, path)
    }
}

/// Whether a path matches this template, such as `/v1/events/{event_id}`.
fn fits(template: &str, path: &str) -> bool {
    let (mut parts, mut asked) = (template.split('/'), path.split('/'));
    loop {
        match (parts.next(), asked.next()) {
            (None, None) => return true,
            (Some(part), Some(asked)) if part == asked || part.starts_with('{') => {}
            _ => return false,
        }
    }
}

/// Whether a body is announced. `Content-Length: 0` announces none; whether a chunked body is empty shows only when it is read.
fn announces_body(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0") || headers.contains_key(TRANSFER_ENCODING)
}

/// Refuses parameters that the operation does not take, that are repeated, or that are not valid text.
fn check_query(query: &str, taken: &[String]) -> Result<(), Problem> {
    let mut seen: Vec<Cow<'_, str>> = Vec::new();
    let mut unknown: Vec<String> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name).map_err(|fault| Problem::invalid("query", format!("has a parameter whose name {fault}")))?;
        if !taken.iter().any(|taken| *taken == name) {
            if !unknown.iter().any(|unknown| *unknown == name) {
                unknown.push(name.into_owned());
            }
            continue;
        }
        decoded(value).map_err(|fault| Problem::invalid(name.as_ref(), fault))?;
        if seen.contains(&name) {
            return Err(Problem::invalid(name.as_ref(), "must be given only once"));
        }
        seen.push(name);
    }
    if unknown.is_empty() { Ok(()) } else { Err(unknown_parameters(&unknown, taken)) }
}

fn unknown_parameters(unknown: &[String], taken: &[String]) -> Problem {
    let are = if unknown.len() == 1 { "is not a parameter" } else { "are not parameters" };
    let takes = if taken.is_empty() { "takes none in the query".to_owned() } else { format!("takes {}", listed(taken)) };
    let detail = format!("{} {are} of this operation, which {takes}", listed(unknown));
    Problem::new(Code::InvalidRequest, detail).with_field(unknown[0].as_str())
}

/// The names as a list in a sentence.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A name or a value of a query, decoded; the error says what is wrong with it.
fn decoded(encoded: &str) -> Result<Cow<'_, str>, &'static str> {
    if !encoded.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(encoded.into());
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit =
                    |at: usize| after.get(at).and_then(|digit| char::from(*digit).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
                let (Some(high), Some(low)) = (digit(0), digit(1)) else { return Err("has a % without two hexadecimal digits after it") };
                rest = &after[2..];
                high * 16 + low
            }
            other => other,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 when its percent-encoding is decoded")?;
    if text.chars().any(char::is_control) { Err("must not contain control characters") } else { Ok(text.into()) }
}

/// An endpoint that lets through only what its operations take.
pub(crate) struct Accepting<E> {
    inner: E,
    accepted: AcceptedInput,
}

impl<E> Accepting<E> {
    /// Puts `accepted` in front of `inner`.
    pub(crate) fn new(inner: E, accepted: AcceptedInput) -> Self {
        Self { inner, accepted }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Accepting<E> {
    type Output = Response;

    fn call(&self, request: Request) -> impl Future<Output = poem::Result<Response>> + Send {
        match self.accepted.check(&request) {
            Ok(Checked::Good) => Either::Left(self.inner.call(request)),
            // Boxed: it is rare, and every request would have to reserve space for it.
            odd => Either::Right(Box::pin(async move {
                odd?;
                let mut request = request;
                expect_nothing(request.take_body()).await?;
                self.inner.call(request).await
            })),
        }
    }
}

/// Reads the body of an operation that takes none: it may be present, but must be empty.
async fn expect_nothing(body: Body) -> Result<(), Problem> {
    match discarded(body).await {
        0 => Ok(()),
        _ => Err(Problem::invalid("body", "must be absent: this operation takes none")),
    }
}

#[cfg(test)]
mod tests {
    use poem::IntoResponse;
    use poem::endpoint::make;
    use poem::http::StatusCode;
    use poem_openapi::OpenApi;

    use super::*;
    use crate::api::Apis;

    fn accepted() -> AcceptedInput {
        AcceptedInput::of(&Apis::meta())
    }

    fn fault(query: &str, taken: &[&str]) -> Option<(String, String)> {
        let taken: Vec<_> = taken.iter().map(|name| (*name).to_owned()).collect();
        let problem = check_query(query, &taken).err()?;
        Some((problem.field().unwrap_or_default().to_owned(), problem.detail().to_owned()))
    }

    #[test]
    fn parameters_are_known_once_and_text() {
        let taken = &["status", "after", "limit"];
        for good in ["limit=5", "limit=5&after=x", "a%66ter=%E6%97%A5", "limit=5&", "&&", "limit", "after=a+b&limit=%35"] {
            assert_eq!(fault(good, taken), None, "{good}");
        }
        let bad = [
            ("customer_id=alice", "customer_id", "customer_id is not a parameter of this operation, which takes status, after and limit"),
            ("limit=5&b=1&a=1&b=2", "b", "b and a are not parameters of this operation, which takes status, after and limit"),
            ("Limit=5", "Limit", "Limit is not a parameter of this operation, which takes status, after and limit"),
            ("limit%3D5", "limit=5", "limit=5 is not a parameter of this operation, which takes status, after and limit"),
            ("limit=5&%6Cimit=5", "limit", "limit must be given only once"),
            ("after=%ff", "after", "after is not UTF-8 when its percent-encoding is decoded"),
            ("after=%c3", "after", "after is not UTF-8 when its percent-encoding is decoded"),
            ("after=%4", "after", "after has a % without two hexadecimal digits after it"),
            ("after=%+4", "after", "after has a % without two hexadecimal digits after it"),
            ("after=100%", "after", "after has a % without two hexadecimal digits after it"),
            ("after=a%00", "after", "after must not contain control characters"),
            ("%ff=1", "query", "query has a parameter whose name is not UTF-8 when its percent-encoding is decoded"),
        ];
        for (query, field, detail) in bad {
            assert_eq!(fault(query, taken), Some((field.to_owned(), detail.to_owned())), "{query}");
        }
        assert_eq!(fault("x=1", &[]).unwrap().1, "x is not a parameter of this operation, which takes none in the query");
        assert_eq!(fault("x=1", &["only"]).unwrap().1, "x is not a parameter of this operation, which takes only");
    }

    #[test]
    fn a_path_fits_its_own_template_alone() {
        assert!(fits("/v1/events/{event_id}/orders", "/v1/events/7/orders"));
        for other in ["/v1/events/7", "/v1/events/7/orders/x", "/v1/events/7/orders/", "/v2/events/7/orders", "/v1/events/7/sections"] {
            assert!(!fits("/v1/events/{event_id}/orders", other), "{other}");
        }
    }

    fn checked(method: Method, path: &'static str, header: Option<(&'static str, &'static str)>) -> Result<Checked, Option<String>> {
        let request = Request::builder().method(method).uri(path.parse().unwrap());
        let request = header.into_iter().fold(request, |request, (name, value)| request.header(name, value)).finish();
        accepted().check(&request).map_err(|problem| problem.field().map(str::to_owned))
    }

    #[test]
    fn each_operation_is_held_to_its_own_parameters() {
        let refused = |field: &str| Err(Some(field.to_owned()));
        assert_eq!(checked(Method::GET, "/v1/admin/events/7/orders?status=paid&limit=1", None), Ok(Checked::Good));
        assert_eq!(checked(Method::GET, "/v1/events/7/orders?status=paid&limit=1", None), refused("status"));
        assert_eq!(checked(Method::HEAD, "/v1/events?seats=1", None), refused("seats"));
        assert_eq!(checked(Method::POST, "/v1/events?dry_run=true", None), refused("dry_run"));
        assert_eq!(checked(Method::GET, "/v1/events?", None), Ok(Checked::Good));
        for lenient in ["/livez?x=1", "/metrics?x=1", "/docs?x=1", "/v1/nowhere?x=1"] {
            assert_eq!(checked(Method::GET, lenient, None), Ok(Checked::Good), "{lenient}");
        }
    }

    #[test]
    fn a_body_is_expected_where_an_operation_takes_one() {
        let (order, redrive) = ("/v1/events/7/orders/x", "/v1/admin/dead-letters/7/x/redrive");
        for announced in [("content-length", "1"), ("transfer-encoding", "chunked")] {
            for (method, path) in [(Method::DELETE, order), (Method::GET, order), (Method::HEAD, order), (Method::POST, redrive)] {
                assert_eq!(checked(method, path, Some(announced)), Ok(Checked::UnexpectedBody), "{path}");
            }
            assert_eq!(checked(Method::POST, "/v1/payments", Some(announced)), Ok(Checked::Good));
            assert_eq!(checked(Method::PATCH, "/v1/events/7", Some(announced)), Ok(Checked::Good));
        }
        assert_eq!(checked(Method::DELETE, order, Some(("content-length", "0"))), Ok(Checked::Good));
    }

    #[tokio::test]
    async fn an_operation_without_a_body_runs_when_nothing_was_in_it() {
        let call = async |body: Body| {
            let endpoint = Accepting::new(make(|_| async { Ok::<_, poem::Error>(StatusCode::OK.into_response()) }), accepted());
            let request = Request::builder().method(Method::DELETE).uri("/v1/events/7/orders/x".parse().unwrap());
            let answer = endpoint.call(request.header("transfer-encoding", "chunked").body(body)).await;
            answer.map(|_| ()).map_err(|error| error.downcast::<Problem>().unwrap().detail().to_owned())
        };
        assert_eq!(call(Body::empty()).await, Ok(()));
        assert_eq!(call(Body::from("{}")).await, Err("body must be absent: this operation takes none".to_owned()));
    }

    /// A list would be a parameter repeated once per value, which is refused.
    #[test]
    fn no_parameter_of_a_query_is_a_list() {
        let parameters = Apis::meta().into_iter().flat_map(|api| api.paths).flat_map(|path| path.operations);
        for parameter in parameters.flat_map(|operation| operation.params) {
            let schema = serde_json::to_value(&parameter.schema).unwrap();
            assert_ne!(schema["type"], "array", "{}", parameter.name);
        }
    }

    #[test]
    fn every_operation_that_is_held_to_its_input_documents_the_refusal() {
        for path in Apis::meta().into_iter().flat_map(|api| api.paths).filter(|path| path.path.starts_with(STRICT)) {
            for operation in path.operations {
                let documents = operation.responses.responses.iter().any(|response| response.status == Some(400));
                assert!(documents, "{} {}", operation.method, path.path);
            }
        }
    }
}
