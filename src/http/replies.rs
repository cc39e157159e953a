//! What operations answer when they succeed.

use poem::http::{HeaderMap, HeaderValue, StatusCode, header as names};
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type;
use serde::Serialize;
use std::marker::PhantomData;

use crate::reads::{CachedBody, Encoding};

const JSON: &str = "application/json";
const CACHE: &str = "no-cache, max-age=0";

/// How many headers an answer with a cached body has, about.
const HEADERS: usize = 8;

/// A body that an operation answers with.
pub(crate) trait Answer: Type + Serialize {
    /// What it is, for the documentation.
    const MEANING: &'static str;
    /// An example of the path at which a created one can be read.
    const LOCATION: &'static str = "";
    /// Whether a request may be answered with what an earlier request created.
    const REPLAYS: bool = false;
}

/// Declares a body, with its meaning.
macro_rules! answer {
    ($type:ty = $meaning:literal) => {
        impl $crate::http::replies::Answer for $type {
            const MEANING: &'static str = $meaning;
        }
    };
}
pub(crate) use answer;

/// 200 with a body.
pub(crate) struct OkJson<T>(pub T);

impl<T: Answer> IntoResponse for OkJson<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Answer> ApiResponse for OkJson<T> {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![meta::<T>(200, T::MEANING, vec![header::request_id()])] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// 201 with a body and the path at which it can be read.
pub(crate) struct Created<T> {
    pub body: T,
    /// Its path.
    pub location: String,
    /// Whether an earlier request with the same idempotency key created it.
    pub replayed: bool,
}

impl<T: Answer> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = json(StatusCode::CREATED, &self.body);
        if let Ok(location) = HeaderValue::try_from(self.location) {
            response.headers_mut().insert(names::LOCATION, location);
        }
        if self.replayed {
            response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        response
    }
}

