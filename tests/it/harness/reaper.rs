//! Cleaning up after this process, however it ends.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Has a small shell run `script` (with `argument` as `$1`) once this process is gone.
///
/// Nothing runs at the end of a test binary, and nothing at all after SIGKILL. The shell waits at the far end of a pipe that
/// only this process holds open.
pub fn after_our_end(script: &str, argument: &str) -> std::io::Result<()> {
    let script = format!("trap '' INT TERM HUP QUIT; cat >/dev/null; {script}");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script, "rowlock-reaper", argument]).current_dir("/").process_group(0);
    let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // Dropping it would close the pipe.
    std::mem::forget(shell);
    Ok(())
}
