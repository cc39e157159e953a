//! The `rowlock` command.

use std::process::ExitCode;

use clap::Parser;
use rowlock::commands::Command;

/// Ten thousand connections allocate and free in bursts: the C library's allocator would use an eighth of the CPU, this one far less.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sells numbered concert seats to everyone at once, and never sells one twice.
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
            eprintln!("rowlock: {error:#}");
            ExitCode::FAILURE
        }
    }
}
