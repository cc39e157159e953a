//! A login fills PostgreSQL's lock table with advisory locks of its own.

use pretty_assertions::assert_eq;

use super::own_cluster::OnOwnCluster;
use crate::harness::{PATIENCE, eventually};

/// As many locks as the table has room for.
const FILL: &str = "select count(pg_advisory_lock(n)) from generate_series(1, 100000000) n";

#[tokio::test(flavor = "multi_thread")]
async fn a_full_lock_table_is_told_by_readiness_and_refuses_claims_until_it_has_room_again() {
    let Some(own) = OnOwnCluster::start().await else { return };
    let event = own.event(&[("A", 1000, 100), ("B", 1000, 100)]).await;
    own.recovers(&event).await;
    let (alice, bob, anyone) = (own.server.customer("alice"), own.server.customer("bob"), own.server.anyone());
    // Whoever connects once it is full is refused; and a first look takes more locks than later ones.
    let (filler, prober) = (own.db().await, own.db().await);
    let look = async || prober.query("select failure from rowlock.probe_claims()", &[]).await.expect("a look");
    for _ in 0..10 {
        assert!(look().await.is_empty(), "there is room");
    }
    let full = filler.batch_execute(FILL).await.expect_err("it is full");
    assert_eq!(full.code().map(|code| code.code()), Some("53200"), "{full:?}");
    let told = eventually(PATIENCE, || async { Some(anyone.get("/readyz").await).filter(|told| told.status != 200) }).await;
    let problem = told.problem(503, "unavailable");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("lock table is full")), "{problem}");
    let seats = [("A", 1)];
    let (seated, searched) = tokio::join!(alice.claim_seats(&event, &seats), bob.best_available(&event, "A", 1));
    for refused in [seated, searched] {
        refused.problem(503, "unavailable");
    }

    // Room for what the probe writes is not enough: a claim needs its customer's lock, too.
    filler.batch_execute("select pg_advisory_unlock(1), pg_advisory_unlock(2)").await.expect("two released");
    for _ in 0..20 {
        assert_eq!(look().await[0].get::<_, Option<&str>>(0), Some("53200"));
    }
    filler.batch_execute("select pg_advisory_unlock_all()").await.expect("released");
    own.recovers(&event).await;
    own.end().await;
}