impl<T: Answer> ApiResponse for Created<T> {
    fn meta() -> MetaResponses {
        let headers = [header::request_id(), header::always("Location", "Path at which it can be read.", T::LOCATION)];
        let replayed = "`true` if an earlier request with the same idempotency key created it; otherwise absent.";
        let replayed = T::REPLAYS.then(|| header::sometimes("Idempotent-Replayed", replayed, "true"));
        MetaResponses { responses: vec![meta::<T>(201, T::MEANING, headers.into_iter().chain(replayed).collect())] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// 204, without a body.
pub(crate) struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl ApiResponse for NoContent {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![bare(204, "Done.", vec![header::request_id()])] }
    }

    fn register(_: &mut Registry) {}
}

/// A cached body; see [`cached`].
pub(crate) struct CachedJson<T>(Response, PhantomData<T>);

impl<T> CachedJson<T> {
    /// The answer to a request with these headers. `no-cache` lets clients and proxies keep the body but makes them revalidate it each
    /// time, which a 304 answers in a few bytes: so no seat map is older than our own cache.
    pub(crate) async fn new(body: &CachedBody, request: &HeaderMap) -> Self {
        Self(cached(body, JSON, CACHE, request).await, PhantomData)
    }
}

/// 200 with a cached body in the encoding that the client prefers, or 304 if the client already has it.
pub(crate) async fn cached(body: &CachedBody, media_type: &'static str, caching: &'static str, request: &HeaderMap) -> Response {
    let texts = |name| request.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    let mut response = Response::default();
    // For those below and those that every response gets: to grow step by step costs more.
    response.headers_mut().reserve(HEADERS);
    if texts(names::IF_NONE_MATCH).any(|tags| matches_tag(tags, &body.etag)) {
        response.set_status(StatusCode::NOT_MODIFIED);
    } else {
        let encoding = Encoding::negotiate(texts(names::ACCEPT_ENCODING));
        response.set_body(body.encoded(encoding).await);
        let headers = response.headers_mut();
        headers.insert(names::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.extend(encoding.header().map(|coding| (names::CONTENT_ENCODING, HeaderValue::from_static(coding))));
    }
    let headers = response.headers_mut();
    headers.insert(names::ETAG, body.etag.clone());
    headers.insert(names::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(names::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

/// Weak comparison (RFC 9110, 8.8.3.2) of an `If-None-Match` list with one of our tags.
fn matches_tag(if_none_match: &str, etag: &HeaderValue) -> bool {
    let ours = etag.to_str().unwrap_or_default().trim_start_matches("W/");
    if_none_match.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == ours)
}

impl<T: Send> IntoResponse for CachedJson<T> {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<T: Answer> ApiResponse for CachedJson<T> {
    fn meta() -> MetaResponses {
        let headers = || {
            vec![
                header::request_id(),
                header::always("ETag", "Identifies this version; send it back as `If-None-Match`.", "W/\"4711\""),
                header::always("Cache-Control", "Clients may store it but must revalidate it each time.", CACHE),
                header::always("Vary", "The response differs only in its encoding.", "Accept-Encoding"),
            ]
        };
        let mut found = meta::<T>(200, T::MEANING, headers());
        found.headers.push(header::sometimes("Content-Encoding", "`zstd`, `br` or `gzip`, as `Accept-Encoding` allows.", "zstd"));
        let description = "Nothing has changed since the version in `If-None-Match`.";
        MetaResponses { responses: vec![found, bare(304, description, headers())] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => Response::builder().status(status).content_type(JSON).body(Body::from(bytes)),
        Err(error) => {
            tracing::error!(%error, "an answer could not be serialized");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn meta<T: Type>(status: u16, description: &'static str, headers: Vec<MetaHeader>) -> MetaResponse {
    let content = vec![MetaMediaType { content_type: JSON, schema: T::schema_ref() }];
    MetaResponse { content, ..bare(status, description, headers) }
}

/// A response without a body.
fn bare(status: u16, description: &'static str, headers: Vec<MetaHeader>) -> MetaResponse {
    MetaResponse { description, status: Some(status), status_range: None, content: vec![], headers }
}

/// Response headers, for the documentation.
pub(crate) mod header {
    use poem_openapi::registry::{MetaHeader, MetaSchema, MetaSchemaRef};
    use serde_json::Value;

    /// The header that every response has.
    pub(crate) fn request_id() -> MetaHeader {
        always("X-Request-Id", "Identifies the request in the server's log: the id sent, or a new one.", "01980f2e4c7a7bd2a6f3d1f0c9a5e812")
    }

    /// A header that is never missing.
    pub(crate) fn always(name: &str, description: &str, example: impl Into<Value>) -> MetaHeader {
        up_to(200, name, description, example.into())
    }

    /// A header that may be absent.
    pub(crate) fn sometimes(name: &str, description: &str, example: impl Into<Value>) -> MetaHeader {
        MetaHeader { required: false, ..always(name, description, example) }
    }

    /// A header that is never missing, with a text of at most `chars_max` characters.
    pub(crate) fn up_to(chars_max: usize, name: &str, description: &str, example: Value) -> MetaHeader {
        let schema = match example {
            Value::Number(_) => MetaSchema { minimum: Some(0.0), ..MetaSchema::new_with_format("integer", "int32") },
            _ => MetaSchema { min_length: Some(1), max_length: Some(chars_max), ..MetaSchema::new("string") },
        };
        let schema = MetaSchemaRef::Inline(Box::new(MetaSchema { example: Some(example), ..schema }));
        MetaHeader { name: name.to_owned(), description: Some(description.to_owned()), required: true, deprecated: false, schema }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_compares_weakly_and_takes_lists_and_the_star() {
        let ours = HeaderValue::from_static("W/\"7\"");
        for known in ["\"7\"", "\"6\", W/\"7\"", "*"] {
            assert!(matches_tag(known, &ours), "{known}");
        }
        for other in ["\"70\"", "W/\"6\"", ""] {
            assert!(!matches_tag(other, &ours), "{other}");
        }
    }
}
