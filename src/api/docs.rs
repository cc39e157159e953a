//! The documentation, served: Swagger UI and the OpenAPI document. Both are written once.

use std::sync::LazyLock;

use bytes::Bytes;
use poem::http::header::{CACHE_CONTROL, X_FRAME_OPTIONS};
use poem::{Body, IntoResponse, Response};
use poem_openapi::registry::{MetaResponses, Registry};
use poem_openapi::{ApiResponse, OpenApi};

use super::document;

/// The pages for people and generators; they do not document themselves.
pub struct DocsApi;

#[OpenApi]
impl DocsApi {
    /// Swagger UI.
    #[oai(path = "/docs", method = "get", hidden)]
    async fn docs(&self) -> Page {
        static PAGE: LazyLock<Bytes> = LazyLock::new(|| document::swagger_ui().into());
        Page { media_type: "text/html; charset=utf-8", bytes: PAGE.clone() }
    }

    /// The OpenAPI document.
    #[oai(path = "/openapi.json", method = "get", hidden)]
    async fn openapi(&self) -> Page {
        static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document::spec().into());
        Page { media_type: "application/json", bytes: DOCUMENT.clone() }
    }
}

struct Page {
    media_type: &'static str,
    bytes: Bytes,
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        Response::builder()
            .content_type(self.media_type)
            .header(CACHE_CONTROL, "no-cache")
            .header(X_FRAME_OPTIONS, "DENY")
            .body(Body::from(self.bytes))
    }
}

impl ApiResponse for Page {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![] }
    }

    fn register(_: &mut Registry) {}
}
