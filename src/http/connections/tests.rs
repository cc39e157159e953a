//! The timeouts of connections, tested with short ones.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::FutureExt;
use poem::IntoResponse;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;

mod refused;
mod room;

const SHORT: Duration = Duration::from_millis(200);
/// Longer than anything that should happen.
const LONG: Duration = Duration::from_secs(30);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
/// More than the kernel buffers for a client that does not read.
const LARGE_BYTES: usize = 64 * 1024 * 1024;

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
    metrics: Arc<Metrics>,
}

/// More than any of these tests opens.
const MANY: ConnectionLimits = ConnectionLimits { connections_max: 1000, per_address_max: 1000, leaving_max: 10 };

fn serve(timeouts: ConnectionTimeouts, routes: impl Routes) -> Served {
    serve_within(MANY, timeouts, routes)
}

fn serve_within(limits: ConnectionLimits, timeouts: ConnectionTimeouts, routes: impl Routes) -> Served {
    let metrics = Arc::new(Metrics::new());
    let listen = Connections::listen("127.0.0.1:0".parse().expect("an address"), limits, usize::MAX, Arc::clone(&metrics));
    let connections = listen.expect("a free port");
    let (address, stop) = (connections.address(), CancellationToken::new());
    let task = tokio::spawn(connections.serve(routes, stop.clone(), timeouts));
    Served { address, stop, task, metrics }
}

fn hello(_: Request) -> BoxFuture<'static, Response> {
    async { "hello".into_response() }.boxed()
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, what).await.expect("it takes too long")
}

/// Everything until the server closes the connection, however it does so.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut text = Vec::new();
    within(stream.read_to_end(&mut text)).await.ok();
    text
}

#[tokio::test]
async fn a_head_that_trickles_in_is_given_up_and_a_whole_one_is_answered() {
    let served = serve(ConnectionTimeouts { idle_max: SHORT, stalled_max: SHORT, drain: LONG }, hello);
    let mut whole = TcpStream::connect(served.address).await.expect("a connection");
    whole.write_all(REQUEST).await.expect("sent");
    let text = rest(&mut whole).await;
    assert!(text.starts_with(b"HTTP/1.1 200 OK") && text.ends_with(b"hello"), "{}", String::from_utf8_lossy(&text));

    let mut slow = TcpStream::connect(served.address).await.expect("a connection");
    slow.write_all(b"GET / HTTP/1.1\r\nx: ").await.expect("sent");
    let begun = std::time::Instant::now();
    // A byte now and then does not restart the timeout.
    while slow.write_all(b"y").await.is_ok() && begun.elapsed() < LONG {
        tokio::time::sleep(SHORT / 10).await;
    }
    assert!(begun.elapsed() < LONG, "it waited forever");
}

/// A whole problem, after which the connection ended.
#[track_caller]
fn assert_problem(text: &[u8], status: &str, code: &str) {
    let text = String::from_utf8_lossy(text);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{text}");
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default();
    assert_eq!(header("content-type"), "application/problem+json");
    assert_eq!(header("content-length"), body.len().to_string());
    assert_eq!(header("connection"), "close");
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!((&body["code"], &body["request_id"]), (&code.into(), &header("x-request-id").into()), "{text}");
}

/// A problem as the routes write it, with the id of its request only in the body, after which the connection ended.
#[track_caller]
fn assert_problem_named(text: &[u8], status: &str, code: &str, request_id: &str) {
    let text = String::from_utf8_lossy(text);
    assert!(text.starts_with(&format!("HTTP/1.1 {status}\r\n")) && text.contains("connection: close\r\n"), "{text}");
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!((&body["code"], &body["request_id"]), (&code.into(), &request_id.into()), "{text}");
}

