//! `rowlock openapi`.

use anyhow::Context;
use std::path::PathBuf;

use crate::document::{operations, spec};

/// Where to write the document.
#[derive(clap::Args)]
pub struct Args {
    /// Write openapi.json and operations.txt into this folder instead of printing the document
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, default_missing_value = "openapi")]
    write: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let Some(folder) = &args.write else {
        println!("{}", spec());
        return Ok(());
    };
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for (name, text) in [("openapi.json", spec()), ("operations.txt", operations())] {
        let path = folder.join(name);
        std::fs::write(&path, format!("{}\n", text.trim_end())).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
