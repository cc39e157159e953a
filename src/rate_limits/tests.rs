//! Who is refused, for how long, and who is forgotten.

use pretty_assertions::assert_eq;

use super::*;

fn limits(per_customer: u32, per_address: u32, wrong: u32) -> RateLimits {
    let settings = RateLimitSettings {
        requests_per_customer_per_s: per_customer,
        requests_per_address_per_s: per_address,
        wrong_credentials_per_address_per_min: wrong,
    };
    RateLimits::new(settings, Arc::new(Metrics::new()))
}

fn address(last: u8) -> ClientAddress {
    ClientAddress::V4([192, 0, 2, last].into())
}

#[test]
fn a_limit_that_is_off_refuses_nobody() {
    let off = limits(0, 0, 0);
    assert!(!off.are_on());
    for _ in 0..10_000 {
        let all =
            [off.customer("alice"), off.address(|| address(1)), off.wrong_credentials(|| address(1)), off.may_be_wrong(|| address(1))];
        assert_eq!(all, [Ok(()); 4]);
    }
}

#[test]
fn each_client_has_a_limit_of_its_own_and_each_limit_its_own_count() {
    let on = limits(3, 2, 1);
    assert!(on.are_on());
    let admitted = |one: &dyn Fn() -> Result<(), TooMany>| (0..20).take_while(|_| one().is_ok()).count();
    // One more may have come back meanwhile.
    let at_most = |count: usize, most: usize| assert!((most..=most + 1).contains(&count), "{count} instead of {most}");
    at_most(admitted(&|| on.customer("alice")), 3);
    at_most(admitted(&|| on.customer("bob")), 3);
    at_most(admitted(&|| on.address(|| address(1))), 2);
    at_most(admitted(&|| on.address(|| address(2))), 2);
    assert_eq!(on.may_be_wrong(|| address(1)), Ok(()));
    assert_eq!(admitted(&|| on.wrong_credentials(|| address(1))), 1);
    let refused = on.may_be_wrong(|| address(1));
    assert!(refused.is_err_and(|too_many| too_many.of == Limited::WrongCredentials && (50..=60).contains(&too_many.retry_after_s)));
    assert_eq!(on.wrong_credentials(|| address(1)), refused);
    assert_eq!(on.may_be_wrong(|| address(2)), Ok(()), "somebody else");
    let metrics = on.metrics.encode(crate::metrics::Readings::default());
    assert!(metrics.contains("rowlock_requests_limited_total{limit=\"customer\"} 2\n"), "{metrics}");
}

#[test]
fn whoever_waits_as_long_as_told_is_admitted_again_and_looking_does_not_count() {
    let limit = Limit::new(Quota::with_period(Duration::from_millis(20)).expect("a period").allow_burst(NonZeroU32::MIN.saturating_add(1)));
    assert_eq!([limit.look(1), limit.look(1), limit.count(1), limit.look(1), limit.count(1)], [Ok(()); 5]);
    let wait = limit.look(1).expect_err("too many");
    assert!(limit.count(1).is_err() && wait <= Duration::from_millis(20), "{wait:?}");
    std::thread::sleep(wait);
    assert_eq!((limit.look(1), limit.count(1)), (Ok(()), Ok(())));
}

#[test]
fn those_are_forgotten_who_may_send_as_many_as_at_first_and_all_if_there_are_too_many() {
    let limit = Limit::new(Quota::with_period(Duration::from_millis(1)).expect("a period"));
    let slow = Limit::new(Quota::with_period(Duration::from_secs(3600)).expect("a period"));
    for client in 0..100 {
        assert_eq!((limit.count(client), slow.count(client)), (Ok(()), Ok(())));
    }
    std::thread::sleep(Duration::from_millis(5));
    limit.forget();
    slow.forget();
    assert_eq!((limit.clients.len(), slow.clients.len()), (0, 100));
    for client in 100..CLIENTS_MAX {
        slow.count(client).expect("a new client");
    }
    assert_eq!(slow.clients.len(), CLIENTS_MAX);
    assert!(slow.count(7).is_err(), "it is remembered");
    slow.count(CLIENTS_MAX).expect("a new client");
    assert_eq!((slow.clients.len(), slow.count(7)), (1, Ok(())));
}
