//! Tests that cannot try what they should say so, and fail where everything should be there.

/// Says why a test tries nothing. With `ROWLOCK_CI` or `CI` set that is a failure, unless `ROWLOCK_TESTS_MAY_SKIP` is set, too: the servers
/// of other PostgreSQL versions come without client programs and extensions.
#[track_caller]
pub fn skip(reason: &str) {
    assert!(!(is_ci() && !is_set("ROWLOCK_TESTS_MAY_SKIP")), "in CI nothing is skipped: {reason}");
    eprintln!("skipped: {reason}");
}

/// Whether this is CI, where what the tests need must be there.
pub fn is_ci() -> bool {
    is_set("ROWLOCK_CI") || is_set("CI")
}

fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| !["", "0", "false"].contains(&value.as_str()))
}
