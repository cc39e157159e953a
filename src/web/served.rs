//! How pages are sent: in the encoding that the browser prefers, with a tag for revalidation, and with a content security policy.

use bytes::Bytes;
use poem::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_FRAME_OPTIONS};
use poem::http::{HeaderMap, HeaderValue};
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaResponses, Registry};
use sha2::{Digest, Sha256};

use super::frame::Html;
use crate::http::replies::cached;
use crate::reads::CachedBody;

const HTML: &str = "text/html; charset=utf-8";
/// The body stays the same until the next version of the server: store it, but revalidate it.
const ASK_FIRST: &str = "no-cache";
/// The page shows the current state.
const DO_NOT_KEEP: HeaderValue = HeaderValue::from_static("no-store");

/// A file that stays the same as long as the server runs.
pub(crate) struct Asset {
    media_type: &'static str,
    policy: Option<HeaderValue>,
    body: CachedBody,
}

impl Asset {
    /// A text with that media type.
    pub(crate) fn new(media_type: &'static str, text: impl Into<Bytes>) -> Self {
        let bytes: Bytes = text.into();
        let [a, b, c, d, e, f, g, h, ..] = Sha256::digest(&bytes).0;
        let revision = i64::from_be_bytes([a & 0x7f, b, c, d, e, f, g, h]);
        Self { media_type, policy: None, body: CachedBody::new(revision, bytes) }
    }

    pub(crate) fn page(page: Html) -> Self {
        Self { policy: Some(page.policy), ..Self::new(HTML, page.text) }
    }
}

/// A page or an asset, as a response.
pub(crate) struct Served(Response);

impl Served {
    /// A page that was just rendered.
    pub(crate) fn now(page: Html) -> Self {
        let mut response = Response::builder().content_type(HTML).body(Body::from(page.text));
        response.headers_mut().insert(CACHE_CONTROL, DO_NOT_KEEP);
        protect(response.headers_mut(), Some(page.policy));
        Self(response)
    }

    /// The asset for a request with these headers; 304 if the browser already has it.
    pub(crate) async fn asset(asset: &Asset, request: &HeaderMap) -> Self {
        let mut response = cached(&asset.body, asset.media_type, ASK_FIRST, request).await;
        protect(response.headers_mut(), asset.policy.clone());
        Self(response)
    }
}

fn protect(headers: &mut HeaderMap, policy: Option<HeaderValue>) {
    if let Some(policy) = policy {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
}

impl IntoResponse for Served {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for Served {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![] }
    }

    fn register(_: &mut Registry) {}
}
