//! Who is refused early is told why, and can be found in the log.

use std::sync::Mutex;

use super::room::{FEW, PATIENT, connect, three_busy, waiting};
use super::*;
use crate::problem::Problem;
use crate::problem::code::Code;

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

#[tokio::test]
async fn a_request_that_is_answered_early_ends_its_connection_only_if_more_of_it_may_come_and_says_so() {
    let refusing = |_: Request| async { Problem::plain(Code::Unauthorized).into_response("r") }.boxed();
    let served = serve(PATIENT, refusing);
    let head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n";
    // All of it is there.
    let mut stream = connect(&served).await;
    for _ in 0..2 {
        stream.write_all(format!("{head}\r\n12345").as_bytes()).await.expect("sent");
        let mut text = Vec::new();
        while !text.ends_with(b"}") {
            assert_ne!(within(stream.read_buf(&mut text)).await.expect("an answer"), 0, "it was closed");
        }
        assert!(!String::from_utf8_lossy(&text).contains("connection:"), "{}", String::from_utf8_lossy(&text));
    }
    for incomplete in [format!("{head}\r\n1234"), format!("{head}expect: 100-continue\r\n\r\n")] {
        let mut stream = connect(&served).await;
        stream.write_all(incomplete.as_bytes()).await.expect("sent");
        let begun = std::time::Instant::now();
        assert_problem_named(&rest(&mut stream).await, "401 Unauthorized", "unauthorized", "r");
        assert!(begun.elapsed() < LONG / 2);
    }
    // Whoever goes on sending still sees the answer.
    let mut stream = connect(&served).await;
    stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 500000\r\n\r\n").await.expect("sent");
    within(stream.peek(&mut [0])).await.expect("the answer begins");
    for _ in 0..5 {
        stream.write_all(&[b'x'; 50_000]).await.expect("it goes on reading");
    }
    assert_problem_named(&rest(&mut stream).await, "401 Unauthorized", "unauthorized", "r");
}

/// Collects the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn whoever_is_turned_away_can_be_found_in_the_log_and_a_flood_does_not_fill_it() {
    let log = Log::default();
    let writer = log.clone();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish());
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(tokio::sync::Semaphore::new(0)));
    let served = serve_within(FEW, PATIENT, waiting(&begun, &go));
    let _busy = three_busy(&served, &begun).await;
    let refused = rest(&mut connect(&served).await).await;
    for _ in 0..50 {
        rest(&mut connect(&served).await).await;
    }
    let text = String::from_utf8(log.0.lock().expect("no panic").clone()).expect("UTF-8");
    let refused = String::from_utf8(refused).expect("UTF-8");
    let id = refused.split_once("x-request-id: ").and_then(|(_, rest)| rest.lines().next()).expect("an id");
    assert!(text.lines().any(|line| line.contains(id) && line.contains("code=\"overloaded\"")), "{id}: {text}");
    assert_eq!(text.matches("refused a connection").count(), 1, "{text}");
    assert!(text.matches("request_id=").count() <= 20, "{text}");
}
