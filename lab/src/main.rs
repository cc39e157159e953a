//! The `rowlock-lab` command.

use std::process::ExitCode;

use clap::Parser;
use rowlock_lab::commands::{Command, Interrupted};

/// The same allocator as the server's: it is this binary that is started as the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tries Rowlock out: a demo, crowds of buyers, benchmarks, all on private servers.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rowlock-lab: {error:#}");
            if error.is::<Interrupted>() { ExitCode::from(Interrupted::EXIT_STATUS) } else { ExitCode::FAILURE }
        }
    }
}