/// Sends a request and reads its answer, after which the connection is idle.
async fn ask(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(REQUEST).await?;
    let mut text = Vec::new();
    while !text.ends_with(b"hello") {
        if within(stream.read_buf(&mut text)).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// Nothing happens on it for twice the short timeout.
async fn stays_quiet(stream: &TcpStream) {
    let ended = tokio::time::timeout(SHORT * 2, stream.peek(&mut [0])).await;
    assert!(ended.is_err(), "something happened: {ended:?}");
}

#[tokio::test]
async fn a_connection_may_be_idle_for_longer_than_a_head_may_take() {
    let served = serve(ConnectionTimeouts { idle_max: LONG * 2, stalled_max: SHORT, drain: LONG }, hello);
    let mut idle = TcpStream::connect(served.address).await.expect("a connection");
    for _ in 0..3 {
        // Nothing may happen for a while, before the first request and after each.
        stays_quiet(&idle).await;
        ask(&mut idle).await.expect("an answer");
    }

    // The next head is begun but not finished, which times out, both at once and after a request.
    let begun = std::time::Instant::now();
    idle.write_all(b"GET / HT").await.expect("sent");
    assert_problem(&rest(&mut idle).await, "408 Request Timeout", "request_timeout");
    let mut slow = TcpStream::connect(served.address).await.expect("a connection");
    slow.write_all(b"G").await.expect("sent");
    assert_problem(&rest(&mut slow).await, "408 Request Timeout", "request_timeout");
    assert!(begun.elapsed() >= SHORT * 2 && begun.elapsed() < LONG, "after {} ms", begun.elapsed().as_millis());
}

#[tokio::test]
async fn a_connection_that_stays_idle_is_closed() {
    let served = serve(ConnectionTimeouts { idle_max: SHORT, stalled_max: LONG * 2, drain: LONG }, hello);
    let begun = std::time::Instant::now();
    let mut silent = TcpStream::connect(served.address).await.expect("a connection");
    assert!(rest(&mut silent).await.is_empty());
    let mut idle = TcpStream::connect(served.address).await.expect("a connection");
    ask(&mut idle).await.expect("an answer");
    assert!(rest(&mut idle).await.is_empty());
    assert!(begun.elapsed() >= SHORT * 2, "after {} ms", begun.elapsed().as_millis());

    // Half a head keeps it open, for as long as a head may take.
    let mut slow = TcpStream::connect(served.address).await.expect("a connection");
    slow.write_all(&REQUEST[..9]).await.expect("sent");
    stays_quiet(&slow).await;
    slow.write_all(&REQUEST[9..]).await.expect("sent");
    assert!(rest(&mut slow).await.ends_with(b"hello"));
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    struct Gone(Arc<Notify>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let gone = Arc::new(Notify::new());
    let notify = Arc::clone(&gone);
    let routes = move |_: Request| {
        let body = Gone(Arc::clone(&notify));
        // A body that reports when the server drops it.
        let parts = futures_util::stream::unfold((body, 0), |(body, sent)| async move {
            (sent < LARGE_BYTES).then(|| (Ok::<_, io::Error>(Bytes::from_static(&[7; 65536])), (body, sent + 65536)))
        });
        async move { poem::Body::from_bytes_stream(parts).into_response() }.boxed()
    };
    let served = serve(ConnectionTimeouts { idle_max: LONG * 2, stalled_max: SHORT, drain: LONG }, routes);
    let mut deaf = TcpStream::connect(served.address).await.expect("a connection");
    deaf.write_all(REQUEST).await.expect("sent");
    within(gone.notified()).await;
    assert!(rest(&mut deaf).await.len() < LARGE_BYTES, "everything was sent: nobody had to wait");
}

/// hyper considers an answer done once it is in the server's memory.
#[tokio::test]
async fn an_answer_under_way_is_sent_to_its_end_when_the_server_stops() {
    let large = |_: Request| async { vec![b'x'; LARGE_BYTES / 4].into_response() }.boxed();
    let served = serve(ConnectionTimeouts { idle_max: LONG, stalled_max: LONG, drain: LONG }, large);
    let mut last = TcpStream::connect(served.address).await.expect("a connection");
    last.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.expect("sent");
    within(last.read_u8()).await.expect("the answer begins");
    served.stop.cancel();
    assert!(rest(&mut last).await.len() > LARGE_BYTES / 4, "it was cut off");
    within(served.task).await.expect("no panic");
}

#[tokio::test]
async fn what_outlasts_the_drain_is_cut() {
    let (begun, ended) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let (notify, done) = (Arc::clone(&begun), Arc::clone(&ended));
    let routes = move |_: Request| {
        let (notify, done) = (Arc::clone(&notify), Arc::clone(&done));
        async move {
            notify.notify_one();
            tokio::time::sleep(LONG * 2).await;
            done.store(true, Ordering::Relaxed);
            "late".into_response()
        }
        .boxed()
    };
    let served = serve(ConnectionTimeouts { idle_max: LONG, stalled_max: LONG, drain: SHORT }, routes);
    let mut waiting = TcpStream::connect(served.address).await.expect("a connection");
    waiting.write_all(REQUEST).await.expect("sent");
    within(begun.notified()).await;
    served.stop.cancel();
    within(served.task).await.expect("no panic");
    assert!(rest(&mut waiting).await.is_empty(), "it was answered");
    assert!(!ended.load(Ordering::Relaxed));
}

/// A small answer must not wait until the client has acknowledged the one before it; and the kernel would keep megabytes for a client that
/// does not read.
#[tokio::test]
async fn answers_are_sent_without_delay_and_kept_only_up_to_a_limit() {
    let listen = Connections::listen("127.0.0.1:0".parse().expect("an address"), MANY, usize::MAX, Arc::new(Metrics::new()));
    let connections = listen.expect("a free port");
    let client = TcpStream::connect(connections.address()).await.expect("a connection");
    let (accepted, _) = within(connections.listener.accept()).await.expect("accepted");
    assert!(accepted.nodelay().expect("an option"));
    let buffer_bytes = socket2::SockRef::from(&accepted).send_buffer_size().expect("an option");
    assert!((128_000..=262_144).contains(&buffer_bytes), "{buffer_bytes}");
    drop(client);
}
