//! Answers as a client sees them, and what is logged about them.

use std::io;
use std::sync::Mutex;
use std::time::Duration;

use poem::IntoResponse;
use poem::endpoint::make;
use poem::http::StatusCode;
use poem_openapi::OpenApi;
use serde_json::Value;

use super::*;
use crate::http::deferred::Deferred;
use crate::metrics::Readings;

/// An API with one path, of which only the description is used.
#[allow(dead_code)]
struct OnePath;

#[OpenApi]
impl OnePath {
    #[oai(path = "/v1/orders/:order_id", method = "post")]
    async fn pay(&self) {}
}

fn around<E: Endpoint<Output = Response>>(inner: E) -> Middleware<E> {
    Middleware::new(inner, None, Methods::of(&OnePath::meta()), Expectations::of::<OnePath>())
}

async fn call(request: Request, inner: impl Endpoint<Output = Response>) -> (Response, Value) {
    answer_of(request, around(inner)).await
}

async fn answer_of(request: Request, middleware: Middleware<impl Endpoint<Output = Response>>) -> (Response, Value) {
    let mut response = Arc::new(middleware).answer(request).await;
    let body = response.take_body().into_bytes().await.unwrap();
    (response, serde_json::from_slice(&body).unwrap_or_default())
}

fn at_once(answer: fn() -> poem::Result<StatusCode>) -> impl Endpoint<Output = Response> {
    make(move |_| async move { answer().map(IntoResponse::into_response) })
}

fn later(answer: fn() -> Result<StatusCode, Problem>) -> impl Endpoint<Output = Response> {
    make(move |_| async move { Ok::<_, poem::Error>(Deferred::new(async move { answer() }).into_response()) })
}

fn refuse(code: Code) -> poem::Result<StatusCode> {
    Err(Problem::plain(code).into())
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The answer is a problem with this status and code.
#[track_caller]
fn assert_problem((response, body): &(Response, Value), status: u16, code: &str) {
    assert_eq!((response.status().as_u16(), &body["code"]), (status, &code.into()));
    assert_eq!(header(response, "content-type"), problem::CONTENT_TYPE);
    assert_eq!(body["request_id"], header(response, "x-request-id"));
    assert!(!body.to_string().contains("secret"));
}

#[tokio::test]
async fn a_panic_is_an_internal_error_that_says_nothing_and_is_counted() {
    let metrics = Arc::new(Metrics::new());
    let count = || metrics.encode(Readings::default()).lines().find_map(|line| line.strip_prefix("rowlock_panics_total ")?.parse().ok());
    let at_once = Middleware { metrics: Some(Arc::clone(&metrics)), ..around(at_once(|| panic!("secret"))) };
    assert_problem(&answer_of(Request::default(), at_once).await, 500, "internal_error");
    assert_eq!(count(), Some(1));
    let later = Middleware { metrics: Some(Arc::clone(&metrics)), ..around(later(|| panic!("secret"))) };
    assert_problem(&answer_of(Request::default(), later).await, 500, "internal_error");
    assert_eq!(count(), Some(2));
}

#[tokio::test]
async fn a_later_answer_is_waited_for_and_may_refuse() {
    let (response, _) = call(Request::default(), later(|| Ok(StatusCode::CREATED))).await;
    assert_eq!((response.status(), header(&response, "x-content-type-options")), (StatusCode::CREATED, "nosniff"));
    assert_problem(&call(Request::default(), later(|| Err(Problem::plain(Code::SoldOut)))).await, 409, "sold_out");
}

#[tokio::test]
async fn a_good_request_id_is_kept_and_a_bad_one_replaced() {
    let with = |id: &'static str| Request::builder().header("x-request-id", id).finish();
    let (response, _) = call(with("trace-1"), at_once(|| Ok(StatusCode::OK))).await;
    assert_eq!((header(&response, "x-request-id"), header(&response, "x-content-type-options")), ("trace-1", "nosniff"));
    let (response, _) = call(with("two words"), at_once(|| Ok(StatusCode::OK))).await;
    assert_eq!(header(&response, "x-request-id").len(), 32);
}

#[tokio::test]
async fn errors_without_a_problem_body_get_one() {
    assert_problem(&call(Request::default(), at_once(|| Ok(StatusCode::BAD_GATEWAY))).await, 500, "internal_error");
    assert_problem(&call(Request::default(), later(|| Ok(StatusCode::BAD_GATEWAY))).await, 500, "internal_error");
    let request = Request::builder().method(Method::PUT).uri(Uri::from_static("/v1/orders/7")).finish();
    let answer = call(request, at_once(|| Err(poem::error::MethodNotAllowedError.into()))).await;
    assert_problem(&answer, 405, "method_not_allowed");
    assert_eq!(header(&answer.0, "allow"), "POST");
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
    call(asked(), at_once(|| refuse(Code::SoldOut))).await;
    let lines = log.lines();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    for part in [" INFO ", "refused", "trace-1", "method=POST", "/v1/orders/{order_id}", "status=409", "sold_out"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(!line.contains("secret") && !line.contains("alice"), "{line}");
}

#[tokio::test]
async fn late_refusals_and_overload_are_logged_and_a_success_or_a_fault_of_ours_is_no_refusal() {
    let (log, _guard) = Log::started_at(tracing::Level::INFO);
    call(asked(), later(|| Err(Problem::plain(Code::SeatTaken)))).await;
    call(asked(), at_once(|| Ok(StatusCode::OK))).await;
    call(asked(), at_once(|| refuse(Code::Unavailable))).await;
    call(asked(), at_once(|| refuse(Code::Overloaded))).await;
    let lines = log.lines();
    assert!(lines.len() == 2 && lines[0].contains("seat_taken") && lines[1].contains("overloaded"), "{lines:?}");
}

#[tokio::test]
async fn a_log_without_informative_lines_has_no_refusals() {
    let (log, _guard) = Log::started_at(tracing::Level::WARN);
    call(asked(), at_once(|| refuse(Code::SoldOut))).await;
    assert_eq!(log.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn a_storm_of_faults_leaves_a_few_lines_and_the_number_of_the_others() {
    const STORM: usize = 100;
    type Fault = fn() -> poem::Result<StatusCode>;
    let faults: [(Fault, &str); 2] = [
        (|| Err(Problem::passing(Code::Unavailable, 1).with_cause("a full disk").into()), "request not served"),
        (|| Err(Problem::internal("a bug").into()), "internal error"),
    ];
    for (fault, message) in faults {
        let (log, _guard) = Log::started_at(tracing::Level::WARN);
        let server = Arc::new(around(at_once(fault)));
        for _ in 0..STORM {
            Arc::clone(&server).answer(Request::default()).await;
        }
        let left_out = |line: &String| line.split_once(" left_out=")?.1.parse::<usize>().ok();
        let counted =
            || (log.lines().iter().filter(|line| line.contains(message)).count(), log.lines().iter().filter_map(left_out).sum::<usize>());
        while counted().0 + counted().1 < STORM {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let (logged, left_out) = counted();
        assert!((10..STORM).contains(&logged) && logged + left_out == STORM, "{logged} logged, {left_out} left out");
    }
}
