//! The table is complete and consistent.

use poem_openapi::types::ToJSON;

use super::*;
use crate::db::Rule;

#[test]
fn codes_are_distinct_and_sorted_by_status() {
    let mut names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert!(Code::ALL.is_sorted_by_key(|code| code.status()));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Code::ALL.len());
}

#[test]
fn a_code_is_documented_and_written_under_its_own_name() {
    for code in Code::ALL {
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        assert_eq!(code.to_json().unwrap(), code.as_str());
    }
}

#[test]
fn every_code_comes_with_advice_in_whole_sentences() {
    for code in Code::ALL {
        let texts = [Some(code.meaning()), Some(code.advice()), code.for_buyers()];
        for text in texts.into_iter().flatten() {
            assert!(text.len() > 10 && text.ends_with('.'), "{}: {text}", code.as_str());
            // Pages and Markdown show the text between two backticks as code, and a bar would end a table cell.
            assert!(text.matches('`').count().is_multiple_of(2) && !text.contains('|'), "{}: {text}", code.as_str());
        }
    }
}

#[test]
fn what_the_server_could_not_do_is_worth_another_try_and_says_when() {
    // 501 is the client's mistake, but HTTP has no other status for it.
    let failures = |code: &&Code| code.status().is_server_error() && **code != Code::UnsupportedTransferCoding;
    for code in Code::ALL.iter().filter(failures) {
        assert_eq!(code.retry(), Retry::Later, "{}", code.as_str());
    }
    for code in [Code::Cooldown, Code::TooManyRequests, Code::Overloaded, Code::Unavailable] {
        assert!(code.advice().contains("`Retry-After`"), "{}", code.as_str());
    }
}

#[test]
fn every_rule_of_the_database_has_its_code_with_the_same_status() {
    for rule in Rule::ALL.iter().copied().filter(|rule| *rule != Rule::ApiKeyNotFound) {
        let code = Code::from_name(rule.code()).unwrap_or_else(|| panic!("no code {}", rule.code()));
        assert_eq!(code.status().as_u16(), rule.http_status(), "{}", rule.code());
    }
}
