//! The `rowlock-lab` command.

use std::process::ExitCode;

use clap::Parser;
use rowlock_lab::commands::{Command, Interrupted};

/// The same allocator as the server's: it is this binary that is started as the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Command::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rowlock-lab: {error:#}");
            if error.is::<Interrupted>() { ExitCode::from(Interrupted::EXIT_STATUS) } else { ExitCode::FAILURE }
        }
    }
}
