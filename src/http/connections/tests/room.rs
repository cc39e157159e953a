//! Who makes room when there are too many connections.

use super::*;
use crate::metrics::Readings;

pub(super) const FEW: ConnectionLimits = ConnectionLimits { connections_max: 3, per_address_max: 4, leaving_max: 1 };
pub(super) const PATIENT: ConnectionTimeouts = ConnectionTimeouts { idle_max: LONG, stalled_max: LONG, drain: LONG };

pub(super) async fn connect(served: &Served) -> TcpStream {
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
pub(super) fn waiting(begun: &Arc<Notify>, go: &Arc<tokio::sync::Semaphore>) -> impl Routes + use<> {
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

/// As many connections as there is room for, each with a request in progress.
pub(super) async fn three_busy(served: &Served, begun: &Notify) -> Vec<TcpStream> {
    let mut busy = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(served).await;
        stream.write_all(REQUEST).await.expect("sent");
        within(begun.notified()).await;
        busy.push(stream);
    }
    busy
}

#[tokio::test]
async fn a_connection_with_a_request_in_progress_never_makes_room() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(tokio::sync::Semaphore::new(0)));
    let served = serve_within(FEW, PATIENT, waiting(&begun, &go));
    let mut busy = three_busy(&served, &begun).await;
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

/// Asks on new connections until one is admitted.
async fn eventually_admitted(served: &Served) -> TcpStream {
    within(async {
        loop {
            let mut stream = connect(served).await;
            if ask(&mut stream).await.is_ok() {
                return stream;
            }
        }
    })
    .await
}

/// Reads the body of a request, if it has one.
fn reading(mut request: Request) -> BoxFuture<'static, Response> {
    async move {
        match request.take_body().into_bytes().await {
            Ok(_) => "hello".into_response(),
            Err(_) => "broken".into_response(),
        }
    }
    .boxed()
}

#[tokio::test]
async fn whoever_does_not_send_the_rest_of_a_body_makes_room() {
    let served = serve_within(FEW, PATIENT, reading);
    let mut unfinished = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(&served).await;
        stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n1234").await.expect("sent");
        unfinished.push(stream);
    }
    while !metric(&served, "rowlock_connections_open 3") {
        tokio::task::yield_now().await;
    }
    // It trickles in, which changes nothing.
    unfinished[0].write_all(b"5").await.expect("sent");
    let _newcomer = eventually_admitted(&served).await;
    assert!(rest(&mut unfinished[0]).await.is_empty(), "it came first");
    for stream in &mut unfinished[1..] {
        stream.write_all(b"56789").await.expect("it is open");
        let mut text = [0; 15];
        within(stream.read_exact(&mut text)).await.expect("an answer");
        assert_eq!(&text, b"HTTP/1.1 200 OK");
    }
}

#[tokio::test]
async fn whoever_does_not_read_an_answer_makes_room() {
    let routes = |request: Request| match request.uri().path() {
        "/" => hello(request),
        _ => async { vec![b'x'; LARGE_BYTES].into_response() }.boxed(),
    };
    let served = serve_within(FEW, PATIENT, routes);
    let mut deaf = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(&served).await;
        stream.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
        deaf.push(stream);
    }
    let _newcomer = eventually_admitted(&served).await;
    while !metric(&served, "rowlock_connections_closed_for_room_total 1") {
        tokio::task::yield_now().await;
    }
    drop(deaf);
}
