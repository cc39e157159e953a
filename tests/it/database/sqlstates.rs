//! SQL, Rust and `sql/README.md` agree on what each SQLSTATE means.

use std::collections::BTreeSet;

use pretty_assertions::assert_eq;
use rowlock::db::Rule;

use super::functions::sql_files;
use crate::drift::in_project;

#[test]
fn the_readme_lists_the_rules_of_the_server() {
    let readme = std::fs::read_to_string(in_project("sql/README.md")).expect("a text");
    let listed: Vec<(String, String, u16)> = readme
        .lines()
        .filter(|line| line.starts_with("| RL"))
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            (cells[1].to_owned(), cells[2].to_owned(), cells[3].parse().expect("an HTTP status"))
        })
        .collect();
    let rules: Vec<_> = Rule::ALL.iter().map(|rule| (rule.sqlstate().to_owned(), rule.code().to_owned(), rule.http_status())).collect();
    assert_eq!(listed, rules);
}

#[test]
fn functions_raise_only_what_the_server_knows() {
    let known: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.sqlstate().to_owned()).collect();
    assert_eq!(known.len(), Rule::ALL.len(), "two rules share a SQLSTATE");
    let mut raised = 0;
    for file in sql_files("functions").into_iter().chain(sql_files("admin")) {
        let mentioned: BTreeSet<String> = file.text.match_indices("RL").filter_map(|(at, _)| sqlstate(&file.text[at..])).collect();
        let unknown: Vec<_> = mentioned.difference(&known).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?} stand in no table", file.name);
        let raises = file.text.lines().filter(|line| !line.trim_start().starts_with("--") && line.contains("errcode"));
        for line in raises {
            assert!(line.find("RL").and_then(|at| sqlstate(&line[at..])).is_some(), "{}: an SQLSTATE of another class: {line}", file.name);
            raised += 1;
        }
    }
    assert!(raised > 0, "no function raises anything: this test reads the wrong files");
}

/// psql shows the message and the API the code: both must use the same word for the same rule.
#[test]
fn functions_raise_the_word_that_the_api_answers() {
    let mut compared = 0;
    for file in sql_files("functions").into_iter().chain(sql_files("admin")) {
        for raise in file.text.split("errcode").skip(1) {
            let state = raise.find("RL").and_then(|at| sqlstate(&raise[at..])).unwrap_or_else(|| panic!("{}: no SQLSTATE", file.name));
            let message = raise.split_once("message = '").and_then(|(_, rest)| rest.split_once('\'')).map(|(message, _)| message);
            let rule = Rule::ALL.iter().copied().find(|rule| rule.sqlstate() == state).unwrap_or_else(|| panic!("{}: {state}", file.name));
            // An assertion that failed says which one; clients are not told.
            let word = if rule == Rule::Inconsistent { "inconsistent" } else { rule.code() };
            assert_eq!(message, Some(word), "{}: {state}", file.name);
            compared += 1;
        }
    }
    assert!(compared > 10, "{compared} messages compared");
}

/// `RL` and three digits, at the beginning of the text.
fn sqlstate(text: &str) -> Option<String> {
    let state = text.get(..5)?;
    state[2..].bytes().all(|byte| byte.is_ascii_digit()).then(|| state.to_owned())
}
