//! The outermost endpoint: gives each request an id, turns every error and panic into a problem body, and adds the headers that every
//! response has.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use poem::http::header::{self, CACHE_CONTROL, CONTENT_TYPE};
use poem::http::{HeaderName, HeaderValue, Method, Uri};
use poem::{Endpoint, Request, Response};
use uuid::Uuid;

use crate::app::SharedApp;
use crate::http::allowed_methods::Methods;
use crate::http::challenges::API_KEY_HEADER;
use crate::http::deferred::awaited_by;
use crate::http::expectations::Expectations;
use crate::http::hsts::Hsts;
use crate::http::known_caller::KnownCaller;
use crate::http::refusal_log::RefusalLog;
use crate::http::sender::client_address_of;
use crate::metrics::Metrics;
use crate::problem::code::Code;
use crate::problem::conversions::of_framework;
use crate::problem::{self, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) struct Middleware<E> {
    inner: E,
    app: Option<SharedApp>,
    metrics: Option<Arc<Metrics>>,
    methods: Methods,
    expectations: Expectations,
    refusals: RefusalLog,
    hsts: Option<Hsts>,
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
        let (mut sent_id, mut authorization, mut api_key) = (None, None, None);
        // One look at each of a few headers costs less than looking each name up.
        for (name, value) in request.headers() {
            let of_interest = match name {
                name if *name == header::AUTHORIZATION => &mut authorization,
                name if *name == API_KEY_HEADER => &mut api_key,
                name if *name == REQUEST_ID => &mut sent_id,
                _ => continue,
            };
            of_interest.get_or_insert(value);
        }
        Self {
            request_id: request_id(sent_id),
            method: request.method().clone(),
            uri: request.uri().clone(),
            authorization: authorization.cloned(),
            api_key: api_key.cloned(),
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
    pub(crate) fn new(inner: E, app: Option<SharedApp>, methods: Methods, expectations: Expectations) -> Self {
        let metrics = app.as_ref().map(|app| Arc::clone(&app.metrics));
        Self { inner, app, metrics, methods, expectations, refusals: RefusalLog::new(), hsts: None }
    }

    /// The same, with `Strict-Transport-Security` in answers to clients that came by TLS.
    pub(crate) fn with_hsts(self, hsts: Option<Hsts>) -> Self {
        Self { hsts, ..self }
    }
}

impl<E: Endpoint<Output = Response>> Middleware<E> {
    /// Answers a request, whatever happens.
    pub(crate) async fn answer(self: Arc<Self>, mut request: Request) -> Response {
        let asked = Asked::by(&request);
        let hsts = self.hsts.as_ref().and_then(|hsts| hsts.policy_for(request.headers()));
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
                Err(panic) => Err(self.panicked(panic.as_ref())),
            };
        }
        let mut response = answer.unwrap_or_else(|problem| self.refuse(problem, &asked));
        let (status, path) = (response.status().as_u16(), asked.uri.path());
        tracing::debug!(request_id = asked.id(), method = %asked.method, path, status, "answered");
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, asked.request_id);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.extend(hsts.map(|policy| (header::STRICT_TRANSPORT_SECURITY, policy)));
        // Orders are private, and events are cached by this server: nobody else stores a response that does not say otherwise.
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }

    /// The framework's answer, which may carry an answer that comes later.
    async fn at_once(&self, request: Request) -> Result<Response, Problem> {
        if let Some(app) = &self.app
            && is_limited(request.uri().path())
        {
            app.rate_limits.address(|| client_address_of(app, &request))?;
        }
        match AssertUnwindSafe(self.inner.call(request)).catch_unwind().await {
            Ok(Ok(response)) => presentable(response),
            Ok(Err(error)) => Err(self.expectations.refusal(&error).unwrap_or_else(|| of_framework(error))),
            Err(panic) => Err(self.panicked(panic.as_ref())),
        }
    }
}

impl<E> Middleware<E> {
    fn refuse(&self, problem: Problem, asked: &Asked) -> Response {
        let code = problem.code();
        // Whoever is told that the server is overloaded may be the one who overloads it.
        if (code.status().is_client_error() || code == Code::Overloaded) && self.refusals.admits(code) {
            self.log_refusal(&problem, asked);
        }
        if let Some(cause) = problem.cause()
            && self.refusals.admits_fault(code)
        {
            log_fault(code, cause, asked.id());
        }
        let mut response = problem.into_response(asked.id());
        let allowed = if code == Code::MethodNotAllowed { self.methods.allowed(asked.uri.path()) } else { None };
        response.headers_mut().extend(allowed.and_then(|allowed| Some((header::ALLOW, HeaderValue::from_str(allowed).ok()?))));
        response
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> Problem {
        self.metrics.iter().for_each(|metrics| metrics.panicked());
        let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Problem::internal(format!("panic: {}", message.unwrap_or("without a message")))
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

fn log_fault(code: Code, cause: &str, request_id: &str) {
    if code == Code::InternalError {
        tracing::error!(request_id, cause, "internal error");
    } else {
        tracing::warn!(request_id, code = code.as_str(), cause, "request not served");
    }
}

/// Whether requests to this path are limited by address: probes and pages are not, and all payment notices come from one address.
fn is_limited(path: &str) -> bool {
    path.starts_with("/v1/") && path != "/v1/payments"
}

/// The response, unless it is an error without a problem body.
fn presentable(response: Response) -> Result<Response, Problem> {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_problem = || response.headers().get(CONTENT_TYPE).is_some_and(|media_type| media_type == problem::CONTENT_TYPE);
    if is_error && !is_problem() { Err(of_framework(status.into())) } else { Ok(response) }
}

/// The id that the client sent, if it has 1 to 128 visible ASCII characters, or a new one.
fn request_id(sent: Option<&HeaderValue>) -> HeaderValue {
    let good = |id: &&HeaderValue| (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic);
    sent.filter(good).cloned().unwrap_or_else(|| {
        let mut buffer = Uuid::encode_buffer();
        let id = Uuid::now_v7().simple().encode_lower(&mut buffer);
        HeaderValue::from_str(id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    })
}

#[cfg(test)]
mod tests;
