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
    let (alice, anyone) = (own.server.customer("alice"), own.server.anyone());
    let filler = own.db().await;
    for _ in 0..2 {
        let full = filler.batch_execute(FILL).await.expect_err("it is full");
        assert_eq!(full.code().map(|code| code.code()), Some("53200"), "{full:?}");
        let told = eventually(PATIENCE, || async { Some(anyone.get("/readyz").await).filter(|told| told.status != 200) }).await;
        let problem = told.problem(503, "unavailable");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("lock table is full")), "{problem}");
        for _ in 0..2 {
            alice.claim_seats(&event, &[("A", 1)]).await.problem(503, "unavailable");
            alice.best_available(&event, "A", 1).await.problem(503, "unavailable");
        }
        filler.batch_execute("select pg_advisory_unlock_all()").await.expect("released");
        own.recovers(&event).await;
    }
    drop(filler);
    own.end().await;
}
