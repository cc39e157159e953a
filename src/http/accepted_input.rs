//! Checks that a request contains only what its operation takes, before the operation runs; who calls is checked first.
//!
//! What is not understood is refused, never ignored: a misspelt filter would return everybody's orders, and seats in the body of a
//! `DELETE` look like a request to give back only these. The operations describe themselves, so a new parameter is known here at once.
//! Pages and probes take no input and ignore any, since load balancers and browsers add things of their own.

use std::future::Future;
use std::time::Duration;

use futures_util::future::Either;
use percent_encoding::percent_decode_str;
use poem::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use poem::http::{HeaderMap, Method};
use poem::{Endpoint, Request, Response};
use poem_openapi::registry::{MetaApi, MetaOperation, MetaParamIn};

use crate::http::allowed_methods::fits;
use crate::http::body::is_empty;
use crate::http::challenges::Credential;
use crate::http::message_head;
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::quoting::quoted;

/// Below this path, all input must be understood.
const STRICT: &str = "/v1/";

/// The most unknown parameters that a refusal names.
const UNKNOWN_MAX: usize = 5;

/// What each operation takes besides the variables of its path and its headers.
pub(crate) struct AcceptedInput(Vec<Accepted>);

struct Accepted {
    method: Method,
    path: String,
    query: Vec<String>,
    body: bool,
    /// The credential that it takes, and whether that may be left out.
    credential: Option<(Credential, bool)>,
}

/// A request with something that its operation may not take.
struct Unaccepted<'a> {
    operation: &'a Accepted,
    /// What is wrong with the query; otherwise a body is announced, which may yet be empty.
    fault: Option<Problem>,
}

impl AcceptedInput {
    pub(crate) fn of(apis: &[MetaApi]) -> Self {
        let paths = apis.iter().flat_map(|api| &api.paths).filter(|path| path.path.starts_with(STRICT));
        let operations = paths.flat_map(|path| path.operations.iter().map(|operation| Accepted::of(&path.path, operation)));
        Self(operations.collect())
    }

    /// Whether the query or an announced body is more than the operation takes.
    ///
    /// A request with neither a query nor a body costs nothing.
    fn check(&self, request: &Request) -> Option<Unaccepted<'_>> {
        let query = request.uri().query().unwrap_or_default();
        let has_body = announces_body(request.headers());
        if query.is_empty() && !has_body {
            return None;
        }
        // Claims and payments announce a body and have no query: no path is compared with theirs.
        let mut concerned = self.0.iter().filter(|operation| !(operation.body && query.is_empty()));
        let operation = concerned.find(|operation| operation.is_called(request.method(), request.uri().path()))?;
        let fault = check_query(query, &operation.query).err();
        (fault.is_some() || (has_body && !operation.body)).then_some(Unaccepted { operation, fault })
    }
}

impl Accepted {
    fn of(path: &str, operation: &MetaOperation) -> Self {
        let query = operation.params.iter().filter(|parameter| parameter.in_type == MetaParamIn::Query);
        // Optional credentials are listed beside an empty requirement.
        let scheme = operation.security.iter().find_map(|requirement| requirement.keys().next());
        let credential = scheme.and_then(|scheme| Credential::of_scheme(scheme));
        Self {
            method: operation.method.clone(),
            path: path.to_owned(),
            query: query.map(|parameter| parameter.name.clone()).collect(),
            body: operation.request.is_some(),
            credential: credential.map(|credential| (credential, operation.security.len() > 1)),
        }
    }

    fn is_called(&self, method: &Method, path: &str) -> bool {
        let is_method = self.method == *method || (*method == Method::HEAD && self.method == Method::GET);
        is_method && fits(&self.path, path)
    }
}

/// Whether a body is announced. `Content-Length: 0` announces none; whether a chunked body is empty shows only when it is read.
fn announces_body(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0") || headers.contains_key(TRANSFER_ENCODING)
}

/// Refuses parameters that the operation does not take, that are repeated, or that are not valid text.
fn check_query(query: &str, taken: &[String]) -> Result<(), Problem> {
    let (mut seen, mut unknown) = (Vec::new(), Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name).map_err(|fault| Problem::invalid("query", format!("has a parameter whose name {fault}")))?;
        if name.is_empty() {
            return Err(Problem::invalid("query", "has a parameter without a name"));
        }
        if !taken.contains(&name) {
            let name = quoted(&name).into_owned();
            if unknown.len() < UNKNOWN_MAX && !unknown.contains(&name) {
                unknown.push(name);
            }
            continue;
        }
        if let Err(fault) = decoded(value) {
            return Err(Problem::invalid(name, fault));
        }
        if seen.contains(&name) {
            return Err(Problem::invalid(name, "must be given only once"));
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
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    }
}

/// A name or a value of a query, decoded; the error says what is wrong with it.
fn decoded(encoded: &str) -> Result<String, &'static str> {
    // The library would leave an incomplete escape as it is.
    let is_encoded = |rest: &str| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    if !encoded.split('%').skip(1).all(is_encoded) {
        return Err("has a % without two hexadecimal digits after it");
    }
    let spaced = encoded.replace('+', " ");
    let text = percent_decode_str(&spaced).decode_utf8().map_err(|_| "is not UTF-8 when its percent-encoding is decoded")?;
    if text.chars().any(char::is_control) { Err("must not contain control characters") } else { Ok(text.into_owned()) }
}

/// An endpoint that lets through only what its operations take.
pub(crate) struct Accepting<E> {
    inner: E,
    accepted: AcceptedInput,
    /// How long a body may take to arrive.
    arrival_max: Duration,
}

impl<E> Accepting<E> {
    pub(crate) fn new(inner: E, accepted: AcceptedInput, arrival_max: Duration) -> Self {
        Self { inner, accepted, arrival_max }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Accepting<E> {
    type Output = Response;

    fn call(&self, mut request: Request) -> impl Future<Output = poem::Result<Response>> + Send {
        let Some(unaccepted) = message_head::check(&request).map(|()| self.accepted.check(&request)).transpose() else {
            return Either::Left(self.inner.call(request));
        };
        // Boxed: it is rare, and every request would have to reserve space for it.
        Either::Right(Box::pin(async move {
            // A body may be present, but must be empty.
            let Unaccepted { operation, fault } = unaccepted?;
            let credential = operation.credential;
            let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
            if fault.is_none() {
                let body = request.take_body();
                if body.is_empty() || (is_chunked && is_empty(body, self.arrival_max).await?) {
                    return self.inner.call(request).await;
                }
            }
            // A caller without access is told only that.
            if let Some((credential, may_be_left_out)) = credential
                && (!may_be_left_out || credential.is_in(request.headers()))
            {
                credential.expect_of(&mut request).await?;
            }
            Err(fault.unwrap_or_else(|| Problem::invalid("body", "must be absent: this operation takes none")).into())
        }))
    }
}

#[cfg(test)]
mod tests;
