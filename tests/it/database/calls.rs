//! Calls of our functions name their arguments: two swapped arguments of the same type would otherwise go unnoticed.

use std::path::Path;

use super::functions::sql_files;
use crate::drift::in_project;

/// The most arguments that may be positional.
const POSITIONAL_MAX: usize = 3;

/// A call of one of our functions, as written.
struct Call {
    function: String,
    arguments: Vec<String>,
}

impl Call {
    fn names_its_arguments(&self) -> bool {
        self.arguments.len() <= POSITIONAL_MAX || self.arguments.iter().all(|argument| argument.contains("=>"))
    }
}

#[test]
fn calls_with_more_than_three_arguments_name_them() {
    let mut sources: Vec<(String, String)> = Vec::new();
    for file in sql_files("functions").into_iter().chain(sql_files("admin")) {
        sources.push((file.path, without_comments_and_quotes(&file.text)));
    }
    // Operators copy what the documents show.
    for path in ["README.md", "sql/README.md", "docs/operations.md", "docs/integration.md", "docs/security.md"] {
        let text = std::fs::read_to_string(in_project(path)).expect("a document");
        let shown = text.split("```sql").skip(1).filter_map(|block| block.split("```").next());
        sources.extend(shown.map(|sql| (path.to_owned(), without_comments_and_quotes(sql))));
    }
    for folder in ["src", "lab/src"] {
        rust_sources(&in_project(folder), &mut sources);
    }
    let mut named = 0;
    for (path, text) in sources {
        for call in calls(&text) {
            assert!(call.names_its_arguments(), "{path}: {} is called by position: {:?}", call.function, call.arguments);
            named += usize::from(call.arguments.len() > POSITIONAL_MAX);
        }
    }
    assert!(named > 70, "only {named} calls with named arguments: this test reads the wrong files");
}

fn rust_sources(folder: &Path, sources: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push((path.display().to_string(), std::fs::read_to_string(&path).expect("a text")));
        }
    }
}

/// The calls of functions of `rowlock` and `admin`, without definitions, comments and grants.
fn calls(text: &str) -> Vec<Call> {
    let starts = ["rowlock.", "admin."].iter().flat_map(|schema| text.match_indices(schema));
    starts.filter_map(|(at, schema)| call(&text[..at], &text[at..], schema.len())).collect()
}

fn call(before: &str, text: &str, schema_len: usize) -> Option<Call> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let end = schema_len + text[schema_len..].find(|character| !is_word(character))?;
    let is_called = text[end..].starts_with('(') && !before.ends_with(is_word);
    let word_before = before.trim_end().rsplit(|character| !is_word(character)).next().unwrap_or_default();
    if !is_called || ["function", "into", "table"].contains(&word_before) {
        return None;
    }
    Some(Call { function: text[..end].to_owned(), arguments: arguments(&text[end + 1..]) })
}

/// The text between the commas, up to the parenthesis that closes the call.
fn arguments(text: &str) -> Vec<String> {
    let mut arguments = vec![String::new()];
    let mut depth = 0;
    for character in text.chars() {
        match character {
            ')' | ']' if depth == 0 => break,
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        arguments.last_mut().expect("one at least").push(character);
    }
    arguments.iter().map(|argument| argument.trim().to_owned()).collect()
}

/// SQL with its comments and quoted texts blanked out.
fn without_comments_and_quotes(sql: &str) -> String {
    let mut kept = String::new();
    let mut rest = sql;
    while let Some(at) = rest.find("--").into_iter().chain(rest.find('\'')).min() {
        kept.push_str(&rest[..at]);
        let (opening, closing) = if rest[at..].starts_with("--") { (2, "\n") } else { (1, "'") };
        let inside = &rest[at + opening..];
        rest = inside.find(closing).map_or("", |end| &inside[end + closing.len()..]);
        kept.push(' ');
    }
    kept + rest
}

#[test]
fn a_call_by_position_is_noticed() {
    let found = |sql: &str| calls(&without_comments_and_quotes(sql)).iter().filter(|call| !call.names_its_arguments()).count();
    assert_eq!(found("select rowlock.claim(1, array[2, 3], f(4, 5), 'a, b')"), 1);
    assert_eq!(found("select rowlock.claim(a => 1, b => 2, c => 3, d => rowlock.settle(1, 2, 3, 4))"), 1);
    assert_eq!(found("select rowlock.claim(a => 1, b => 2, c => 3, 4)"), 1);
    for fine in [
        "select rowlock.claim(1, array[2, 3], f(4, 5, 6, 7))",
        "select rowlock.claim(a => 1, b => 2, c => 3, d => 4)",
        "create or replace function rowlock.claim(a integer, b integer, c integer, d integer) returns void",
        "-- select rowlock.claim(1, 2, 3, 4)",
        "insert into rowlock.orders (a, b, c, d) values (1, 2, 3, 4)",
        "select 'rowlock.claim(1, 2, 3, 4)'",
    ] {
        assert_eq!(found(fine), 0, "{fine}");
    }
}
