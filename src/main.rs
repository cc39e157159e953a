//! The `rowlock` command.

use std::process::ExitCode;

use rowlock::commands::Command;

/// Ten thousand connections allocate and free in bursts: the C library's allocator would use an eighth of the CPU, this one far less.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Command::run_as_given() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rowlock: {error:#}");
            ExitCode::FAILURE
        }
    }
}
