//! A temporary directory for a test.

use std::path::{Path, PathBuf};

use uuid::Uuid;

/// A new directory, removed when this is dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Creates it where any account may enter, because PostgreSQL's must.
    pub fn new() -> Self {
        let dir = std::env::temp_dir().join(format!("rowlock-test-{}", Uuid::now_v7().simple()));
        std::fs::create_dir_all(&dir).expect("a new directory");
        Self(dir)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file into it and returns its path.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file in the scratch directory");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
