//! The parts of `docs/` that are generated from the source: the errors, the settings, the metrics. `make docs` writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use clap::{Arg, Command, Subcommand};
use rowlock::metrics::{CacheResult, CredentialFault, Limited, Metrics, Readings, RefusedConnection};
use rowlock::problem::code::{Code, Retry};

use crate::drift::{assert_up_to_date, in_project};

const REMEDY: &str = "make docs";

#[test]
fn the_list_of_errors_is_that_of_the_source() {
    assert_up_to_date("docs/errors.md", &errors(), REMEDY);
}

#[test]
fn the_settings_and_metrics_are_those_of_the_source() {
    let path = "docs/operations.md";
    let kept = std::fs::read_to_string(in_project(path)).expect("the file");
    let now = with_part(&with_part(&kept, "settings", &settings()), "metrics", &metrics());
    assert_up_to_date(path, &now, REMEDY);
}

/// The text with another part between `<!-- begin: name -->` and `<!-- end: name -->`; the rest is written by hand.
#[track_caller]
fn with_part(text: &str, name: &str, part: &str) -> String {
    let (begin, end) = (format!("<!-- begin: {name} -->\n"), format!("<!-- end: {name} -->\n"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("there is no part {name}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("the part {name} does not end"));
    format!("{before}{begin}\n{part}\n{end}{after}")
}

fn errors() -> String {
    let mut text = String::from(
        "# Errors\n\n<!-- Written by `make docs` from src/problem/code.rs. -->\n\nEvery refusal is `application/problem+json` (RFC 9457). Branch \
         on its `code`, which never changes. Its `type` links to the same list on the server, `/errors`.\n\n",
    );
    let retries = [
        (Retry::Later, "the same request may succeed later"),
        (Retry::Changed, "a different request may succeed; the same one will not"),
        (Retry::Never, "the answer stays the same"),
    ];
    for (retry, meaning) in retries {
        writeln!(text, "- **{}**: {meaning}", retry.as_str()).expect("a string takes all");
    }
    for codes in Code::ALL.chunk_by(|one, next| one.status() == next.status()) {
        let head = "| code | meaning | what to do | for the buyer |\n| --- | --- | --- | --- |";
        writeln!(text, "\n## {}\n\n{head}", codes[0].status()).expect("a string takes all");
        for code in codes {
            let (name, buyer) = (code.as_str(), code.for_buyers().unwrap_or_default());
            let (meaning, retry, advice) = (code.meaning(), code.retry().as_str(), code.advice());
            writeln!(text, "| <a id=\"{name}\"></a>`{name}` | {meaning} | **{retry}** · {advice} | {buyer} |").expect("a string takes all");
        }
    }
    text
}

fn settings() -> String {
    let cli = rowlock::commands::Command::augment_subcommands(Command::new("rowlock"));
    let serve = cli.find_subcommand("serve").expect("serve");
    let mut text = String::from("| flag | environment | default | meaning |\n| --- | --- | --- | --- |\n");
    for arg in serve.get_arguments().filter(|arg| arg.get_id() != "help" && !arg.is_hide_set()) {
        let (meaning, default) = meaning_and_default(arg);
        let (flag, env) = (arg.get_long().expect("a flag"), arg.get_env().expect("a variable").to_string_lossy());
        writeln!(text, "| `--{flag}` | `{env}` | {default} | {meaning} |").expect("a string takes all");
    }
    text
}

/// A default that is not a value is part of the help, as `[default: …]`.
fn meaning_and_default(arg: &Arg) -> (String, String) {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
    if let Some((meaning, default)) = help.split_once(" [default: ") {
        return (meaning.to_owned(), default.trim_end_matches(']').to_owned());
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    let needed = if arg.is_required_set() { "required" } else { "" };
    (help, if defaults.is_empty() { needed.to_owned() } else { defaults.join(", ") })
}

/// A registry in which everything was counted once, because metrics that were never counted are not in its text.
fn full_registry() -> String {
    let metrics = Metrics::new();
    let moment = Duration::from_millis(1);
    metrics.claim_answered("claimed", moment);
    metrics.payment_answered("paid", moment);
    metrics.claims_batched(1);
    metrics.payments_batched(1);
    metrics.order_expired(Some(moment));
    metrics.expiry_failed();
    metrics.panicked();
    for credential in ["token", "api_key", "signature"] {
        CredentialFault::ALL.iter().for_each(|fault| metrics.credential_refused(credential, *fault));
    }
    RefusedConnection::ALL.iter().for_each(|why| metrics.connection_refused(*why));
    Limited::ALL.iter().for_each(|of| metrics.request_limited(*of));
    for cache in ["summary", "seats", "availability"] {
        CacheResult::ALL.iter().for_each(|result| {
            metrics.cache_reads(cache, *result).inc();
        });
    }
    metrics.encode(Readings::default())
}

fn metrics() -> String {
    let registered = include_str!("../../src/metrics.rs").matches("registry.register").count();
    let text = full_registry();
    let kinds = described(&text, "TYPE");
    assert_eq!(kinds.len(), registered, "a metric was registered that `full_registry` does not count: {kinds:?}");
    let (helps, units) = (described(&text, "HELP"), described(&text, "UNIT"));
    let mut table = String::from("| metric | type | unit | labels | meaning |\n| --- | --- | --- | --- | --- |\n");
    for (name, kind) in &kinds {
        let unit = units.get(name).copied().unwrap_or_default();
        let suffix = if *kind == "counter" { "_total" } else { "" };
        let (labels, help) = (labels(&text, name), helps[name].trim_end_matches('.'));
        writeln!(table, "| `{name}{suffix}` | {kind} | {unit} | {labels} | {help} |").expect("a string takes all");
    }
    table
}

/// The text of the lines `# KEYWORD name …` for each metric.
fn described<'a>(text: &'a str, keyword: &str) -> BTreeMap<&'a str, &'a str> {
    text.lines().filter_map(|line| line.strip_prefix("# ")?.strip_prefix(keyword)?.trim_start().split_once(' ')).collect()
}

/// The names of a metric's labels, with their values if there are only a few.
fn labels(text: &str, metric: &str) -> String {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with(metric)) {
        let Some((labels, _)) = line.split_once('{').and_then(|(_, rest)| rest.split_once('}')) else { continue };
        for (name, value) in labels.split(',').filter_map(|label| label.split_once('=')).filter(|(name, _)| *name != "le") {
            values.entry(name).or_default().insert(value.trim_matches('"'));
        }
    }
    let name_and_values = |(name, values): (&&str, &BTreeSet<&str>)| {
        // An outcome has many values, which docs/errors.md and sql/README.md list.
        let few = if *name == "outcome" { String::new() } else { format!(": {}", values.iter().copied().collect::<Vec<_>>().join(", ")) };
        format!("`{name}`{few}")
    };
    values.iter().map(name_and_values).collect::<Vec<_>>().join("; ")
}
