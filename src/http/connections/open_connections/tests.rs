//! Who is found to make room.

use pretty_assertions::assert_eq;

use super::*;

#[test]
fn one_search_finds_the_longest_idle_in_order_and_some_for_later() {
    let idle: Vec<_> = (0..1000_u64).map(|id| ((id * 617) % 1000, id)).collect();
    let found: Vec<_> = longest(idle).into_iter().map(|(since, _)| since).collect();
    assert_eq!(found, (0..62).collect::<Vec<_>>());
    assert_eq!(longest(vec![(7, 1)]), [(7, 1)]);
    assert_eq!(longest(vec![(7, 1), (3, 2)]), [(3, 2)]);
    assert!(longest(vec![]).is_empty());
}

#[tokio::test]
async fn everything_that_is_counted_is_counted_back() {
    let limits = ConnectionLimits { connections_max: 2, per_address_max: 2, leaving_max: 9 };
    let open = OpenConnections::new(limits, Arc::new(Metrics::new()));
    let admit = async |address: &str| open.admit(address.parse().expect("an address")).await;
    let (one, two) = (admit("192.0.2.1").await.expect("room"), admit("192.0.2.1").await.expect("room"));
    two.activity.serves();
    let three = admit("192.0.2.9").await.expect("the first one's room");
    assert_eq!((one.activity.asked(), two.activity.asked()), (Some(Request::MakeRoom), None));
    three.activity.serves();
    assert_eq!(admit("192.0.2.9").await.err(), Some(RefusedConnection::Full));
    drop((one, two, three));
    let list = open.list();
    assert!(list.open.is_empty() && list.of_address.is_empty() && list.idle_of_address.is_empty());
    assert_eq!(list.leaving, 0);
}
