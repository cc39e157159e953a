//! `--help` is complete: each flag, its environment variable, its unit and its default.

use std::collections::BTreeSet;

use clap::error::ErrorKind;
use clap::{Arg, Command, Subcommand};

use super::process::{printed_by, rowlock, rowlock_lab};

/// The commands as they are defined.
fn commands() -> Vec<Command> {
    let cli = rowlock::commands::Command::augment_subcommands(Command::new("rowlock"));
    cli.get_subcommands().cloned().collect()
}

/// The lab's commands, except the server, which is the same.
fn lab_commands() -> Vec<Command> {
    let cli = rowlock_lab::commands::Command::augment_subcommands(Command::new("rowlock-lab"));
    cli.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect()
}

fn args(command: &Command) -> Vec<&Arg> {
    command.get_arguments().filter(|arg| arg.get_id() != "help").collect()
}

fn help_of(arg: &Arg) -> String {
    arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default()
}

#[test]
fn every_setting_of_the_server_is_documented_with_its_environment_variable() {
    let serve = commands().into_iter().find(|command| command.get_name() == "serve").expect("serve");
    let help = printed_by(&mut rowlock(&["serve", "--help"]));
    let mut names = BTreeSet::new();
    for arg in args(&serve) {
        let flag = arg.get_long().unwrap_or_else(|| panic!("{} has no long flag", arg.get_id()));
        if arg.is_hide_set() {
            // Nobody uses it by accident: it is not in the help, and no environment variable sets it.
            assert!(arg.get_env().is_none() && !help.contains(flag), "--{flag} is hidden only in part");
            continue;
        }
        let name = arg.get_env().unwrap_or_else(|| panic!("--{flag} has no environment variable")).to_string_lossy().into_owned();
        assert!(name.starts_with("ROWLOCK_") || ["DATABASE_URL", "REDIS_URL"].contains(&name.as_str()), "{name}");
        assert!(help.contains(&format!("--{flag}")) && help.contains(&format!("[env: {name}")), "--{flag} ({name}) is not in the help");
        assert!(names.insert(name.clone()), "{name} sets two things");
        let says_default = arg.is_required_set() || !arg.get_default_values().is_empty() || help_of(arg).contains("[default:");
        assert!(says_default, "--{flag} does not say what it is by default");
    }
    assert!(names.len() > 20);
}

#[test]
fn every_flag_of_every_command_is_documented_with_its_unit() {
    let mut seen = 0;
    let nested = commands().into_iter().chain(lab_commands()).flat_map(|command| {
        let inner: Vec<_> = command.get_subcommands().cloned().collect();
        std::iter::once(command).chain(inner)
    });
    for command in nested {
        assert!(command.get_about().is_some(), "{} says nothing about itself", command.get_name());
        for arg in args(&command) {
            let (name, help) = (format!("{} {}", command.get_name(), arg.get_id()), help_of(arg));
            assert!(!help.is_empty(), "{name} is not documented");
            // The first that fits: what is counted per second is not in seconds.
            let units =
                [("_per_s", "per second"), ("_per_min", "per minute"), ("_ms", "milliseconds"), ("_s", "seconds"), ("_bytes", "bytes")];
            if let Some((_, unit)) = units.into_iter().find(|(suffix, _)| arg.get_id().as_str().ends_with(suffix)) {
                assert!(help.contains(unit), "{name} is in {unit} and does not say so");
            }
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen} flags seen");
}

#[test]
fn a_bad_value_of_a_flag_is_told_what_a_good_one_is() {
    let mut told = 0;
    for command in commands().into_iter().chain(lab_commands()) {
        let subcommands: Vec<_> = command.get_subcommands().cloned().collect();
        for command in std::iter::once(command).chain(subcommands) {
            for flag in args(&command).into_iter().filter_map(Arg::get_long) {
                let attempt = [command.get_name().to_owned(), format!("--{flag}=no such value")];
                let error = match command.clone().try_get_matches_from(attempt) {
                    Err(error) if error.kind() == ErrorKind::ValueValidation => error.to_string(),
                    // Any text will do, or the possible values are listed.
                    _ => continue,
                };
                let line = error.lines().next().unwrap_or_default();
                assert!(line.contains(": it must be ") || line.contains("is not one of off, error"), "--{flag}: {line}");
                told += 1;
            }
        }
    }
    assert!(told >= 28, "{told} flags");
}

#[test]
fn help_never_shows_a_secret_that_is_set() {
    let secret = "a secret that must not be shown to anybody";
    let product = commands().into_iter().map(|command| (rowlock as fn(&[&str]) -> std::process::Command, command));
    let lab = lab_commands().into_iter().map(|command| (rowlock_lab as fn(&[&str]) -> std::process::Command, command));
    for (program, command) in product.chain(lab) {
        let mut help = program(&[command.get_name(), "--help"]);
        for name in
            ["DATABASE_URL", "REDIS_URL", "ROWLOCK_JWT_SECRET", "ROWLOCK_WEBHOOK_SECRET", "ROWLOCK_API_KEY", "ROWLOCK_RUSH_DATABASE_URL"]
        {
            help.env(name, secret);
        }
        assert!(!printed_by(&mut help).contains(secret), "{} shows a secret", command.get_name());
    }
}

#[test]
fn the_document_is_printed_as_json_and_written_to_a_folder() {
    let document: serde_json::Value = serde_json::from_str(&printed_by(&mut rowlock(&["openapi"]))).expect("JSON");
    assert_eq!(document["openapi"], "3.0.0");
    let dir = crate::harness::Scratch::new();
    printed_by(rowlock(&["openapi", "--write"]).arg(dir.path()));
    for (name, now) in [("openapi.json", rowlock::spec()), ("operations.txt", rowlock::operations())] {
        let written = std::fs::read_to_string(dir.path().join(name)).expect("written");
        assert_eq!(written.trim_end(), now.trim_end(), "{name}");
    }
}
