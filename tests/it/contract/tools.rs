//! The programs that `.ci/clients` installs next to the document.

use std::path::PathBuf;

use crate::drift::in_project;

/// Where one of them is.
///
/// # Panics
/// When it is not installed.
pub fn tool(path: &str) -> PathBuf {
    let tool = in_project("openapi").join(path);
    assert!(tool.exists(), "openapi/{path} is missing: run .ci/clients");
    tool
}
