//! Answers to clients whose request never reached the routes: problems like all others, written by hand.

use poem::http::StatusCode;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use uuid::Uuid;

use super::BUFFER_MAX_BYTES;
use crate::http::refusal_log::RefusalLog;
use crate::problem::code::Code;
use crate::problem::{CONTENT_TYPE, Problem};

/// As HTTP writes a date (RFC 9110, 5.6.7).
const DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// The problem of a head that hyper could not parse or that did not arrive in time; `None`: the client has gone, or was only idle.
///
/// `status` is hyper's own answer, if it had one, and `unread` what it has not parsed.
pub(super) fn problem_of(error: &hyper::Error, status: Option<u16>, has_begun: bool, unread: &[u8]) -> Option<Problem> {
    if error.is_timeout() {
        return has_begun.then(|| Problem::new(Code::RequestTimeout, "the head of the request did not arrive in time"));
    }
    let text = error.to_string();
    match status {
        Some(414) => Some(Problem::plain(Code::UriTooLong)),
        // hyper has passed over empty lines, or over a whole head whose Content-Length is beyond 64 bits, and does not say which.
        Some(431) if unread.len() < BUFFER_MAX_BYTES && !begins_with_a_head(unread) => {
            Some(not_http("it is too large and begins with empty lines, or its Content-Length is too large"))
        }
        // Not even the first line was whole.
        Some(431) if !unread.contains(&b'\n') => Some(Problem::plain(Code::UriTooLong)),
        Some(431) => Some(Problem::plain(Code::HeadTooLarge)),
        // The only coding that hyper knows, and wants to be the last one, is chunked.
        _ if text == "invalid transfer-encoding parsed" => Some(Problem::plain(Code::UnsupportedTransferCoding)),
        _ => error.is_parse().then(|| not_http(&text)),
    }
}

fn not_http(why: &str) -> Problem {
    Problem::new(Code::InvalidRequest, format!("the head of the request is not HTTP/1.1: {why}"))
}

fn begins_with_a_head(unread: &[u8]) -> bool {
    let line = unread.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.windows(6).any(|six| six == b" HTTP/")
}

/// The whole answer, after which the connection ends; it is logged like every refusal.
pub(super) fn written(problem: Problem, log: &RefusalLog) -> Vec<u8> {
    let request_id = Uuid::now_v7().simple().to_string();
    let (code, status) = (problem.code(), problem.code().status());
    if log.admits(code) {
        let detail = problem.detail();
        tracing::info!(request_id, route = "unknown", status = status.as_u16(), code = code.as_str(), detail, "refused");
    }
    let date = OffsetDateTime::now_utc().format(DATE).unwrap_or_default();
    // Texts, numbers and ids can always be serialized.
    let body = serde_json::to_vec(&problem.into_body(&request_id)).expect("a problem can be serialized");
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {}\r\nx-request-id: {request_id}\r\n{}\
         x-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\ndate: {date}\r\n\r\n",
        body.len(),
        if status == StatusCode::SERVICE_UNAVAILABLE { "retry-after: 1\r\n" } else { "" },
    );
    [head.into_bytes(), body].concat()
}
