//! A database that takes its time: what it answers late is old already, and is not kept for others.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use crate::harness::TestServer;
use crate::stored::until_somebody_has_waited;

/// As old as a read may be.
const SLOW: Duration = Duration::from_millis(500);

/// How often the server asked PostgreSQL.
async fn loads(server: &TestServer, cache: &str) -> u64 {
    let series = format!("rowlock_cache_reads_total{{cache=\"{cache}\",result=\"database\"}} ");
    let metrics = server.anyone().get("/metrics").await.text();
    metrics.lines().find_map(|line| line.strip_prefix(&series)?.trim().parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_took_half_a_second_to_read_is_read_again() {
    let server = TestServer::builder().arg("--stale-max-s", 0).start().await;
    let event = server.small_event(&[("A", 1000, 10)]).await;
    for (cache, rest) in [("summary", "sections"), ("seats", "sections/A/seats"), ("availability", "availability")] {
        let (anyone, path) = (server.anyone(), event.at(rest));
        anyone.get(&path).await.expect(200);
        server.db.batch_execute("begin; lock table rowlock.sections in access exclusive mode").await.expect("locked");
        let reading = tokio::spawn({
            let (anyone, path) = (server.anyone(), path.clone());
            // The caches answer first, until they have forgotten the answer from before.
            async move {
                loop {
                    let begun = Instant::now();
                    anyone.get(&path).await.expect(200);
                    if begun.elapsed() >= SLOW {
                        break;
                    }
                }
            }
        });
        until_somebody_has_waited(&server, SLOW).await;
        server.db.batch_execute("commit").await.expect("unlocked");
        reading.await.expect("an answer");
        let before = loads(&server, cache).await;
        anyone.get(&path).await.expect(200);
        assert_eq!(loads(&server, cache).await, before + 1, "{cache}: the slow answer was kept");
    }
}
