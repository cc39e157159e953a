//! Who makes room when there are too many connections; and how the parser's refusals are answered.

use super::*;
use crate::metrics::Readings;

const FEW: ConnectionLimits = ConnectionLimits { connections_max: 3, per_address_max: 4, leaving_max: 1 };
const PATIENT: ConnectionTimeouts = ConnectionTimeouts { idle_max: LONG, stalled_max: LONG, drain: LONG };

async fn connect(served: &Served) -> TcpStream {
    TcpStream::connect(served.address).await.expect("a connection")
}

fn metric(served: &Served, line: &str) -> bool {
    served.metrics.encode(Readings::default()).lines().any(|it| it == line)
}

#[tokio::test]
async fn whoever_has_been_idle_longest_makes_room() {
    let served = serve_within(FEW, PATIENT, hello);
    let (mut first, mut second, mut third) = (connect(&served).await, connect(&served).await, connect(&served).await);
    // Used last to first; half a head is no use.
    for stream in [&mut third, &mut second, &mut first] {
        ask(stream).await.expect("an answer");
    }
    third.write_all(&REQUEST[..9]).await.expect("sent");
    for (number, longest_idle) in [third, second, first].iter_mut().enumerate() {
        let mut newcomer = connect(&served).await;
        ask(&mut newcomer).await.expect("an answer");
        assert!(rest(longest_idle).await.is_empty(), "{number}");
        drop(newcomer);
        // It has left, and its place is taken by one that stays.
        while !metric(&served, "rowlock_connections_open 2") {
            tokio::task::yield_now().await;
        }
        let mut stays = connect(&served).await;
        ask(&mut stays).await.expect("an answer");
        std::mem::forget(stays);
    }
    assert!(metric(&served, "rowlock_connections_closed_for_room_total 3"));
}

/// Answers when it is told to.
fn waiting(begun: &Arc<Notify>, go: &Arc<tokio::sync::Semaphore>) -> impl Routes + use<> {
    let (begun, go) = (Arc::clone(begun), Arc::clone(go));
    move |request: Request| {
        let (begun, go) = (Arc::clone(&begun), Arc::clone(&go));
        async move {
            begun.notify_one();
            go.acquire().await.expect("never closed").forget();
            hello(request).await
        }
        .boxed()
    }
}

#[tokio::test]
async fn a_connection_with_a_request_in_progress_never_makes_room() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(tokio::sync::Semaphore::new(0)));
    let served = serve_within(FEW, PATIENT, waiting(&begun, &go));
    let mut busy = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(&served).await;
        stream.write_all(REQUEST).await.expect("sent");
        within(begun.notified()).await;
        busy.push(stream);
    }
    for _ in 0..2 {
        assert_problem(&rest(&mut connect(&served).await).await, "503 Service Unavailable", "overloaded");
    }
    assert!(metric(&served, "rowlock_connections_refused_total{reason=\"full\"} 2"));
    go.add_permits(4);
    let mut text = [0; 15];
    for stream in &mut busy {
        within(stream.read_exact(&mut text)).await.expect("an answer");
        assert_eq!(&text, b"HTTP/1.1 200 OK");
    }
    // Now they are idle, and one makes room.
    let mut newcomer = connect(&served).await;
    while ask(&mut newcomer).await.is_err() {
        newcomer = connect(&served).await;
    }
    assert!(metric(&served, "rowlock_connections_closed_for_room_total 1"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_address_with_too_many_connections_closes_its_own() {
    async fn from(served: &Served, local: &str) -> TcpStream {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(format!("{local}:0").parse().expect("an address")).expect("all of 127/8 is here");
        socket.connect(served.address).await.expect("a connection")
    }
    let served = serve_within(ConnectionLimits { connections_max: 10, per_address_max: 2, leaving_max: 2 }, PATIENT, hello);
    let mut innocent = from(&served, "127.0.0.2").await;
    ask(&mut innocent).await.expect("an answer");
    let mut greedy = Vec::new();
    for _ in 0..20 {
        let mut stream = from(&served, "127.0.0.3").await;
        ask(&mut stream).await.expect("an answer");
        greedy.push(stream);
    }
    for stream in &mut greedy[..18] {
        within(stream.read_to_end(&mut Vec::new())).await.ok();
    }
    for stream in [&mut innocent].into_iter().chain(&mut greedy[18..]) {
        ask(stream).await.expect("it is still open");
    }
}

#[tokio::test]
async fn what_the_parser_refuses_is_answered_with_a_problem_also_behind_a_large_answer() {
    let large = |_: Request| async { vec![b'x'; LARGE_BYTES / 16].into_response() }.boxed();
    let served = serve(PATIENT, large);
    let mut stream = connect(&served).await;
    stream.write_all(&[REQUEST, b"nonsense\r\n\r\n"].concat()).await.expect("sent");
    let text = rest(&mut stream).await;
    let problem = text.windows(12).rposition(|twelve| twelve == b"HTTP/1.1 400").expect("a problem");
    assert_problem(&text[problem..], "400 Bad Request", "invalid_request");
}
