//! When an outage is logged, and how often.

use super::*;

const TENTH: Duration = Duration::from_millis(100);

fn seconds(tenths: u32) -> u64 {
    (TENTH * tenths).as_secs()
}

#[test]
fn an_outage_is_said_at_growing_intervals_however_many_run_into_it() {
    let (begun, mut history) = (Instant::now(), History::default());
    let said: Vec<u64> = (0..3_000).filter(|tenths| history.fails(begun + TENTH * *tenths).is_some()).map(seconds).collect();
    assert_eq!(said, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    assert_eq!(history.ends(begun + Duration::from_secs(300)), Some(Duration::from_secs(300)));
    assert_eq!(history.ends(begun + Duration::from_secs(301)), None, "it is back only once");
}

#[test]
fn a_database_that_comes_and_goes_does_not_fill_the_log_either() {
    let (begun, mut history) = (Instant::now(), History::default());
    let (mut said, mut back) = (Vec::new(), 0);
    for tenths in 0..600 {
        let now = begun + TENTH * tenths;
        said.extend(history.fails(now).map(|_| seconds(tenths)));
        back += usize::from(history.ends(now).is_some());
    }
    assert_eq!(said, [0, 1, 3, 7, 15, 31]);
    assert_eq!(back, said.len(), "each that was said ends, and no other");
}

#[test]
fn after_a_calm_time_an_outage_is_news() {
    let (begun, mut history) = (Instant::now(), History::default());
    let at = |seconds| begun + Duration::from_secs(seconds);
    assert_eq!([0, 1].map(|second| history.fails(at(second)).is_some()), [true, true]);
    history.ends(at(2));
    // Said last at 1 s, silent until 3 s.
    assert_eq!([62, 63].map(|second| history.fails(at(second)).is_some()), [true, false], "still as before: silent for 4 s");
    history.ends(at(64));
    assert_eq!([126, 127].map(|second| history.fails(at(second)).is_some()), [true, true], "news: silent for 1 s");
}

#[test]
fn pauses_grow_and_many_together_try_hardly_more_often_than_one() {
    let ms = |lasted_ms, waiting, may_pass| longest_pause(Duration::from_millis(lasted_ms), waiting, may_pass).as_millis();
    assert_eq!([0, 50, 100, 150, 60_000].map(|lasted_ms| ms(lasted_ms, 1, true)), [50, 50, 100, 150, 150]);
    assert_eq!([0, 100, 400, 1_000, 60_000].map(|lasted_ms| ms(lasted_ms, 20, true)), [50, 100, 400, 1000, 1000]);
    assert_eq!(ms(60_000, 3, true), 450);
    assert_eq!(ms(60_000, 1, false), 1000, "an operator is not that fast");
}

#[test]
fn an_outage_lasts_from_its_first_failure_and_the_next_begins_anew() {
    let (begun, mut history) = (Instant::now(), History::default());
    assert_eq!(history.lasted(begun), Duration::ZERO);
    history.fails(begun);
    history.fails(begun + TENTH);
    assert_eq!(history.lasted(begun + TENTH * 3), TENTH * 3);
    history.ends(begun + TENTH * 4);
    assert_eq!(history.lasted(begun + TENTH * 5), Duration::ZERO);
    history.fails(begun + TENTH * 6);
    assert_eq!(history.lasted(begun + TENTH * 7), TENTH);
}

#[tokio::test]
async fn whoever_gets_through_wakes_those_who_pause() {
    let log = OutageLog::default();
    log.failed(&Outage::new(OutageKind::LoginRefused, "28P01"));
    log.history().away = Some((Instant::now().checked_sub(PAUSE_MAX).expect("an uptime"), true));
    let begun = Instant::now();
    let pauses: Vec<_> = (0..3)
        .map(|_| {
            let log = log.clone();
            tokio::spawn(async move { log.pause(OutageKind::LoginRefused).await })
        })
        .collect();
    while log.0.waiting.load(Ordering::Relaxed) < 3 {
        tokio::task::yield_now().await;
    }
    assert!(pauses.iter().all(|pause| !pause.is_finished()));
    log.works();
    for pause in pauses {
        pause.await.expect("no panic");
    }
    assert!(begun.elapsed() < PAUSE_MAX / 2, "they slept on");
    assert_eq!(log.0.waiting.load(Ordering::Relaxed), 0);
}
