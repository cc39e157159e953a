//! Answers in pieces, good and bad ones.

use super::*;

fn read(pieces: &[&[u8]]) -> Result<Option<Whole>, Lost> {
    let mut incoming = Incoming::default();
    for (index, piece) in pieces.iter().enumerate() {
        if let Some(whole) = incoming.take(piece)? {
            assert_eq!(index + 1, pieces.len(), "complete too early");
            return Ok(Some(whole));
        }
    }
    Ok(incoming.end())
}

fn shape(whole: &Whole) -> (u16, Option<u32>, bool, &[u8], bool) {
    let Answer { status, retry_after_s, zstd, body } = &whole.answer;
    (status.as_u16(), *retry_after_s, *zstd, body, whole.is_reusable)
}

/// Reads the answer whole, in two parts cut at every place, and byte by byte.
fn expect(text: &str, expected: (u16, Option<u32>, bool, &str, bool)) {
    let (status, retry_after_s, zstd, body, reusable) = expected;
    let expected = (status, retry_after_s, zstd, body.as_bytes(), reusable);
    let bytes = text.as_bytes();
    let mut ways: Vec<Vec<&[u8]>> = (1..bytes.len()).map(|cut| vec![&bytes[..cut], &bytes[cut..]]).collect();
    ways.extend([vec![bytes], bytes.chunks(1).collect()]);
    for pieces in ways {
        let whole = read(&pieces).expect("an answer that can be read").expect("a complete answer");
        assert_eq!(shape(&whole), expected, "{text:?} in {} pieces, the first of {}", pieces.len(), pieces[0].len());
    }
}

#[test]
fn answers_are_read_however_they_are_cut() {
    expect("HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello", (201, None, false, "hello", true));
    expect("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", (200, None, false, "", true));
    expect("HTTP/1.1 204 No Content\r\n\r\n", (204, None, false, "", true));
    expect("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", (304, None, false, "", true));
    expect("HTTP/1.1 503 \r\nretry-after: 7\r\ncontent-length: 1\r\n\r\nx", (503, Some(7), false, "x", true));
    expect("HTTP/1.1 200 OK\r\ncontent-encoding: zstd\r\ncontent-length: 1\r\n\r\nx", (200, None, true, "x", true));
    expect("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", (200, None, false, "ok", true));
    expect("HTTP/1.1 200 OK\r\n\r\nuntil the end", (200, None, false, "until the end", false));
}

#[test]
fn chunks_are_joined_however_they_are_cut() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\ncontent-length: 3\r\n\r\n";
    expect(&format!("{head}5\r\nhello\r\nA;why=not\r\n, buyers: \r\n0\r\n\r\n"), (200, None, false, "hello, buyers: ", true));
    expect(&format!("{head}1\r\nx\r\n0\r\netag: 1\r\n\r\n"), (200, None, false, "x", true));
    expect(&format!("{head}0\r\n\r\n"), (200, None, false, "", true));
}

#[test]
fn a_connection_is_kept_only_where_both_sides_know_it_is_kept() {
    let kept = |version: &str, headers: &str| {
        let text = format!("{version} 200 OK\r\n{headers}content-length: 1\r\n\r\nx");
        read(&[text.as_bytes()]).expect("readable").expect("complete").is_reusable
    };
    assert!(kept("HTTP/1.1", ""));
    assert!(!kept("HTTP/1.1", "Connection: foo, Close\r\n"));
    assert!(!kept("HTTP/1.1", "connection: keep-alive\r\nconnection: close\r\n"));
    assert!(!kept("HTTP/1.0", ""));
    assert!(kept("HTTP/1.0", "connection: Keep-Alive\r\n"));
    let surplus = read(&[b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n"]).expect("readable").expect("complete");
    assert_eq!(shape(&surplus), (200, None, false, &b"x"[..], false));
}

#[test]
fn an_answer_cut_short_is_none() {
    for text in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nx",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        assert!(read(&[text.as_bytes()]).expect("readable").is_none(), "{text:?}");
    }
}

#[test]
fn what_is_no_answer_is_refused() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(HEADERS_MAX + 1));
    let long = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(HEAD_BYTES_MAX));
    for text in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 099 Odd\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxx\r\n",
        &many,
        &long,
    ] {
        assert!(read(&[text.as_bytes()]).is_err(), "{:?}", &text[..text.len().min(80)]);
    }
}
