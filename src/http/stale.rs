//! Answers that may be older than usual, because PostgreSQL cannot be asked.

use std::time::Duration;

use poem::http::{HeaderValue, header as names};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaResponses, Registry};

use crate::http::replies::header;

const WARNING: &str = "110 - \"Response is Stale\"";

/// An answer, and its age if nothing newer could be read.
pub(crate) struct MaybeStale<R> {
    pub response: R,
    pub age: Option<Duration>,
}

impl<R: IntoResponse> IntoResponse for MaybeStale<R> {
    fn into_response(self) -> Response {
        let mut response = self.response.into_response();
        if let Some(age) = self.age {
            response.headers_mut().insert(names::AGE, HeaderValue::from(age.as_secs()));
            response.headers_mut().insert(names::WARNING, HeaderValue::from_static(WARNING));
        }
        response
    }
}

impl<R: ApiResponse> ApiResponse for MaybeStale<R> {
    fn meta() -> MetaResponses {
        let mut meta = R::meta();
        for response in &mut meta.responses {
            let age = "How old the answer is, in seconds; only while the database cannot be asked for a newer one.";
            response.headers.push(header::sometimes("Age", age, 7));
            response.headers.push(header::sometimes("Warning", "Comes with `Age`.", WARNING));
        }
        meta
    }

    fn register(registry: &mut Registry) {
        R::register(registry);
    }
}
