//! The binary as a person meets it. What its commands do is tried in the product's integration tests, which find it because cargo builds
//! a package's binary for the tests beside it.

use std::process::{Command, Output};

fn rowlock_lab(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rowlock-lab")).args(args).output().expect("the binary runs")
}

#[test]
fn help_lists_what_a_person_runs_and_not_what_the_commands_start() {
    let help = String::from_utf8(rowlock_lab(&["--help"]).stdout).expect("UTF-8");
    for command in ["demo", "rush", "bench"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "no {command}: {help}");
    }
    assert!(!help.lines().any(|line| line.trim_start().starts_with("serve")), "{help}");
    let serve = rowlock_lab(&["serve", "--help"]);
    assert!(serve.status.success(), "it is there all the same");
}

#[test]
fn a_preset_that_does_not_exist_is_refused_with_those_there_are() {
    let refused = rowlock_lab(&["rush", "flood"]);
    let said = String::from_utf8(refused.stderr).expect("UTF-8");
    assert!(!refused.status.success() && said.contains("same-seat") && said.contains("abandon-half"), "{said}");
}
