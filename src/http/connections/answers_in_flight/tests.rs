//! What counts, how often, and who has to go.

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

/// Somebody who has taken so much of it and now leaves the rest unread.
fn reader(all: &Arc<AnswersInFlight>, content: &Bytes, taken_bytes: usize) -> Reader {
    let activity = Arc::new(Activity::new(Instant::now()));
    // What was sent before does not count.
    activity.sends(SIZE * 100);
    let answer = all.begin(content.clone(), &activity);
    activity.sends(taken_bytes);
    activity.writes(true);
    Reader { answer, activity }
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
    let mut readers: Vec<_> = (0..1000).map(|_| reader(&all, &map, 0)).collect();
    let another = reader(&all, &other, 0);
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
fn the_slowest_makes_room_and_neither_the_one_that_came_first_nor_the_newcomer() {
    let (all, metric) = all(2 * SIZE);
    let [first, second, third] = [90_000, 0, 50_000].map(|taken_bytes| reader(&all, &content(), taken_bytes));
    assert_eq!([&first, &second, &third].map(is_asked), [false, true, false]);
    // It is still in memory, and its reader is not asked again.
    assert_eq!((metric(HELD), metric(CLOSED)), (Some(3 * SIZE), Some(1)));
    drop(second);
    assert_eq!(metric(HELD), Some(2 * SIZE));
    let fourth = reader(&all, &content(), 0);
    assert_eq!([&first, &third, &fourth].map(is_asked), [false, true, false]);
    drop(third);
    assert_eq!(metric(HELD), Some(2 * SIZE));
}

#[test]
fn whoever_shares_what_is_read_makes_room_only_with_the_others() {
    let (all, metric) = all(SIZE);
    let shared = content();
    let [slow, fast] = [0, 90_000].map(|taken_bytes| reader(&all, &shared, taken_bytes));
    let middle = reader(&all, &content(), 50_000);
    // The slowest frees nothing, and so the next one has to go, too.
    let asked = |readers: [&Reader; 3]| readers.map(is_asked);
    assert_eq!(asked([&slow, &fast, &middle]), [true, true, false]);
    // What they still hold is read by another one, and counts again.
    let again = reader(&all, &shared, 0);
    assert!(is_asked(&middle) && !is_asked(&again));
    drop((slow, fast, middle));
    assert_eq!((metric(HELD), all.list().staying_bytes), (Some(SIZE), SIZE));
}

#[test]
fn whoever_would_free_nothing_stays_as_long_as_somebody_else_would() {
    let (all, _) = all(2 * SIZE);
    let shared = content();
    let [slow, fast] = [0, 90_000].map(|taken_bytes| reader(&all, &shared, taken_bytes));
    let alone = reader(&all, &content(), 50_000);
    let newcomer = reader(&all, &content(), 0);
    assert_eq!([&slow, &fast, &alone, &newcomer].map(is_asked), [false, false, true, false]);
    // Nor while one of those who read the same is not waited for.
    fast.activity.writes(false);
    let another = reader(&all, &content(), 0);
    assert_eq!([&slow, &fast, &newcomer, &another].map(is_asked), [false, false, true, false]);
}

#[test]
fn time_counts_as_what_an_honest_client_would_have_taken_in_it() {
    let (all, _) = all(usize::MAX);
    let reader = reader(&all, &content(), 60_000);
    let list = all.list();
    let answer = list.answers.values().next().expect("an answer");
    let behind_ms = |passed_s| answer.behind_ms(answer.begun + std::time::Duration::from_secs(passed_s));
    assert_eq!([0, 2, 7].map(behind_ms), [-2000, 0, 5000]);
    drop((list, reader));
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
