//! The outermost endpoint: gives each request an id, turns every error and panic into a problem body, and adds the headers that every
//! response has.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use poem::http::header::{self, CACHE_CONTROL, CONTENT_TYPE};
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use poem::{Endpoint, Request, Response};
use uuid::Uuid;

use crate::app::SharedApp;
use crate::http::allowed_methods::Methods;
use crate::http::challenges::API_KEY_HEADER;
use crate::http::credentials::KnownCaller;
use crate::http::deferred::awaited_by;
use crate::http::expectations::Expectations;
use crate::http::refusal_log::RefusalLog;
use crate::problem::code::Code;
use crate::problem::conversions::of_framework;
use crate::problem::{self, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps the whole API.
pub struct Middleware<E> {
    inner: E,
    app: Option<SharedApp>,
    methods: Methods,
    expectations: Expectations,
    refusals: Arc<RefusalLog>,
}

/// The parts of a request that are needed to answer it. They are cheap to keep, because they share the text of the request's head.
struct Asked {
    request_id: HeaderValue,
    method: Method,
    uri: Uri,
    authorization: Option<HeaderValue>,
    api_key: Option<HeaderValue>,
}

impl Asked {
    fn by(request: &Request) -> Self {
        let headers = request.headers();
        Self {
            request_id: request_id(headers),
            method: request.method().clone(),
            uri: request.uri().clone(),
            authorization: headers.get(header::AUTHORIZATION).cloned(),
            api_key: headers.get(API_KEY_HEADER).cloned(),
        }
    }

    /// The request id as text; it is visible ASCII.
    fn id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }
}

impl<E> Middleware<E> {
    /// Wraps `inner` and puts `app` into each request. `methods` are for paths that do not support a method, `expectations` for parameters
    /// that are not as documented.
    pub fn new(inner: E, app: Option<SharedApp>, methods: Methods, expectations: Expectations) -> Self {
        Self { inner, app, methods, expectations, refusals: RefusalLog::new() }
    }
}

impl<E: Endpoint<Output = Response>> Middleware<E> {
    /// Answers a request, whatever happens.
    pub async fn answer(self: Arc<Self>, mut request: Request) -> Response {
        let asked = Asked::by(&request);
        if let Some(app) = &self.app {
            request.set_data(SharedApp::clone(app));
        }
        // Boxed, so that none of it is kept while waiting for an answer that comes later.
        let mut answer = Box::pin(self.at_once(request)).await;
        if let Ok(response) = &mut answer
            && let Some(awaited) = awaited_by(response)
        {
            answer = match AssertUnwindSafe(awaited).catch_unwind().await {
                Ok(answer) => answer.and_then(presentable),
                Err(panic) => Err(panicked(panic.as_ref())),
            };
        }
        let mut response = answer.unwrap_or_else(|problem| self.refuse(problem, &asked));
        let (status, path) = (response.status().as_u16(), asked.uri.path());
        tracing::debug!(request_id = asked.id(), method = %asked.method, path, status, "answered");
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, asked.request_id);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // Orders are private, and events are cached by this server: nobody else stores a response that does not say otherwise.
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }

    /// The framework's answer, which may carry an answer that comes later.
    async fn at_once(&self, request: Request) -> Result<Response, Problem> {
        match AssertUnwindSafe(self.inner.call(request)).catch_unwind().await {
            Ok(Ok(response)) => presentable(response),
            Ok(Err(error)) => Err(self.expectations.refusal(&error).unwrap_or_else(|| of_framework(error))),
            Err(panic) => Err(panicked(panic.as_ref())),
        }
    }
}

