//! How many rows an operator may ask a function for: what is out of bounds is refused, and never brought within them silently.

use std::collections::BTreeSet;

use pretty_assertions::assert_eq;

use super::walls::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_out_of_bounds_is_refused_with_the_bounds() {
    let scene = Scene::new().await;
    let olivia = scene.logins.connect("olivia").await;
    let calls = [
        "list_dead_letters(p_event_id => null, p_limit => $limit)",
        "list_events(p_after_event_id => null, p_limit => $limit, p_with_drafts => true, p_status => null, p_starts_after => null,
            p_name => null)",
        "list_orders(p_event_id => 1, p_customer_id => 'ada', p_status => null, p_after_order_id => null, p_limit => $limit)",
        "refunds_due(p_event_id => 1, p_limit => $limit)",
    ];
    let takes_a_limit = "select p.proname::text from pg_proc p
        where 'p_limit' = any (p.proargnames) and has_function_privilege('rowlock_admin', p.oid, 'execute') order by p.proname";
    let tried: BTreeSet<_> = calls.iter().filter_map(|call| call.split('(').next()).map(str::to_owned).collect();
    assert_eq!(scene.ask(takes_a_limit).await.into_iter().collect::<BTreeSet<_>>(), tried);
    for call in calls {
        let ask = async |limit: &str| olivia.query(&format!("select * from rowlock.{}", call.replace("$limit", limit)), &[]).await;
        for limit in ["1", "1000"] {
            let rows = ask(limit).await.unwrap_or_else(|error| panic!("{call} {limit}: {error:?}"));
            assert!(!rows.is_empty(), "{call} {limit}");
        }
        assert_eq!(ask("1").await.expect("rows").len(), 1, "{call}");
        for limit in ["0", "-1", "1001", "null"] {
            let error = ask(limit).await.expect_err(call);
            let error = error.as_db_error().expect("an error of PostgreSQL");
            let (state, detail) = (error.code().code(), error.detail());
            assert_eq!((state, detail), ("RL006", Some("limit: must be a whole number from 1 to 1000")), "{call} {limit}");
        }
    }
    scene.logins.gone().await;
}
