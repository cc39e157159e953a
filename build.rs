//! Lists the function and view files below `sql/`, so that the binary carries each of them and misses no new one.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    println!("cargo:rerun-if-changed=sql");
    // Checkouts that share a build folder share what this writes: so it names no checkout, and is written anew when its own is gone.
    println!("cargo:rerun-if-changed={root}/sql");
    let mut list = String::from("&[\n");
    // Views read what functions answer, so functions come first.
    for folder in ["functions", "admin"] {
        let mut paths = sql_files(&Path::new(&root).join("sql"), folder);
        paths.sort();
        for path in paths {
            let file = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?})", format!("/sql/{path}"));
            writeln!(list, "    SqlFile {{ path: {path:?}, text: include_str!({file}) }},").expect("a string takes all");
        }
    }
    list.push(']');
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("sql_files.rs"), list).expect("OUT_DIR is writable");
}

/// The paths below `sql` of the files in `folder` and its subfolders.
fn sql_files(sql: &Path, folder: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(sql.join(folder)).expect("sql/ has its folders") {
        let entry = entry.expect("readable");
        let path = format!("{folder}/{}", entry.file_name().into_string().expect("a UTF-8 name"));
        if entry.path().is_dir() {
            paths.extend(sql_files(sql, &path));
        } else if path.ends_with(".sql") {
            paths.push(path);
        }
    }
    paths
}
