//! What the files of a crate use of each other, read from their texts.

use std::collections::{BTreeMap, BTreeSet};

use pretty_assertions::assert_eq;

/// The names of a module and of those around it, from the crate's root.
type Path = Vec<String>;

/// What a file with these modules uses of its own crate: paths from the crate's root.
pub fn paths_used(modules: &[String], text: &str) -> Vec<Path> {
    let code: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let (code, mut paths) = (code.join("\n"), Vec::new());
    for (word, around) in [("crate::", &[][..]), ("super::", &modules[..modules.len() - 1])] {
        for (at, _) in code.match_indices(word) {
            if !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':') {
                read_paths(&code[at + word.len()..], around.to_vec(), &mut paths);
            }
        }
    }
    paths
}

/// The paths that a text begins with, after `around`: one, or several in braces.
fn read_paths(text: &str, mut around: Path, paths: &mut Vec<Path>) {
    if let Some(list) = text.strip_prefix('{') {
        let (mut depth, mut begin) = (0, 0);
        for (at, character) in list.char_indices() {
            if depth == 0 && matches!(character, ',' | '}') {
                read_paths(list[begin..at].trim_start(), around.clone(), paths);
                begin = at + 1;
            }
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => return,
                '}' => depth -= 1,
                _ => {}
            }
        }
        return;
    }
    let rest = text.trim_start_matches(|character: char| character.is_alphanumeric() || character == '_');
    match &text[..text.len() - rest.len()] {
        "" => {}
        "super" => drop(around.pop()),
        name => around.push(name.to_owned()),
    }
    match rest.strip_prefix("::") {
        Some(rest) if text.len() > rest.len() + 2 => read_paths(rest, around, paths),
        _ if around.is_empty() => {}
        _ => paths.push(around),
    }
}

/// Each use of one child of a module by another child of it: the module, and the two names.
pub fn uses_of_neighbours(files: &[(Path, String)]) -> BTreeSet<(Path, String, String)> {
    let modules: BTreeSet<_> = files.iter().map(|(modules, _)| modules.as_slice()).collect();
    let is_module = |path: &[String]| modules.iter().any(|module| module.starts_with(path));
    // What a module hands on from its children is theirs.
    let mut handed_on = BTreeMap::new();
    for (modules, text) in files {
        for (at, _) in text.match_indices("use ") {
            let path = text[at + 4..].trim_start_matches("self::");
            let mut paths = Vec::new();
            read_paths(path, modules.clone(), &mut paths);
            for path in paths.into_iter().filter(|path| path.len() == modules.len() + 2 && is_module(&path[..modules.len() + 1])) {
                handed_on.insert([modules.as_slice(), &path[modules.len() + 1..]].concat(), path[modules.len()].clone());
            }
        }
    }
    let mut uses = BTreeSet::new();
    for (modules, text) in files {
        for mut path in paths_used(modules, text) {
            let common = modules.iter().zip(&path).take_while(|(one, other)| one == other).count();
            if common == path.len() {
                continue;
            }
            if !is_module(&path[..=common])
                && let Some(child) = handed_on.get(&path[..=common])
            {
                path[common].clone_from(child);
            }
            if common < modules.len() && path[common] != modules[common] && is_module(&path[..=common]) {
                uses.insert((modules[..common].to_vec(), modules[common].clone(), path[common].clone()));
            }
        }
    }
    uses
}

/// Those uses that are part of a circle, or lie between two.
pub fn in_circles(mut uses: BTreeSet<(Path, String, String)>) -> BTreeSet<(Path, String, String)> {
    loop {
        let before = uses.len();
        let all = uses.clone();
        let uses_others = |module: &Path, name: &String| all.iter().any(|(of, user, _)| (of, user) == (module, name));
        let is_used = |module: &Path, name: &String| all.iter().any(|(of, _, used)| (of, used) == (module, name));
        uses.retain(|(module, user, used)| is_used(module, user) && uses_others(module, used));
        if uses.len() == before {
            return uses;
        }
    }
}

#[test]
fn uses_are_recognised_however_they_are_written() {
    let path = |path: &str| path.split("::").map(str::to_owned).collect::<Path>();
    let text = "use crate::db::{Db, pool::{self, Pool}};\n// use crate::web::Page;\nfn f(_: crate::lanes::Lane) -> super::super::config::Log { super::g(); }";
    let mut used = paths_used(&path("http::body"), text);
    used.sort();
    let expected = ["config::Log", "db::Db", "db::pool::Pool", "db::pool::self", "http::g", "lanes::Lane"];
    assert_eq!(used, expected.map(path));
    assert_eq!(paths_used(&path("http"), "use super::budget::Share;"), [path("budget::Share")]);
}

#[test]
fn circles_are_found_also_through_what_a_module_hands_on() {
    let file = |modules: &str, text: &str| (modules.split("::").map(str::to_owned).collect::<Path>(), text.to_owned());
    let mut files = vec![
        file("rush", "mod phases;\nmod report;\npub use self::{phases::Phase, report::Report};"),
        file("rush::phases", "use super::Report;"),
        file("rush::report", "use super::words::Word;"),
        file("rush::words", ""),
    ];
    let uses = uses_of_neighbours(&files);
    assert_eq!((uses.len(), in_circles(uses)), (2, BTreeSet::new()));
    files[3].1 = "fn word(_: crate::rush::phases::Phase) {}".to_owned();
    assert_eq!(in_circles(uses_of_neighbours(&files)).len(), 3);
}
