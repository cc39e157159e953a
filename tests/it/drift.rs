//! Generated files that are committed: tests compare them, `ROWLOCK_BLESS=1` rewrites them.

use std::path::{Path, PathBuf};

/// A path below the project's root.
pub fn in_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Whether files are to be written instead of compared.
pub fn blessing() -> bool {
    std::env::var("ROWLOCK_BLESS").is_ok_and(|value| value == "1")
}

/// The file must be equal to `now`; `remedy` is the command that writes it.
#[track_caller]
pub fn assert_up_to_date(path: &str, now: &str, remedy: &str) {
    let file = in_project(path);
    if blessing() {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("the folder can be made");
        std::fs::write(&file, now).unwrap_or_else(|error| panic!("{path}: {error}"));
        return;
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    if kept == now {
        return;
    }
    let line = kept.lines().zip(now.lines()).take_while(|(kept, now)| kept == now).count();
    let around = |text: &str| text.lines().skip(line.saturating_sub(2)).take(6).collect::<Vec<_>>().join("\n");
    panic!(
        "{path} is out of date from line {}; `{remedy}` writes it anew.\nIt says:\n{}\nbut now:\n{}",
        line + 1,
        around(&kept),
        around(now)
    );
}
