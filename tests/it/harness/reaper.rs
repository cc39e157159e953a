//! Cleaning up after this process, however it ends.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Starts a small shell that runs `script` (with `argument` as `$1`) once this process has ended.
///
/// A test binary runs nothing at its end, and nothing at all after SIGKILL. So the shell waits at the other end of a pipe that only this
/// process keeps open.
pub fn after_our_end(script: &str, argument: &str) -> std::io::Result<()> {
    let script = format!("trap '' INT TERM HUP QUIT; cat >/dev/null; {script}");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script, "rowlock-reaper", argument]).current_dir("/").process_group(0);
    let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // Dropping it would close the pipe.
    std::mem::forget(shell);
    Ok(())
}
