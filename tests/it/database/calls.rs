//! Calls of our functions name their arguments: two swapped arguments of the same type would otherwise go unnoticed.

use std::path::Path;

use crate::drift::in_project;

/// Where our functions are called from. Operators copy what the documents show.
const WRITTEN_IN: [&str; 13] = [
    "README.md",
    "sql/README.md",
    "docs/operations.md",
    "docs/integration.md",
    "docs/security.md",
    "sql/functions",
    "sql/admin",
    "src",
    "lab",
    "tests",
    "openapi/examples",
    "openapi/generators",
    ".ci",
];
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
    let mut sources = Vec::new();
    for place in WRITTEN_IN {
        read(&in_project(place), &mut sources);
    }
    let mut named = 0;
    for (path, text) in sources {
        for call in calls(&text) {
            assert!(call.names_its_arguments(), "{path}: {} is called by position: {:?}", call.function, call.arguments);
            named += usize::from(call.arguments.len() > POSITIONAL_MAX);
        }
    }
    assert!(named > 100, "only {named} calls with named arguments: this test reads the wrong files");
}

/// Adds the texts at a path, each with its path: of files with SQL only the SQL, of programs everything.
fn read(path: &Path, sources: &mut Vec<(String, String)>) {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).expect("the folder").map(|entry| entry.expect("an entry").path());
        let is_installed = |path: &Path| path.ends_with("node_modules") || path.ends_with("target");
        entries.filter(|path| !is_installed(path)).for_each(|path| read(&path, sources));
        return;
    }
    let text = String::from_utf8_lossy(&std::fs::read(path).expect("a file")).into_owned();
    let path = path.display().to_string();
    if path.ends_with(".md") {
        let shown = text.split("```sql").skip(1).filter_map(|block| block.split("```").next());
        sources.extend(shown.map(|sql| (path.clone(), without_comments_and_quotes(sql))));
    } else if path.ends_with(".sql") {
        sources.push((path, without_comments_and_quotes(&text)));
    } else {
        sources.push((path, text));
    }
}

/// The calls of functions of `rowlock` and `admin`, without definitions, comments and grants.
fn calls(text: &str) -> Vec<Call> {
    let starts = ["rowlock.", "admin."].iter().flat_map(|schema| text.match_indices(schema));
    starts.filter_map(|(at, schema)| call(&text[..at], &text[at..], schema.len())).collect()
}

fn call(before: &str, text: &str, schema_len: usize) -> Option<Call> {
    // Braces: a program may fill in the name.
    let is_word = |character: char| character.is_alphanumeric() || "_{}".contains(character);
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
    let (mut depth, mut is_quoted) = (0, false);
    for character in text.chars() {
        is_quoted ^= character == '\'';
        match character {
            _ if is_quoted => {}
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
    // This file is read, too: so the schema has another name in what follows.
    let in_program = |text: &str| calls(&text.replace('@', "rowlock.")).iter().filter(|call| !call.names_its_arguments()).count();
    let in_sql = |sql: &str| in_program(&without_comments_and_quotes(sql));
    assert_eq!(in_sql("select @claim(1, array[2, 3], f(4, 5), 'a, b')"), 1);
    assert_eq!(in_sql("select @claim(a => 1, b => 2, c => 3, d => @settle(1, 2, 3, 4))"), 1);
    assert_eq!(in_sql("select @claim(a => 1, b => 2, c => 3, 4)"), 1);
    assert_eq!(in_program(r#"format!("select @{function}($1, 'A 1, B 2', $2, $3)")"#), 1);
    assert_eq!(in_program(r#"db.execute("select @claim(1, 'A 1, B (2', $1)", &[&3, &4])"#), 0);
    for fine in [
        "select @claim(1, array[2, 3], f(4, 5, 6, 7))",
        "select @claim(a => 1, b => 2, c => 3, d => 4)",
        "create or replace function @claim(a integer, b integer, c integer, d integer) returns void",
        "-- select @claim(1, 2, 3, 4)",
        "insert into @orders (a, b, c, d) values (1, 2, 3, 4)",
        "select '@claim(1, 2, 3, 4)'",
    ] {
        assert_eq!(in_sql(fine), 0, "{fine}");
    }
}
