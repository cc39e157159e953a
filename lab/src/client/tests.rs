//! Connections to a server that follows a script.

mod closing;

use hyper::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// Runs both sides to their end.
async fn both(server: impl Future<Output = ()>, client: impl Future<Output = ()>) {
    let meeting = async { tokio::join!(server, client) };
    tokio::time::timeout(Duration::from_secs(20), meeting).await.expect("neither side waits in vain");
}

async fn listen() -> (TcpListener, Target) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let target = Target::resolve(&format!("http://{address}")).await.expect("a target");
    (listener, target)
}

fn get(target: &Target, path: &str) -> Call {
    Call::draft(target, &Method::GET, path).empty().expect("a call")
}

/// The next client of the server.
async fn accept(listener: &TcpListener) -> TcpStream {
    listener.accept().await.expect("a client").0
}

/// Reads one request without a body and returns its first line; empty if the client closed.
async fn asked(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned()
}

/// Reads one request and answers it with these bytes.
async fn reply(stream: &mut TcpStream, answer: impl AsRef<[u8]>) -> String {
    let line = asked(stream).await;
    stream.write_all(answer.as_ref()).await.expect("the answer is sent");
    line
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn only_plain_http_without_a_path_is_a_target() {
    for url in ["https://localhost:1", "http://localhost:1/v1", "localhost:1", ""] {
        assert!(Target::resolve(url).await.is_err(), "{url}");
    }
    let target = Target::resolve("http://127.0.0.1:8080").await.expect("a target");
    assert_eq!(target.host(), "127.0.0.1:8080");
    assert_eq!(target.source(0), None);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn many_connections_come_from_several_addresses() {
    let target = Target::resolve("http://127.0.0.1:8080").await.expect("a target");
    assert_eq!(target.source(CONNECTIONS_PER_SOURCE - 1), None);
    assert_eq!(target.source(CONNECTIONS_PER_SOURCE), Some(Ipv4Addr::new(127, 0, 1, 1)));
}

#[tokio::test]
async fn requests_follow_each_other_on_one_connection() {
    let (listener, target) = listen().await;
    let answers = [
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK,
    ];
    let server = async {
        let mut stream = accept(&listener).await;
        for (index, answer) in answers.into_iter().enumerate() {
            assert_eq!(reply(&mut stream, answer).await, format!("GET /{index} HTTP/1.1"));
        }
    };
    let client = async {
        let mut connection = Connection::open(&target, 0).await.expect("open");
        for (index, (status, body)) in [(204, ""), (201, ""), (200, "ok"), (200, "ok")].into_iter().enumerate() {
            let answer = connection.send(&get(&target, &format!("/{index}"))).await.expect("an answer");
            assert_eq!((answer.status.as_u16(), &answer.body[..]), (status, body.as_bytes()));
        }
    };
    both(server, client).await;
}

#[tokio::test]
async fn an_answer_may_come_byte_by_byte() {
    let (listener, target) = listen().await;
    let server = async {
        let mut stream = accept(&listener).await;
        stream.set_nodelay(true).expect("a socket");
        asked(&mut stream).await;
        for byte in "HTTP/1.1 200 OK\r\nretry-after: 3\r\ncontent-length: 2\r\n\r\nok".bytes() {
            stream.write_u8(byte).await.expect("a byte is sent");
            tokio::task::yield_now().await;
        }
    };
    let client = async {
        let answer = Connection::open(&target, 0).await.expect("open").send(&get(&target, "/")).await.expect("an answer");
        assert_eq!((answer.retry_after_s, &answer.body[..]), (Some(3), &b"ok"[..]));
    };
    both(server, client).await;
}

#[tokio::test]
async fn large_bodies_come_whole_in_every_framing() {
    let (listener, target) = listen().await;
    let body: Vec<u8> = (0..3_000_000).map(|index| (index % 251) as u8).collect();
    let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    let chunked: Vec<Vec<u8>> = body.chunks(100_003).map(chunk).collect();
    let server = async {
        let mut stream = accept(&listener).await;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        reply(&mut stream, [head.as_bytes(), &body].concat()).await;
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        reply(&mut stream, [&head[..], &chunked.concat(), &b"0\r\n\r\n"[..]].concat()).await;
        reply(&mut stream, [b"HTTP/1.1 200 OK\r\n\r\n", &body[..]].concat()).await;
    };
    let client = async {
        let mut connection = Connection::open(&target, 0).await.expect("open");
        for framing in ["length", "chunked", "until the close"] {
            let answer = connection.send(&get(&target, "/")).await.expect("an answer");
            assert!(answer.body == body, "{framing}: {} bytes of {}, or others", answer.body.len(), body.len());
        }
        assert!(connection.stream.is_none(), "the server closed");
    };
    both(server, client).await;
}