impl<E> Middleware<E> {
    fn refuse(&self, problem: Problem, asked: &Asked) -> Response {
        let code = problem.code();
        if code.status().is_client_error() && self.refusals.admits(code) {
            self.log_refusal(&problem, asked);
        }
        let mut response = problem.into_response(asked.id());
        let allowed = if code == Code::MethodNotAllowed { self.methods.allowed(asked.uri.path()) } else { None };
        if let Some(allow) = allowed.and_then(|allowed| HeaderValue::from_str(allowed).ok()) {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }

    /// The line by which operators find a request that a client asks about. The path is left out, since it may contain private data.
    fn log_refusal(&self, problem: &Problem, asked: &Asked) {
        let caller = |app: &SharedApp| KnownCaller::of(app, asked.authorization.as_ref(), asked.api_key.as_ref());
        let KnownCaller { api_key_id, customer_hash } = self.app.as_ref().map(caller).unwrap_or_default();
        let (code, detail) = (problem.code(), problem.detail());
        let route = self.methods.template(asked.uri.path()).unwrap_or("unknown");
        let (request_id, method, status, code) = (asked.id(), &asked.method, code.status().as_u16(), code.as_str());
        tracing::info!(request_id, %method, route, status, code, api_key_id, customer_hash, detail, "refused");
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Problem {
    Problem::internal(panic_message(panic))
}

/// The response, unless it is an error without a problem body.
fn presentable(response: Response) -> Result<Response, Problem> {
    if is_presentable(&response) { Ok(response) } else { Err(of_framework(response.status().into())) }
}

/// Whether a response can be sent as it is: any success, and errors that are already problems.
fn is_presentable(response: &Response) -> bool {
    let status = response.status();
    !(status.is_client_error() || status.is_server_error())
        || response.headers().get(CONTENT_TYPE).is_some_and(|media_type| media_type == problem::CONTENT_TYPE)
}

/// The id that the client sent, if it has 1 to 128 visible ASCII characters, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let sent = headers.get(REQUEST_ID);
    let good = |id: &&HeaderValue| (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic);
    sent.filter(good).cloned().unwrap_or_else(|| {
        let mut buffer = Uuid::encode_buffer();
        let id = Uuid::now_v7().simple().encode_lower(&mut buffer);
        HeaderValue::from_str(id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    })
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", message.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use poem::IntoResponse;
    use poem::endpoint::make;
    use poem::http::StatusCode;
    use poem_openapi::OpenApi;
    use serde_json::Value;

    use super::*;
    use crate::http::deferred::Later;

    /// An API with one path, of which only the description is used.
    #[allow(dead_code)]
    struct OnePath;

    #[OpenApi]
    impl OnePath {
        #[oai(path = "/v1/orders/:order_id", method = "post")]
        async fn pay(&self) {}
    }

    async fn call(request: Request, inner: impl Endpoint<Output = Response>) -> (Response, Value) {
        let (methods, expectations) = (Methods::of(&OnePath::meta()), Expectations::of::<OnePath>());
        let mut response = Arc::new(Middleware::new(inner, None, methods, expectations)).answer(request).await;
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
        let request = Request::builder().method(Method::PUT).uri(Uri::from_static("/v1/orders/7")).finish();
        let (response, body) = call(request, inner).await;
        assert_eq!((response.status().as_u16(), &body["code"]), (405, &"method_not_allowed".into()));
        assert_eq!(header(&response, "allow"), "POST");
        assert_eq!(header(&response, "content-type"), problem::CONTENT_TYPE);
    }

    #[tokio::test]
    async fn an_answer_that_comes_later_is_an_error_with_a_problem_body_or_none() {
        let inner = make(|_| async { Ok::<_, poem::Error>(Later::new(async { Ok(StatusCode::INTERNAL_SERVER_ERROR) }).into_response()) });
        let (response, body) = call(Request::default(), inner).await;
        assert_eq!((response.status().as_u16(), &body["code"]), (500, &"internal_error".into()));
    }

    /// Collects what is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Log {
        fn started_at(level: tracing::Level) -> (Self, tracing::subscriber::DefaultGuard) {
            let log = Self::default();
            let writer = log.clone();
            let subscriber = tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_writer(move || writer.clone()).finish();
            (log, tracing::subscriber::set_default(subscriber))
        }

        fn lines(&self) -> Vec<String> {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
        }
    }

    fn asked() -> Request {
        let request = Request::builder().method(Method::POST).header("x-request-id", "trace-1");
        request.header("authorization", "Bearer secret").uri(Uri::from_static("/v1/orders/alice?token=secret")).finish()
    }

    #[tokio::test]
    async fn a_refusal_leaves_one_line_that_finds_the_request_and_gives_nothing_away() {
        let (log, _guard) = Log::started_at(tracing::Level::INFO);
        call(asked(), make(|_| async { Err::<Response, poem::Error>(Problem::plain(Code::SoldOut).into()) })).await;
        let lines = log.lines();
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        for part in [" INFO ", "refused", "trace-1", "method=POST", "/v1/orders/{order_id}", "status=409", "sold_out"] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        assert!(!line.contains("secret") && !line.contains("alice"), "{line}");
    }

    #[tokio::test]
    async fn a_late_refusal_is_logged_and_a_success_or_a_fault_of_ours_is_no_refusal() {
        let (log, _guard) = Log::started_at(tracing::Level::INFO);
        let late = make(|_| async {
            Ok::<_, poem::Error>(Later::new(async { Err::<StatusCode, _>(Problem::plain(Code::SeatTaken)) }).into_response())
        });
        call(asked(), late).await;
        call(asked(), make(|_| async { ok(StatusCode::OK) })).await;
        call(asked(), make(|_| async { Err::<Response, poem::Error>(Problem::plain(Code::Overloaded).into()) })).await;
        let lines = log.lines();
        assert!(lines.len() == 1 && lines[0].contains("seat_taken"), "{lines:?}");
    }

    #[tokio::test]
    async fn a_log_without_informative_lines_has_no_refusals() {
        let (log, _guard) = Log::started_at(tracing::Level::WARN);
        call(asked(), make(|_| async { Err::<Response, poem::Error>(Problem::plain(Code::SoldOut).into()) })).await;
        assert_eq!(log.lines(), Vec::<String>::new());
    }
}
