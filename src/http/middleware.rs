//! The outermost endpoint: names each request, turns every error and panic into a problem body, and adds the headers that every
//! response has.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use poem::http::header::{self, CACHE_CONTROL, CONTENT_TYPE};
use poem::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use poem::{Endpoint, Request, Response};
use uuid::Uuid;

use crate::app::SharedApp;
use crate::http::allowed_methods::Methods;
use crate::http::deferred::awaited_by;
use crate::problem::code::Code;
use crate::problem::conversions::of_framework;
use crate::problem::{self, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps the whole API.
pub struct Middleware<E> {
    inner: E,
    app: Option<SharedApp>,
    methods: Methods,
}

impl<E> Middleware<E> {
    /// Wraps `inner` and puts `app` into each request; `methods` are listed where a path lacks one.
    pub fn new(inner: E, app: Option<SharedApp>, methods: Methods) -> Self {
        Self { inner, app, methods }
    }
}

impl<E: Endpoint<Output = Response>> Middleware<E> {
    /// Answers a request, whatever comes.
    pub async fn answer(self: Arc<Self>, mut request: Request) -> Response {
        let request_id = request_id(request.headers());
        if let Some(app) = &self.app {
            request.set_data(SharedApp::clone(app));
        }
        // Both are cheap: a URI shares its text.
        let (method, uri) = (request.method().clone(), request.uri().clone());
        // Boxed, so that nothing of it is kept while a later answer is waited for.
        let mut response = Box::pin(self.at_once(request, &uri, &request_id)).await;
        if let Some(awaited) = awaited_by(&mut response) {
            response = match AssertUnwindSafe(awaited).catch_unwind().await {
                Ok(Ok(answer)) => answer,
                Ok(Err(problem)) => problem.into_response(text(&request_id)),
                Err(panic) => panicked(panic.as_ref(), &request_id),
            };
        }
        tracing::debug!(request_id = text(&request_id), %method, path = uri.path(), status = response.status().as_u16(), "answered");
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, request_id);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // Orders are private and events are cached here: nobody else keeps what does not say otherwise.
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }

    /// The framework's answer, which may carry one that comes later.
    async fn at_once(&self, request: Request, uri: &Uri, request_id: &HeaderValue) -> Response {
        match AssertUnwindSafe(self.inner.call(request)).catch_unwind().await {
            Ok(Ok(response)) if is_presentable(&response) => response,
            Ok(Ok(response)) => of_framework(response.status().into()).into_response(text(request_id)),
            Ok(Err(error)) => self.refuse(of_framework(error), uri, text(request_id)),
            Err(panic) => panicked(panic.as_ref(), request_id),
        }
    }
}

fn panicked(panic: &(dyn std::any::Any + Send), request_id: &HeaderValue) -> Response {
    Problem::internal(panic_message(panic)).into_response(text(request_id))
}

impl<E> Middleware<E> {
    fn refuse(&self, problem: Problem, uri: &Uri, request_id: &str) -> Response {
        let allowed = if problem.code() == Code::MethodNotAllowed { self.methods.allowed(uri.path()) } else { None };
        let mut response = problem.into_response(request_id);
        if let Some(allow) = allowed.and_then(|allowed| HeaderValue::from_str(allowed).ok()) {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }
}

/// Whether a response may go out as it is: any success, and errors that are problems already.
fn is_presentable(response: &Response) -> bool {
    let status = response.status();
    !(status.is_client_error() || status.is_server_error())
        || response.headers().get(CONTENT_TYPE).is_some_and(|media_type| media_type == problem::CONTENT_TYPE)
}

/// The id the client sent, if it has 1 to 128 visible ASCII characters, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let sent = headers.get(REQUEST_ID);
    let good = |id: &&HeaderValue| (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic);
    sent.filter(good).cloned().unwrap_or_else(|| {
        let mut buffer = Uuid::encode_buffer();
        let id = Uuid::now_v7().simple().encode_lower(&mut buffer);
        HeaderValue::from_str(id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    })
}

/// A request id as text; it is visible ASCII.
fn text(request_id: &HeaderValue) -> &str {
    request_id.to_str().unwrap_or_default()
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", message.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use poem::IntoResponse;
    use poem::endpoint::make;
    use poem::http::{Method, StatusCode};
    use serde_json::Value;

    use super::*;
    use crate::http::deferred::Later;

    async fn call(request: Request, inner: impl Endpoint<Output = Response>) -> (Response, Value) {
        let mut response = Arc::new(Middleware::new(inner, None, Methods::of(&[]))).answer(request).await;
        let body = response.take_body().into_bytes().await.unwrap();
        (response, serde_json::from_slice(&body).unwrap_or_default())
    }

    fn ok(status: StatusCode) -> poem::Result<Response> {
        Ok(Response::builder().status(status).finish())
    }

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error_that_says_nothing() {
        let inner = make(|_| async { if true { panic!("secret") } else { ok(StatusCode::OK) } });
        let (response, body) = call(Request::default(), inner).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!((&body["code"], &body["request_id"]), (&"internal_error".into(), &header(&response, "x-request-id").into()));
        assert!(!body.to_string().contains("secret"));
    }

    #[tokio::test]
    async fn a_later_answer_is_waited_for_and_may_refuse_or_panic() {
        let later = |answer: fn() -> Result<StatusCode, Problem>| {
            make(move |_| async move { Ok::<_, poem::Error>(Later::new(async move { answer() }).into_response()) })
        };
        let (response, _) = call(Request::default(), later(|| Ok(StatusCode::CREATED))).await;
        assert_eq!((response.status(), header(&response, "x-content-type-options")), (StatusCode::CREATED, "nosniff"));
        let (response, body) = call(Request::default(), later(|| Err(Problem::plain(Code::SoldOut)))).await;
        assert_eq!((response.status().as_u16(), &body["code"]), (409, &"sold_out".into()));
        let (response, body) = call(Request::default(), later(|| if true { panic!("secret") } else { Ok(StatusCode::OK) })).await;
        assert_eq!((response.status().as_u16(), &body["code"]), (500, &"internal_error".into()));
        assert!(!body.to_string().contains("secret"));
    }

    #[tokio::test]
    async fn a_good_request_id_is_kept_and_a_bad_one_replaced() {
        let with = |id: &'static str| Request::builder().header("x-request-id", id).finish();
        let fine = || make(|_| async { ok(StatusCode::OK) });
        let (response, _) = call(with("trace-1"), fine()).await;
        assert_eq!(header(&response, "x-request-id"), "trace-1");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        let (response, _) = call(with("two words"), fine()).await;
        assert_eq!(header(&response, "x-request-id").len(), 32);
    }

    #[tokio::test]
    async fn errors_without_a_problem_body_get_one() {
        let inner = make(|_| async { ok(StatusCode::BAD_GATEWAY) });
        let (response, body) = call(Request::default(), inner).await;
        assert_eq!((response.status().as_u16(), &body["code"]), (500, &"internal_error".into()));
        let inner = make(|_| async { Err::<Response, poem::Error>(poem::error::MethodNotAllowedError.into()) });
        let request = Request::builder().method(Method::PUT).uri(Uri::from_static("/v1/payments")).finish();
        let (response, body) = call(request, inner).await;
        assert_eq!((response.status().as_u16(), &body["code"]), (405, &"method_not_allowed".into()));
        assert_eq!(header(&response, "allow"), "POST");
        assert_eq!(header(&response, "content-type"), problem::CONTENT_TYPE);
    }
}
