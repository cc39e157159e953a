//! Twenty thousand requests that almost make sense: each operation with a body, from the document's examples, changed here and there.
//!
//! A failure prints its seed and the request: `ROWLOCK_FUZZ_SEED=<seed>` repeats the run, `ROWLOCK_FUZZ_REQUESTS` makes it longer.

mod odd;

pub use odd::Odd;

use std::env;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::attempt::Attempt;
use super::stage;
use crate::harness::{Document, TestServer};

const SEED: u64 = 20_261_130;
const REQUESTS: usize = 20_000;
/// Requests on their way at the same time.
const SENDERS: usize = 8;
/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// How long so many requests may take in all.
const ALL_MAX: Duration = Duration::from_secs(120);

fn from_environment<T: std::str::FromStr>(name: &str, otherwise: T) -> T {
    env::var(name).ok().map_or(otherwise, |value| value.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// Sends that many requests, one after the other; returns how many were answered with each class of status.
async fn send(server: &TestServer, attempts: &[(String, Attempt)], seed: u64, requests: usize) -> [usize; 6] {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut classes = [0; 6];
    for number in 0..requests {
        let (name, attempt) = &attempts[rng.random_range(0..attempts.len())];
        let odd = odd::request(attempt, &mut rng);
        let begun = Instant::now();
        let status = attempt
            .send_odd(server, &odd)
            .await
            .unwrap_or_else(|error| panic!("no answer ({error:?}): seed {seed}, {number}: {name} {odd:?}"));
        let took = begun.elapsed();
        assert!(status < 500, "{status}: seed {seed}, {number}: {name} {odd:?}");
        assert!(took < ANSWER_MAX, "{took:?}: seed {seed}, {number}: {name} {odd:?}");
        classes[usize::from(status / 100)] += 1;
    }
    classes
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(debug_assertions, ignore = "a promise of speed: .ci/promises runs it in an optimised build")]
async fn whatever_is_sent_is_answered_soon_and_never_with_a_fault_of_the_server() {
    let server = stage::server().await;
    let operations = Document::published().operations();
    let with_body = operations.iter().filter(|operation| !operation.json["requestBody"].is_null());
    let attempts: Vec<_> = with_body.flat_map(Attempt::shown_by).collect();

    let seed = from_environment("ROWLOCK_FUZZ_SEED", SEED);
    let requests = from_environment("ROWLOCK_FUZZ_REQUESTS", REQUESTS);
    let each = requests.div_ceil(SENDERS);
    let begun = Instant::now();
    let senders = (0..SENDERS as u64).map(|sender| send(&server, &attempts, seed + sender, each));
    let classes = join_all(senders).await.into_iter().fold([0; 6], |sum, one| std::array::from_fn(|class| sum[class] + one[class]));
    let took = begun.elapsed();
    eprintln!("{requests} requests that almost make sense: {classes:?} by class of status, in {took:?}");
    assert!(took < ALL_MAX || requests > REQUESTS, "{took:?}");
    // Whether or not somebody was waiting for what panicked.
    assert_eq!(server.metric("rowlock_panics_total").await, 0, "seed {seed}: its output has the panics");
    // Some still make sense, most do not.
    assert!(classes[2] * 50 > each * SENDERS && classes[4] > each, "{classes:?}");
    server.assert_invariants().await;
}
