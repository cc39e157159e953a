//! `docs/architecture.md` is true. Its table of layers: what a file of the server uses from elsewhere stands further down, so that no parts
//! of the server use each other in a circle; within a part, and in the lab, no neighbours do. Its directions: every file and folder that it
//! names exists.

mod uses;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pretty_assertions::assert_eq;

use crate::drift::in_project;
use uses::{in_circles, paths_used, uses_of_neighbours};

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

#[test]
fn the_server_uses_only_what_stands_further_down() {
    let (layers, mut files, mut uses) = (layers(), Vec::new(), 0);
    sources(&in_project("src"), &[], &mut files);
    files.retain(|(modules, _)| !["lib", "main"].contains(&modules[0].as_str()));
    let parts: BTreeSet<_> = files.iter().map(|(modules, _)| &modules[0]).collect();
    assert_eq!(layers.keys().collect::<BTreeSet<_>>(), parts, "what the table names, and what src/ has");
    for (modules, text) in &files {
        let used: BTreeSet<_> = paths_used(modules, text).into_iter().map(|mut path| path.swap_remove(0)).collect();
        for part in used.into_iter().filter(|part| *part != modules[0]) {
            let line = layers.get(&part).unwrap_or_else(|| panic!("{} uses {part}, which is no part of src/", modules.join("/")));
            assert!(*line > layers[&modules[0]], "src/{} uses {part}, which does not stand below it", modules.join("/"));
            uses += 1;
        }
    }
    assert!(uses > 200, "{uses} uses seen");
}

/// How an answer looks in the API is said in `api/`; of all below, only `domain/named.rs` has names for it.
#[test]
fn the_database_redis_and_the_domain_know_nothing_of_the_framework() {
    let mut files = Vec::new();
    for folder in ["src/db", "src/redis", "src/domain"] {
        sources(&in_project(folder), &[], &mut files);
    }
    assert!(files.len() > 25, "{} files", files.len());
    let using: Vec<_> = files
        .iter()
        .filter(|(_, text)| text.contains("poem") || text.contains("crate::types"))
        .map(|(modules, _)| modules.join("/"))
        .collect();
    assert_eq!(using, ["named"]);
}

/// A file and its submodules are one thing; two files of a folder, or two folders, must not use each other.
#[test]
fn no_neighbours_use_each_other_in_a_circle() {
    for (root, uses_min) in [("src", 200), ("lab/src", 50)] {
        let mut files = Vec::new();
        sources(&in_project(root), &[], &mut files);
        let uses = uses_of_neighbours(&files);
        assert!(uses.len() > uses_min, "{} uses seen in {root}", uses.len());
        assert_eq!(in_circles(uses), BTreeSet::new(), "circles in {root}");
    }
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
