//! Who is asked to make room, and who is counted.

use pretty_assertions::assert_eq;

use super::*;
use crate::http::connections::activity::HESITATION_US;

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn everything_that_is_counted_is_counted_back() {
    let limits = ConnectionLimits { connections_max: 2, per_address_max: 2, leaving_max: 9 };
    let open = OpenConnections::new(limits, Arc::new(Metrics::new()));
    let admit = |text: &str| open.admit(address(text));
    let (one, two) = (admit("192.0.2.1").expect("room"), admit("192.0.2.1").expect("room"));
    two.activity.serves();
    let three = admit("192.0.2.9").expect("the first one's room");
    assert_eq!((one.activity.asked(), two.activity.asked()), (Some(Demand::MakeRoom), None));
    three.activity.serves();
    assert_eq!(admit("192.0.2.9").err().map(|refused| refused.why), Some(RefusedConnection::Full));
    drop((one, two, three));
    let list = open.list();
    assert!(list.open.is_empty() && list.of_address.is_empty() && list.idle_of_address.is_empty());
    assert_eq!(list.leaving, 0);
}

#[test]
fn who_was_asked_to_go_and_stays_counts_again_and_others_go_instead() {
    let limits = ConnectionLimits { connections_max: 2, per_address_max: 9, leaving_max: 3 };
    let open = OpenConnections::new(limits, Arc::new(Metrics::new()));
    let admit = || open.admit(address("192.0.2.1"));
    let (one, two) = (admit().expect("room"), admit().expect("room"));
    let three = admit().expect("the first one's room");
    assert_eq!(one.activity.asked(), Some(Demand::MakeRoom));
    // It has become busy; so nobody leaves, and there is one too many.
    one.activity.serves();
    one.stays();
    assert_eq!((one.activity.asked(), open.list().leaving), (None, 0));
    let four = admit().expect("the room of two");
    let asked = [&one, &two, &three, &four].map(|it| it.activity.asked().is_some());
    assert_eq!((asked, open.list().leaving), ([false, true, true, false], 2));
    // They have not gone yet: nobody can know whether they will.
    let five = admit().expect("the last descriptor");
    let six = admit().err().map(|refused| (refused.why, refused.is_passing));
    five.activity.serves();
    assert_eq!(six, Some((RefusedConnection::Full, true)));
}

#[tokio::test]
async fn whoever_waits_is_admitted_when_somebody_has_gone_and_nobody_is_after_the_end() {
    let limits = ConnectionLimits { connections_max: 1, per_address_max: 9, leaving_max: 1 };
    let open = OpenConnections::new(limits, Arc::new(Metrics::new()));
    let (one, two) = (open.admit(address("192.0.2.1")).expect("room"), open.admit(address("192.0.2.1")).expect("its room"));
    assert!(open.admit(address("192.0.2.1")).is_err_and(|refused| refused.is_passing));
    let (three, ()) = tokio::join!(open.admit_soon(address("192.0.2.1")), async { drop(one) });
    let three = three.expect("the first one's descriptor");
    drop((two, three));
    open.close();
    assert!(open.admit(address("192.0.2.1")).is_err_and(|refused| !refused.is_passing));
}

#[test]
fn a_connection_is_idle_while_it_waits_for_its_client_but_not_at_the_first_hesitation() {
    let activity = Activity::new(Instant::now());
    let (now, later) = (0, 3600 * 1_000_000);
    assert!(activity.idle_since(now).is_some(), "no request has begun");
    activity.serves();
    assert_eq!((activity.idle_since(later), activity.is_waiting()), (None, false));
    // For a body, however it trickles in.
    let since = activity.awaits_body(None);
    assert_eq!(activity.idle_since(since + HESITATION_US - 1), None);
    assert_eq!(activity.idle_since(since + HESITATION_US), Some(since));
    activity.resumes();
    assert_eq!(activity.idle_since(later), None);
    assert_eq!(activity.awaits_body(Some(since)), since);
    activity.resumes();
    // What is left of the answer before this one may wait; this one's request does not.
    activity.writes(true);
    assert_eq!(activity.idle_since(later), None);
    activity.answered();
    assert_eq!(activity.idle_since(now), None);
    assert!(activity.idle_since(later).is_some(), "its client does not read");
    // The next head does not begin it anew, only reading does.
    let since = activity.idle_since(later);
    activity.waits();
    assert_eq!((activity.idle_since(now), activity.idle_since(later)), (None, since));
    activity.writes(false);
    assert!(activity.idle_since(now).is_some());
    activity.serves();
    activity.answered();
    assert_eq!(activity.idle_since(later), None, "its answer is under way");
}
