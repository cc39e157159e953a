//! What is read of a body, and what is refused.

use std::sync::Arc;

use super::*;
use crate::budget::Budget;
use crate::client_address::ClientAddress;

#[test]
fn a_body_is_declared_as_json_in_utf_8_and_as_nothing_else() {
    let refusal = |media_types: &[&str]| {
        let request = media_types.iter().fold(Request::builder(), |request, media_type| request.header("content-type", *media_type));
        check_media_type(&request.finish()).map_err(|problem| (problem.code(), problem.detail().to_owned()))
    };
    for good in ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\"", "application/json ;"] {
        assert_eq!(refusal(&[good]), Ok(()), "{good}");
    }
    let once = (Code::UnsupportedMediaType, MEDIA_TYPE_EXPECTED.to_owned());
    for bad in [
        "application/problem+json",
        "application/cloudevents+json",
        "application/json; charset=latin1",
        "application/json; charset",
        "application/json; version=2",
        "application/json, text/plain",
        "text/plain",
        "application/jsonp",
        "application",
        "",
    ] {
        assert_eq!(refusal(&[bad]).as_ref(), Err(&once), "{bad}");
    }
    assert_eq!(refusal(&[]).as_ref(), Err(&once));
    for twice in [["application/json", "application/json"], ["application/json", "text/plain"], ["text/plain", "application/json"]] {
        assert!(refusal(&twice).unwrap_err().1.contains("more than once"), "{twice:?}");
    }
}

const PLENTY: usize = 1 << 20;
const CLIENT: ClientAddress = ClientAddress::V6([0; 4]);

/// Reads a body that comes in these pieces, of which the limit is 100 bytes.
async fn read(pieces: &[usize], announced: Option<usize>, budget: &Arc<Budget>) -> Result<Received, Code> {
    let pieces: Vec<_> = pieces.iter().map(|size| Ok::<_, io::Error>(vec![b' '; *size])).collect();
    let body = Body::from_bytes_stream(futures_util::stream::iter(pieces));
    read_whole(body, announced, 100, budget.share(CLIENT)).await.map_err(|problem| problem.code())
}

#[tokio::test]
async fn bodies_are_limited_whether_or_not_their_length_is_announced() {
    let budget = Budget::new(PLENTY, PLENTY);
    let length = async |pieces: &[usize], announced| read(pieces, announced, &budget).await.map(|received| received.bytes.len());
    for announced in [Some(100), None] {
        assert_eq!(length(&[100], announced).await, Ok(100));
        assert_eq!(length(&[1, 98, 1], announced).await, Ok(100));
    }
    for announced in [Some(101), None, Some(usize::MAX)] {
        assert_eq!(length(&[101], announced).await, Err(Code::BodyTooLarge));
        assert_eq!(length(&[100, 1], announced).await, Err(Code::BodyTooLarge));
    }
    assert_eq!(length(&[], Some(0)).await, Ok(0));
}

#[tokio::test]
async fn all_bodies_together_are_limited_by_what_has_arrived_and_not_by_what_was_announced() {
    let budget = Budget::new(100, 100);
    let held = read(&[30, 30], Some(90), &budget).await.expect("room");
    assert_eq!(budget.held(), 60);
    assert_eq!(read(&[20, 21], Some(41), &budget).await.err(), Some(Code::Overloaded));
    // Memory is taken in advance only where there is enough.
    assert!(read(&[21, 1], None, &budget).await.is_ok());
    assert_eq!(read(&[101], Some(101), &budget).await.err(), Some(Code::BodyTooLarge));
    assert!(read(&[20, 20], Some(40), &budget).await.is_ok());
    drop(held);
    assert_eq!(budget.held(), 0, "everything was given back");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_given_up() {
    let silent = || Body::from_bytes_stream(futures_util::stream::pending::<io::Result<Bytes>>());
    let short = Duration::from_millis(10);
    let read = in_time(short, read_whole(silent(), Some(1), 100, Budget::new(PLENTY, PLENTY).share(CLIENT)));
    assert_eq!(read.await.err().map(|problem| problem.code()), Some(Code::RequestTimeout));
    assert_eq!(is_empty(silent(), short).await.map_err(|problem| problem.code()), Err(Code::RequestTimeout));
}

#[tokio::test]
async fn what_is_decoded_counts_as_it_comes_and_not_by_what_it_might_be() {
    let budget = Budget::new(10_000, 10_000);
    let coded = Request::builder().header("content-encoding", "zstd").finish();
    let compressed = |size: usize| Bytes::from(zstd::bulk::compress(&vec![b' '; size], 1).expect("compressed"));
    let decoded = async |size| {
        let received = Received { bytes: compressed(size), share: budget.share(CLIENT) };
        received.decoded(&coded, PLENTY).await.map_err(|problem| problem.code())
    };
    let held = decoded(6_000).await.expect("room, although it might have been a megabyte");
    assert_eq!((held.bytes.len(), budget.held()), (6_000, 6_000));
    assert_eq!(decoded(4_001).await.err(), Some(Code::Overloaded));
    assert_eq!(decoded(4_000).await.map(|received| received.bytes.len()).ok(), Some(4_000));
    drop(held);
    assert_eq!(budget.held(), 0, "everything was given back");
}

#[tokio::test]
async fn what_broke_off_and_what_is_no_chunk_are_told_apart() {
    let read = async |error: io::Error| {
        let pieces = futures_util::stream::iter([Ok(Bytes::from_static(b"x")), Err(error)]);
        let body = Body::from_bytes_stream(pieces);
        let share = Budget::new(PLENTY, PLENTY).share(CLIENT);
        read_whole(body, None, 100, share).await.err().expect("a refusal").detail().to_owned()
    };
    assert_eq!(read(io::ErrorKind::UnexpectedEof.into()).await, BROKE_OFF);
    #[derive(Debug, thiserror::Error)]
    #[error("an error of the parser")]
    struct Parser(#[source] io::Error);
    let nonsense = io::Error::new(io::ErrorKind::InvalidInput, "Invalid Size");
    let expected = "body is not divided into chunks as HTTP/1.1 demands: Invalid Size";
    assert_eq!(read(io::Error::other(Parser(nonsense))).await, expected);
    assert_eq!(read(io::Error::other(Parser(io::ErrorKind::UnexpectedEof.into()))).await, BROKE_OFF);
}
