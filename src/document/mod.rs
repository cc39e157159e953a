//! The OpenAPI document: what the framework knows about the operations, and what it cannot express.
//!
//! [`operations`] lists the operations. [`enrich`] adds to the framework's document who may call, examples ([`examples`], [`problems`])
//! and details of each field ([`fields`]).

mod enrich;
mod examples;
mod fields;
mod node;
mod operations;
mod problems;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::LazyLock;

use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem_openapi::registry::{MetaApi, Registry};
use poem_openapi::{ContactObject, LicenseObject, OpenApi, OpenApiService};

pub use operations::operations;

use crate::api::Apis;

const TITLE: &str = "Rowlock";
const DESCRIPTION: &str = "\
Sells numbered concert seats to everyone at once, and never sells one twice.

- Money is in minor units (cents) of an ISO 4217 currency; times are RFC 3339 in UTC with milliseconds.
- Every refusal is a problem body (RFC 9457, `application/problem+json`) with a stable `code` and the `request_id`.
- A path that does not exist is answered 404 `not_found`; a method that a path does not support, 405 `method_not_allowed` with `Allow`.
- A head that is too large is answered 414 `uri_too_long` or 431 `head_too_large`; a body in a transfer coding other than `chunked`, \
501 `unsupported_transfer_coding`; a request without exactly one `Host`, or with two of a kind of credential, 400.
- Fields, parameters and codes may be added: ignore those that you do not know. Requests with a field or a query parameter that is not \
listed, or with a body where none is expected, are refused.
- A request body may be compressed: `Content-Encoding` is `gzip`, `deflate`, `br` or `zstd`. The size limit applies to the decoded body; a \
signature covers the bytes as sent.
- Texts need at least one visible character, and must not contain control characters, characters that reorder or break their \
line, or noncharacters such as U+FFFE.
- Every response has `X-Request-Id`: the one that was sent, if it has 1 to 128 visible ASCII characters, or a new one.
- After a 503, wait at least `Retry-After` seconds and try again; payment notices, and claims and new events with an `Idempotency-Key`, \
can safely be sent again.";
/// A choice of two licences has no page of its own; the SPDX list has both.
const LICENSE_URL: &str = "https://spdx.org/licenses/";

/// The operations without the application: enough to describe them.
struct Described<T>(PhantomData<T>);

impl<T: OpenApi> OpenApi for Described<T> {
    fn meta() -> Vec<MetaApi> {
        T::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn add_routes(self, _: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {}
}

/// A service that serves `api`, or only describes it.
pub(crate) fn service<T: OpenApi>(api: T) -> OpenApiService<T, ()> {
    // The server URL is relative, so that the document is the same wherever it is served.
    OpenApiService::new(api, TITLE, env!("CARGO_PKG_VERSION"))
        .description(DESCRIPTION)
        .contact(ContactObject::new().name("Rowlock's developers"))
        .license(LicenseObject::new(env!("CARGO_PKG_LICENSE")).url(LICENSE_URL))
        .server("/")
}

fn described() -> OpenApiService<impl OpenApi, ()> {
    service(Described::<Apis>(PhantomData))
}

/// The OpenAPI document: pretty-printed JSON, always the same for the same code.
pub fn spec() -> String {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| enrich::enriched(&described().spec()));
    DOCUMENT.clone()
}

/// Swagger UI, extracted from the framework's own page.
pub(crate) struct SwaggerUi {
    pub(crate) css: String,
    pub(crate) js: String,
}

impl SwaggerUi {
    /// Extracts both from the framework's page; a test checks that they are found.
    pub(crate) fn unpacked() -> Self {
        let page = described().swagger_ui_html();
        let between = |begin: &str, end: &str| {
            let inside = page.split_once(begin).and_then(|(_, rest)| rest.split_once(end));
            inside.map_or_else(String::new, |(inside, _)| inside.to_owned())
        };
        Self { css: between("<style charset=\"UTF-8\">", "</style>"), js: between("<script charset=\"UTF-8\">", "</script>") }
    }
}
