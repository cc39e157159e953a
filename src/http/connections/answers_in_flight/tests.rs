//! What counts, how often, and who has to go.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use pretty_assertions::assert_eq;

use super::*;
use crate::metrics::Readings;

/// Of every content here.
const SIZE: usize = 100_000;

fn content() -> Bytes {
    vec![b'x'; SIZE].into()
}

struct Reader {
    answer: Bytes,
    activity: Arc<Activity>,
}

fn reader(all: &Arc<AnswersInFlight>, content: &Bytes) -> Reader {
    let activity = Arc::new(Activity::new(Instant::now()));
    Reader { answer: all.begin(content.clone(), &activity), activity }
}

/// From now on they leave the rest unread, each for longer than the next one.
fn leave_it(readers: &[&Reader]) {
    for reader in readers {
        reader.activity.writes(true);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_micros(100) {}
    }
}

fn is_asked(reader: &Reader) -> bool {
    reader.activity.asked() == Some(Demand::End)
}

fn all(max_bytes: usize) -> (Arc<AnswersInFlight>, impl Fn(&str) -> Option<usize>) {
    let metrics = Arc::new(Metrics::new());
    let all = AnswersInFlight::new(max_bytes, Arc::clone(&metrics));
    (all, move |name| metrics.encode(Readings::default()).lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()))
}

const HELD: &str = "rowlock_answers_in_flight_bytes";
const CLOSED: &str = "rowlock_slow_readers_closed_total";

#[test]
fn what_many_read_counts_once_until_the_last_of_them_has_it() {
    let (all, metric) = all(2 * SIZE);
    let (map, other) = (content(), content());
    let mut readers: Vec<_> = (0..1000).map(|_| reader(&all, &map)).collect();
    let another = reader(&all, &other);
    assert_eq!((another.answer.len(), metric(HELD)), (SIZE, Some(2 * SIZE)));
    readers.truncate(1);
    assert_eq!(metric(HELD), Some(2 * SIZE));
    drop(readers);
    assert_eq!(metric(HELD), Some(SIZE));
    drop(another);
    assert_eq!((metric(HELD), metric(CLOSED)), (Some(0), Some(0)));
    let list = all.list();
    assert!(list.answers.is_empty() && list.contents.is_empty());
    assert_eq!(list.staying_bytes, 0);
}

#[test]
fn whoever_has_taken_nothing_for_longest_makes_room_whenever_they_came() {
    let (all, metric) = all(2 * SIZE);
    let [first, second] = [(); 2].map(|()| reader(&all, &content()));
    leave_it(&[&second, &first]);
    let third = reader(&all, &content());
    assert_eq!([&first, &second, &third].map(is_asked), [false, true, false]);
    // It is still in memory, and its reader is not asked again.
    assert_eq!((metric(HELD), metric(CLOSED)), (Some(3 * SIZE), Some(1)));
    drop(second);
    assert_eq!(metric(HELD), Some(2 * SIZE));
    leave_it(&[&third]);
    // The first one has taken some.
    first.activity.writes(false);
    leave_it(&[&first]);
    let fourth = reader(&all, &content());
    assert_eq!([&first, &third, &fourth].map(is_asked), [false, true, false]);
    drop(third);
    assert_eq!(metric(HELD), Some(2 * SIZE));
}

#[test]
fn whoever_would_free_nothing_stays_as_long_as_somebody_else_would_free_something() {
    let (all, metric) = all(2 * SIZE);
    let shared = content();
    let [slow, fast] = [(); 2].map(|()| reader(&all, &shared));
    let alone = reader(&all, &content());
    leave_it(&[&slow, &alone, &fast]);
    let newcomer = reader(&all, &content());
    assert_eq!([&slow, &fast, &alone, &newcomer].map(is_asked), [false, false, true, false]);
    // Nor while one of those who read the same is not waited for.
    leave_it(&[&newcomer]);
    fast.activity.writes(false);
    let another = reader(&all, &content());
    assert_eq!([&slow, &fast, &newcomer, &another].map(is_asked), [false, false, true, false]);
    // What they hold is freed only by all of them.
    leave_it(&[&fast, &another]);
    let last = reader(&all, &content());
    assert_eq!([&slow, &fast, &another, &last].map(is_asked), [true, true, false, false]);
    // What they still hold counts again if it is read by another one.
    let again = reader(&all, &shared);
    assert_eq!([&another, &last, &again].map(is_asked), [true, false, false]);
    drop((slow, fast, alone, newcomer, another, last));
    assert_eq!((metric(HELD), all.list().staying_bytes), (Some(SIZE), SIZE));
    drop(again);
}

#[tokio::test]
async fn large_answers_are_counted_and_keep_their_length() {
    let (all, metric) = all(SIZE);
    let activity = Arc::new(Activity::new(Instant::now()));
    let counting = |bytes: Bytes| all.counting(BoxBody::new(Full::new(bytes).map_err(|never| match never {})), &activity);
    let body = counting(content());
    assert_eq!((body.size_hint().exact(), body.is_end_stream(), metric(HELD)), (Some(SIZE as u64), false, Some(0)));
    let sent = body.collect().await.expect("a body").to_bytes();
    assert_eq!((sent.len(), metric(HELD)), (SIZE, Some(SIZE)));
    drop(sent);
    assert_eq!(metric(HELD), Some(0));
    let small = counting(vec![b'x'; BUFFER_MAX_BYTES].into()).collect().await.expect("a body").to_bytes();
    assert_eq!((small.len(), metric(HELD)), (BUFFER_MAX_BYTES, Some(0)));
}
