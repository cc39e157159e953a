//! The `rowlock` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use rowlock::commands::Command;

fn main() -> ExitCode {
    // Ten thousand connections allocate and free in bursts: the C library's allocator would use an eighth of the CPU, this one far less. It
    // takes the place of `malloc`, which costs less than being Rust's global allocator, whose every request names an alignment. Asking for
    // its version makes any linker take it in.
    std::hint::black_box(MiMalloc.version());
    match Command::run_as_given() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rowlock: {error:#}");
            ExitCode::FAILURE
        }
    }
}
