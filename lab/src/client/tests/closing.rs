//! Connections that close, or break, before their time.

use hyper::StatusCode;
use tokio::{io::Interest, sync::oneshot};

use super::*;

/// Larger than the buffers of a socket, however they grow.
const LARGE_BYTES: usize = 32 * 1024 * 1024;

#[tokio::test]
async fn a_server_that_says_it_closes_is_asked_on_a_new_connection() {
    for first in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstale",
    ] {
        let (listener, target) = listen().await;
        let server = async {
            // It stays open: only what was said tells the client not to use it again.
            let mut stream = accept(&listener).await;
            reply(&mut stream, first).await;
            assert_eq!(reply(&mut accept(&listener).await, OK).await, "GET /2 HTTP/1.1");
        };
        let client = async {
            let mut connection = Connection::open(&target, 0).await.expect("open");
            for path in ["/1", "/2"] {
                assert_eq!(connection.send(&get(&target, path)).await.expect("an answer").body, "ok", "{first:?}");
            }
        };
        both(server, client).await;
    }
}

#[tokio::test]
async fn a_connection_closed_between_requests_is_opened_again_and_nothing_is_lost() {
    let (listener, target) = listen().await;
    let server = async {
        let mut stream = accept(&listener).await;
        reply(&mut stream, OK).await;
        drop(stream);
        assert_eq!(reply(&mut accept(&listener).await, OK).await, "GET /2 HTTP/1.1");
    };
    let client = async {
        let mut connection = Connection::open(&target, 0).await.expect("open");
        connection.send(&get(&target, "/1")).await.expect("an answer");
        connection.stream.as_ref().expect("kept").readable().await.expect("the close arrives");
        connection.send(&get(&target, "/2")).await.expect("an answer");
    };
    both(server, client).await;
}

#[tokio::test]
async fn a_request_whose_answer_is_cut_short_is_lost_and_the_next_is_not() {
    for cut in ["", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no", "HTTP/1.1 100 Continue\r\n\r\n", "SMTP\r\n"] {
        let (listener, target) = listen().await;
        let server = async {
            reply(&mut accept(&listener).await, cut).await;
            assert_eq!(reply(&mut accept(&listener).await, OK).await, "GET /2 HTTP/1.1");
        };
        let client = async {
            let mut connection = Connection::open(&target, 0).await.expect("open");
            assert!(connection.send(&get(&target, "/1")).await.is_err(), "{cut:?} is no answer");
            assert_eq!(connection.send(&get(&target, "/2")).await.expect("an answer").body, "ok");
        };
        both(server, client).await;
    }
}

#[tokio::test]
async fn a_request_nobody_waits_for_any_longer_leaves_no_stale_answer() {
    let (listener, target) = listen().await;
    let (heard, was_heard) = oneshot::channel();
    let server = async {
        let mut first = accept(&listener).await;
        asked(&mut first).await;
        heard.send(()).expect("the client waits");
        let mut second = accept(&listener).await;
        assert_eq!(reply(&mut second, OK).await, "GET /2 HTTP/1.1");
        assert_eq!(asked(&mut first).await, "", "the first connection was closed");
    };
    let client = async {
        let mut connection = Connection::open(&target, 0).await.expect("open");
        let given_up = get(&target, "/1");
        tokio::select! {
            _ = connection.send(&given_up) => panic!("nobody answered"),
            _ = was_heard => {}
        }
        assert_eq!(connection.send(&get(&target, "/2")).await.expect("an answer").body, "ok");
    };
    both(server, client).await;
}

/// A request that no server takes in before it answers.
fn large_request(target: &Target) -> Call {
    Call::draft(target, &Method::POST, "/").json(&"x".repeat(LARGE_BYTES)).expect("a call")
}

const TOO_LARGE: &str = "HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno";

#[tokio::test]
async fn an_answer_before_the_end_of_the_request_is_heard() {
    let (listener, target) = listen().await;
    let server = async {
        let mut first = accept(&listener).await;
        reply(&mut first, TOO_LARGE).await;
        // The rest of the first request is still on its way: the next one must not follow it there.
        reply(&mut accept(&listener).await, OK).await;
    };
    let client = async {
        let mut connection = Connection::open(&target, 0).await.expect("open");
        let answer = connection.send(&large_request(&target)).await.expect("an answer");
        assert_eq!((answer.status, &answer.body[..]), (StatusCode::PAYLOAD_TOO_LARGE, &b"no"[..]));
        assert_eq!(connection.send(&get(&target, "/2")).await.expect("an answer").body, "ok");
    };
    both(server, client).await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_answer_is_heard_though_the_server_closed_on_the_rest_of_the_request() {
    let (listener, target) = listen().await;
    let server = async {
        // Closed with much of the request unread, which resets the connection: what was answered before can still be read.
        reply(&mut accept(&listener).await, TOO_LARGE).await;
    };
    let client = async {
        let mut connection = Connection::open(&target, 0).await.expect("open");
        let call = large_request(&target);
        let mut exchange = Exchange::new(connection.stream.take().expect("open"), &call);
        let waits = poll_fn(|cx| Poll::Ready(exchange.poll(cx).is_pending())).await;
        assert!(waits && !exchange.unsent.is_empty(), "nobody has read or answered");
        exchange.stream.ready(Interest::ERROR).await.expect("the reset arrives");
        let whole = poll_fn(|cx| exchange.poll(cx)).await.expect("an answer");
        assert_eq!(whole.answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(exchange.broken.is_some(), "the rest could not be sent");
    };
    both(server, client).await;
}
