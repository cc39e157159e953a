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
        let mut names: Vec<_> = fs::read_dir(Path::new(&root).join("sql").join(folder))
            .expect("sql/ has its folders")
            .map(|entry| entry.expect("readable").file_name().into_string().expect("a UTF-8 name"))
            .filter(|name| name.ends_with(".sql"))
            .collect();
        names.sort();
        for name in names {
            let path = format!("{folder}/{name}");
            let file = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?})", format!("/sql/{path}"));
            writeln!(list, "    SqlFile {{ path: {path:?}, text: include_str!({file}) }},").expect("a string takes all");
        }
    }
    list.push(']');
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("sql_files.rs"), list).expect("OUT_DIR is writable");
}
