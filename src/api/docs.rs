//! The documentation, served: Swagger UI, the OpenAPI document and the list of errors. Each is written once.

use std::fmt::Write;
use std::sync::LazyLock;

use bytes::Bytes;
use poem::http::header::{CACHE_CONTROL, X_FRAME_OPTIONS};
use poem::{Body, IntoResponse, Response};
use poem_openapi::registry::{MetaResponses, Registry};
use poem_openapi::{ApiResponse, OpenApi};

use super::code::Code;
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

    /// What each problem's `type` points to.
    #[oai(path = "/errors", method = "get", hidden)]
    async fn errors(&self) -> Page {
        static PAGE: LazyLock<Bytes> = LazyLock::new(|| errors_page().into());
        Page { media_type: "text/html; charset=utf-8", bytes: PAGE.clone() }
    }

    /// The OpenAPI document.
    #[oai(path = "/openapi.json", method = "get", hidden)]
    async fn openapi(&self) -> Page {
        static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document::spec().into());
        Page { media_type: "application/json", bytes: DOCUMENT.clone() }
    }
}

/// Every code with its status and meaning, each under an anchor of its own.
fn errors_page() -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Rowlock: errors</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}\
         h2{margin:1.5rem 0 0;font-size:1rem}code{font-size:1rem}p{margin:0}:target{background:#fe9}</style><h1>Errors</h1>\
         <p>Every refusal is <code>application/problem+json</code> with one of these codes. Branch on the code; it never changes.</p>",
    );
    for code in Code::ALL {
        let (word, status) = (code.as_str(), code.status().as_u16());
        write!(page, "<h2 id=\"{word}\"><code>{word}</code> · {status}</h2><p>").ok();
        // The table's texts are ours: of what HTML or Markdown would take for its own they hold backticks only.
        for (index, part) in code.meaning().split('`').enumerate() {
            if index % 2 == 0 { page.push_str(part) } else { write!(page, "<code>{part}</code>").unwrap_or_default() }
        }
        page.push_str("</p>");
    }
    page
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
