//! Every code block of README.md and of `docs/`, tested exactly as written. A block that no test knows fails.

mod blocks;
mod production;
mod quick_start;

use std::collections::BTreeSet;

use clap::{Command, Subcommand};
use rowlock::commands::Command as Rowlock;
use rowlock_lab::commands::Command as Lab;

use self::blocks::{Block, Kind};
use crate::database::functions::sql_files;
use crate::drift::in_project;
use crate::harness::TestDatabase;

const DOCUMENTS: [&str; 3] = ["README.md", "docs/operations.md", "docs/integration.md"];
/// Pages of which only the links are tested here.
const OTHER_PAGES: [&str; 7] = [
    "docs/architecture.md",
    "docs/errors.md",
    "docs/security.md",
    "BENCHMARKS.md",
    "CONTRIBUTING.md",
    "openapi/README.md",
    "sql/README.md",
];

fn read(path: &str) -> String {
    std::fs::read_to_string(in_project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The blocks of one kind in the README, under a heading.
fn readme_block(kind: Kind, heading: &str) -> Vec<Block> {
    let found: Vec<_> = blocks::of(&read("README.md")).into_iter().filter(|block| block.kind == kind && block.heading == heading).collect();
    assert!(!found.is_empty(), "README.md has no block of kind {kind:?} under {heading}");
    found
}

#[test]
fn every_block_is_of_a_kind_that_a_test_knows() {
    let mut headings = BTreeSet::new();
    for path in DOCUMENTS {
        for block in blocks::of(&read(path)) {
            let unchecked =
                block.kind == Kind::Unknown || path != "README.md" && block.commands().iter().any(|line| line.starts_with("curl "));
            assert!(!unchecked, "{path}, {}: nobody checks this block:\n{}", block.heading, block.text);
            headings.insert((path, block.kind, block.heading));
        }
    }
    // The blocks that are run are under the headings that the tests below use.
    let run: Vec<_> = headings.iter().filter(|(path, _, _)| *path == "README.md").collect();
    let expected = [
        (Kind::Shell, "Running it in production"),
        (Kind::Shell, "The rush"),
        (Kind::Shell, "Try it by hand"),
        (Kind::Shell, "Two commands"),
        (Kind::Sql, "From psql"),
        (Kind::Diagram, "How a seat is sold"),
    ];
    assert_eq!(run.iter().map(|(_, kind, heading)| (*kind, heading.as_str())).collect::<Vec<_>>(), expected);
}

#[test]
fn every_target_of_make_exists() {
    let targets = read("Makefile");
    let mut seen = 0;
    for path in DOCUMENTS {
        let text = read(path);
        let words = text.split(['`', '\n']).map(str::trim_start);
        for target in words.filter_map(|word| word.strip_prefix("make ")?.split_whitespace().next()) {
            assert!(targets.lines().any(|line| line.starts_with(&format!("{target}:"))), "{path}: make {target} does not exist");
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen} targets seen");
}

#[test]
fn every_line_that_begins_with_rowlock_is_one_that_it_understands() {
    let mut seen = 0;
    for path in DOCUMENTS {
        for line in blocks::of(&read(path)).iter().filter(|block| block.kind == Kind::Shell).flat_map(Block::commands) {
            let lab = ["demo", "rush", "bench"].into_iter().find_map(|command| {
                let arguments = line.strip_prefix(&format!("make {command} ARGS="))?;
                Some(format!("rowlock-lab {command} {}", blocks::words(arguments).join(" ")))
            });
            let line = lab.unwrap_or(line);
            let Some((program, rest)) = line.split_once(' ').filter(|(program, _)| program.starts_with("rowlock")) else { continue };
            let words = blocks::words(rest);
            // What the environment provides in practice.
            let needed: &[&str] = match words[0].as_str() {
                "serve" => &["--database-url", "postgres://x", "--webhook-secret", "whsec_x"],
                "migrate" | "api-key" => &["--database-url", "postgres://x"],
                _ => &[],
            };
            let words = std::iter::once(program).chain(words.iter().map(String::as_str)).chain(needed.iter().copied());
            let cli = match program {
                "rowlock" => Rowlock::augment_subcommands(Command::new("rowlock")),
                "rowlock-lab" => Lab::augment_subcommands(Command::new("rowlock-lab")),
                other => panic!("{path}: {other} is no program of ours"),
            };
            match cli.try_get_matches_from(words) {
                Err(error) if error.kind() != clap::error::ErrorKind::DisplayHelp => panic!("{path}: {line}: {error}"),
                _ => seen += 1,
            }
        }
    }
    assert!(seen >= 8, "{seen} lines seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_setting_of_postgresql_is_one_that_it_has() {
    let (database, mut seen) = (TestDatabase::empty().await, 0);
    let db = database.connect().await;
    for path in DOCUMENTS {
        for block in blocks::of(&read(path)).iter().filter(|block| block.kind == Kind::Settings) {
            for line in block.text.lines() {
                let (name, _) = line.split_once(" = ").unwrap_or_else(|| panic!("{path}: {line} sets nothing"));
                let known: i64 =
                    db.query_one("select count(*) from pg_settings where name = $1", &[&name]).await.expect("an answer").get(0);
                assert_eq!(known, 1, "{path}: PostgreSQL has no setting {name}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 3, "{seen} settings seen");
}

#[test]
fn the_diagram_names_functions_that_exist() {
    let diagram = &readme_block(Kind::Diagram, "How a seat is sold")[0];
    assert!(diagram.text.starts_with("sequenceDiagram\n"), "{}", diagram.text);
    let calls: Vec<_> = diagram.text.lines().filter_map(|line| line.trim().strip_prefix("S->>P: ")).collect();
    assert!(calls.len() >= 3, "{calls:?}");
    for call in calls {
        let function = call.split(':').next().unwrap_or_default();
        assert!(sql_files("functions").iter().any(|file| file.name == function), "{function} is no stored function");
    }
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    let mut seen = 0;
    for path in DOCUMENTS.into_iter().chain(OTHER_PAGES) {
        let text = read(path);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = in_project(path).parent().expect("a folder").join(file);
            assert!(file.is_empty() || target.exists(), "{path} links to {file}, which does not exist");
            let target = if file.is_empty() { text.clone() } else { std::fs::read_to_string(&target).unwrap_or_default() };
            assert!(anchor.is_empty() || has_anchor(&target, anchor), "{path} links to {link}, which has no such heading");
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen} links seen");
}

fn has_anchor(text: &str, anchor: &str) -> bool {
    let slug = |heading: &str| {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        kept.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character)).collect::<String>().replace(' ', "-")
    };
    text.contains(&format!("id=\"{anchor}\"")) || text.lines().filter(|line| line.starts_with('#')).any(|line| slug(line) == anchor)
}
