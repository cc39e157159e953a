//! Tests that need tools which a machine may lack.

/// Reports that a test is skipped because `tool` is missing; on CI it fails instead, because nobody would read the report.
///
/// `CI` or `ROWLOCK_CI` in the environment means CI. A CI job lists the tools it lacks on purpose in `ROWLOCK_CI_LACKS`, separated by commas.
#[track_caller]
pub fn skip(tool: &str, why: &str) {
    let lacks = std::env::var("ROWLOCK_CI_LACKS").unwrap_or_default();
    let may_skip = !is_ci() || is_named(&lacks, tool);
    assert!(may_skip, "{why}; a CI job that lacks it on purpose sets ROWLOCK_CI_LACKS={tool}");
    eprintln!("skipped: {why}");
}

/// Whether this is CI, where everything that the tests need must be installed.
pub fn is_ci() -> bool {
    let is_set = |name| std::env::var(name).is_ok_and(|value| !["", "0", "false"].contains(&value.as_str()));
    is_set("CI") || is_set("ROWLOCK_CI")
}

fn is_named(lacks: &str, tool: &str) -> bool {
    lacks.split(',').any(|name| name.trim() == tool)
}

#[test]
fn what_a_ci_job_lacks_is_named_word_by_word() {
    assert!(is_named("docker", "docker") && is_named("psql, docker", "docker"));
    assert!(!is_named("", "docker") && !is_named("docker-compose", "docker"));
}
