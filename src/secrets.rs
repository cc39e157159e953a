//! Settings that are secrets: they may be in a file, instead of the environment.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// More than any secret has.
const FILE_MAX_BYTES: usize = 65_536;

/// A secret that may be given directly or in a file, which `flag` names.
///
/// # Errors
/// When the file cannot be read or holds no text.
pub(crate) fn given(direct: Option<&String>, file: Option<&PathBuf>, flag: &str) -> anyhow::Result<Option<String>> {
    match (direct, file) {
        (Some(direct), _) => Ok(Some(direct.clone())),
        (None, Some(file)) => read(file).with_context(|| format!("cannot read the secret in {} ({flag})", file.display())).map(Some),
        (None, None) => Ok(None),
    }
}

/// The text of a file without the line break at its end, which editors add.
fn read(file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file)?;
    ensure!(bytes.len() <= FILE_MAX_BYTES, "it has {} bytes, which is no secret", bytes.len());
    let text = String::from_utf8(bytes).ok().context("it is not UTF-8")?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    ensure!(!text.is_empty(), "it is empty");
    ensure!(!text.contains(['\n', '\r']), "it has several lines; the secret must be its only one");
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_one_line() {
        let file = std::env::temp_dir().join(format!("rowlock-secret-{}", uuid::Uuid::now_v7()));
        let read = |bytes: &[u8]| {
            std::fs::write(&file, bytes).unwrap();
            given(None, Some(&file), "--x-file").map_err(|error| format!("{error:#}"))
        };
        for good in ["hunter2", "hunter2\n", "hunter2\r\n"] {
            assert_eq!(read(good.as_bytes()), Ok(Some("hunter2".to_owned())));
        }
        assert_eq!(read(b" a b "), Ok(Some(" a b ".to_owned())), "blanks belong to it");
        for (bad, said) in [(&b""[..], "it is empty"), (b"\n", "it is empty"), (b"hunter2\nx", "several lines"), (b"\xff", "not UTF-8")] {
            let error = read(bad).unwrap_err();
            assert!(error.contains(said) && error.contains("--x-file") && !error.contains("hunter2"), "{error}");
        }
        assert!(read(&[b'x'; FILE_MAX_BYTES + 1]).unwrap_err().contains("65537 bytes"));
        std::fs::remove_file(&file).unwrap();
        assert!(given(None, Some(&file), "--x-file").is_err());
    }
}
