use super::*;
use crate::db::{Endpoint, SessionTimeouts};

fn cache(stale_max: Duration) -> AnswerCache<&'static str, u64> {
    AnswerCache::new(CacheSettings { weigh: |_, _| 1, weight_max: 100, ttl: Duration::from_secs(60), stale_max })
}

fn value(answer: Option<Aged<u64>>) -> Option<u64> {
    answer.map(|answer| answer.value)
}

fn nowhere() -> Db {
    let endpoint = Endpoint::new("postgres://nobody@127.0.0.1:1/nothing", None).unwrap();
    Db::new(&endpoint, 1, SessionTimeouts::POOL).unwrap()
}

fn loaded_in(ms: u64) -> Aged<u64> {
    Aged::new(ms, Instant::now().checked_sub(Duration::from_millis(ms)).expect("an uptime"))
}

#[tokio::test]
async fn what_took_long_to_load_is_kept_the_shorter_and_at_last_not_at_all() {
    let cache = cache(Duration::from_secs(60));
    let load = |key, ms| cache.fresh.insert(key, loaded_in(ms));
    for key in ["new", "changed"] {
        load(key, 600).await;
        assert!(cache.get(&key).await.is_none(), "older than a read may be");
        load(key, 0).await;
        assert!(cache.get(&key).await.is_some());
        load(key, 100).await;
        assert!(cache.get(&key).await.is_some());
    }
    tokio::time::sleep(Duration::from_millis(420)).await;
    assert!(cache.get(&"new").await.is_none(), "kept for the rest of its time only");
}

type Answering = fn() -> Result<Aged<u64>, DbError>;

fn always_due() -> AnswerCache<&'static str, u64> {
    AnswerCache::new(CacheSettings { weigh: |_, _| 1, weight_max: 100, ttl: Duration::ZERO, stale_max: Duration::from_secs(60) })
}

#[tokio::test]
async fn one_caller_reads_an_answer_anew_while_the_others_get_the_old_one() {
    let (cache, db) = (always_due(), nowhere());
    let read = |ms| cache.get_or_load("a", &db, move |_| async move { Ok(loaded_in(ms)) });
    read(40).await.unwrap();
    assert_eq!(value(cache.get(&"a").await), None, "it is due, and nobody reads it yet");

    let mut endless = Box::pin(cache.get_or_load("a", &db, |_| std::future::pending()));
    assert!(futures_util::poll!(&mut endless).is_pending());
    assert_eq!(value(cache.get(&"a").await), Some(40));
    assert_eq!(read(30).await.unwrap().value, 40, "only one reads it");
    tokio::time::sleep(AGE_MAX).await;
    assert_eq!(value(cache.get(&"a").await), None, "too old");
    let mut next = Box::pin(read(20));
    assert!(futures_util::poll!(&mut next).is_pending(), "whoever cannot get the old one waits for the new one");

    drop(endless);
    assert_eq!(next.await.unwrap().value, 20, "whoever has gone away does not read it");
    assert_eq!(read(10).await.unwrap().value, 10);
}

#[tokio::test]
async fn what_was_read_earlier_does_not_replace_what_was_read_later() {
    let (cache, db) = (always_due(), nowhere());
    let (go, _) = watch::channel(());
    let slow = |answer: Answering| {
        let said = go.subscribe();
        cache.get_or_load("a", &db, move |_| {
            let mut said = said.clone();
            async move {
                said.changed().await.expect("a word");
                answer()
            }
        })
    };
    let late: [Answering; 2] = [|| Ok(loaded_in(400)), || Err(DbError::Unavailable("planted".to_owned()))];
    for late in late {
        cache.forget(&"a").await;
        cache.keep("a", loaded_in(300)).await;
        let mut slow = Box::pin(slow(late));
        assert!(futures_util::poll!(&mut slow).is_pending());
        cache.keep("a", loaded_in(1)).await;
        go.send(()).expect("somebody waits");
        let answer = slow.await.unwrap();
        assert!(answer.stale_age().is_none(), "the old one is not too old yet");
        assert_eq!(cache.fresh.get(&"a").await.map(|kept| kept.value), Some(1));
        assert_eq!(cache.last.get(&"a").await.map(|kept| kept.value), Some(1));
    }
}

#[tokio::test]
async fn what_is_forgotten_while_it_is_read_anew_is_read_once_more() {
    let (cache, db, reads) = (always_due(), nowhere(), std::sync::atomic::AtomicU64::new(0));
    cache.keep("a", loaded_in(40)).await;
    let mut renewal = Box::pin(cache.get_or_load("a", &db, |_| {
        let read = reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            tokio::task::yield_now().await;
            Ok(loaded_in(30 - 10 * read))
        }
    }));
    assert!(futures_util::poll!(&mut renewal).is_pending());
    cache.forget(&"a").await;
    assert_eq!(renewal.await.unwrap().value, 20, "what was read before may not show the change");
    assert_eq!(cache.fresh.get(&"a").await.map(|kept| kept.value), Some(20));
}

#[tokio::test]
async fn an_answer_is_due_before_it_is_too_old() {
    let is_due_after = |aged: Aged<u64>| aged.given_for(Duration::from_millis(200)).due_at.expect("a time") - Instant::now();
    assert!(is_due_after(loaded_in(0)) > Duration::from_millis(190));
    assert!(is_due_after(loaded_in(300)) <= Duration::from_millis(120));
    assert!(is_due_after(loaded_in(450)).is_zero());
}

#[tokio::test]
async fn while_the_database_cannot_be_asked_the_last_answer_is_given_with_its_age() {
    let cache = cache(Duration::from_millis(900));
    let failing = |_| async { Err(DbError::Unavailable("planted".to_owned())) };
    assert!(cache.get_or_load("a", &nowhere(), failing).await.is_err(), "nothing is known yet");
    // So old already that it is not fresh.
    cache.get_or_load("a", &nowhere(), |_| async { Ok(loaded_in(700)) }).await.unwrap();
    let stale = cache.get_or_load("a", &nowhere(), failing).await.unwrap();
    assert_eq!(stale.value, 700);
    assert!(stale.stale_age().is_some_and(|age| age >= Duration::from_millis(700)));
    // It is given again without another attempt, but a fault of ours is no reason to give it.
    assert!(cache.get(&"a").await.is_some_and(|again| again.stale_age().is_some()));
    cache.fresh.invalidate(&"a").await;
    assert!(cache.get_or_load("a", &nowhere(), |_| async { Err(DbError::Internal("planted".to_owned())) }).await.is_err());

    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert!(cache.get_or_load("a", &nowhere(), failing).await.is_err(), "too old at last");
    let fresh = cache.get_or_load("a", &nowhere(), |_| async { Ok(loaded_in(1)) }).await.unwrap();
    assert_eq!((fresh.value, fresh.stale_age()), (1, None));
    cache.forget(&"a").await;
    assert!(cache.get_or_load("a", &nowhere(), failing).await.is_err(), "what is known to be wrong is not given");
}
