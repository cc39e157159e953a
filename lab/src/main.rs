//! The `rowlock-lab` command.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use rowlock_lab::commands::{Command, Interrupted};

fn main() -> ExitCode {
    // The same allocator as the server's: it is this binary that is started as the server.
    std::hint::black_box(MiMalloc.version());
    match Command::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rowlock-lab: {error:#}");
            if error.is::<Interrupted>() { ExitCode::from(Interrupted::EXIT_STATUS) } else { ExitCode::FAILURE }
        }
    }
}
