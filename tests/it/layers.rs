//! `docs/architecture.md` is true. Its table of layers: what a file of the server uses from elsewhere stands further down, so that no two
//! parts of the server use each other, nor any in a circle. Its directions: every file and folder that it names exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pretty_assertions::assert_eq;

use crate::drift::in_project;

fn page() -> String {
    std::fs::read_to_string(in_project("docs/architecture.md")).expect("the page")
}

/// For each part of the server, a file or a folder of `src/`, the line of the table that it stands in.
fn layers() -> BTreeMap<String, usize> {
    let mut layers = BTreeMap::new();
    for (line, row) in page().lines().enumerate().filter(|(_, row)| row.starts_with("| `src/")) {
        for name in row.split('|').nth(1).expect("a cell").split('`').filter_map(|word| word.strip_prefix("src/")) {
            let earlier = layers.insert(name.trim_end_matches(".rs").trim_end_matches('/').to_owned(), line);
            assert_eq!(earlier, None, "src/{name} is in two layers");
        }
    }
    layers
}

/// The modules of every file below the folder, and its text without tests.
fn sources(folder: &Path, modules: &[String], found: &mut Vec<(Vec<String>, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        if name == "tests" || !(is_rust || path.is_dir()) {
            continue;
        }
        let modules: Vec<_> = modules.iter().cloned().chain((name != "mod").then_some(name)).collect();
        if path.is_dir() {
            sources(&path, &modules, found);
        } else {
            let text = std::fs::read_to_string(&path).expect("a source");
            let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            found.push((modules, product.to_owned()));
        }
    }
}

/// The parts of the server that a file with these modules uses, its own included.
fn used(modules: &[String], text: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        used.extend(line.split("crate::").skip(1).map(name));
        let mut rest = line;
        while let Some(at) = rest.find("super::") {
            let path = &rest[at..];
            let item = path.trim_start_matches("super::");
            if (path.len() - item.len()) / "super::".len() >= modules.len() {
                used.insert(name(item));
            }
            rest = item;
        }
    }
    used
}

/// The name that a text begins with.
fn name(text: &str) -> String {
    let name: String = text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect();
    assert!(!name.is_empty(), "a `use` of the crate's root names one part of the server: {text}");
    name
}

#[test]
fn the_server_uses_only_what_stands_further_down() {
    let (layers, mut files, mut uses) = (layers(), Vec::new(), 0);
    sources(&in_project("src"), &[], &mut files);
    files.retain(|(modules, _)| !["lib", "main"].contains(&modules[0].as_str()));
    let parts: BTreeSet<_> = files.iter().map(|(modules, _)| &modules[0]).collect();
    assert_eq!(layers.keys().collect::<BTreeSet<_>>(), parts, "what the table names, and what src/ has");
    for (modules, text) in &files {
        for part in used(modules, text).into_iter().filter(|part| *part != modules[0]) {
            let line = layers.get(&part).unwrap_or_else(|| panic!("{} uses {part}, which is no part of src/", modules.join("/")));
            assert!(*line > layers[&modules[0]], "src/{} uses {part}, which does not stand below it", modules.join("/"));
            uses += 1;
        }
    }
    assert!(uses > 200, "{uses} uses seen");
}

/// The paths of all files and folders below the folder; those of folders end with a slash.
fn paths(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        found.push(format!("{}{}", path.display(), if path.is_dir() { "/" } else { "" }));
        if path.is_dir() {
            paths(&path, found);
        }
    }
}

#[test]
fn whatever_the_page_names_exists() {
    let (page, mut found, mut seen) = (page(), Vec::new(), 0);
    for folder in ["src", "lab", "sql", "tests"] {
        found.push(format!("{}/", in_project(folder).display()));
        paths(&in_project(folder), &mut found);
    }
    found.push(format!("{}/", in_project("openapi").display()));
    for name in page.split('`').filter(|word| word.len() > 1 && [".rs", ".sql", "/"].iter().any(|end| word.ends_with(end))) {
        assert!(found.iter().any(|path| path.ends_with(&format!("/{name}"))), "there is no {name}");
        seen += 1;
    }
    assert!(seen > 60, "{seen} names seen");
}

#[test]
fn uses_are_recognised_however_they_are_written() {
    let text = "use crate::db::Db;\n// use crate::web::Page;\nfn f(_: crate::lanes::Lane) -> super::super::config::Log { super::g(); }";
    let modules = ["http".to_owned(), "body".to_owned()];
    assert_eq!(used(&modules, text).into_iter().collect::<Vec<_>>(), ["config", "db", "lanes"]);
    assert_eq!(used(&modules, "use super::{Aged, Kept};"), BTreeSet::new(), "within http");
    assert_eq!(used(&modules[..1], "use super::budget::Share;").into_iter().collect::<Vec<_>>(), ["budget"]);
}
