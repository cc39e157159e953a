//! The watcher that lets no private server outlive this process, not even after SIGKILL.
//!
//! A destructor does not run when a process is killed, and the parent-death signal of Linux is neither portable nor safe code.
//! So a small shell waits at the far end of a pipe: whatever ends this process also closes the pipe, and the shell then stops
//! the server it was told of. An orderly stop closes the pipe on purpose, so both ways down are one and the same.

use std::process::Stdio;

use anyhow::Context;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin, Command},
};

/// Reads process ids, a line each: the last one is the one to stop. End of input stops it, then waits, then kills.
///
/// `$1` is the signal that asks for an orderly stop, `$2` how many tenths of a second it may take.
const SCRIPT: &str = r#"
trap '' INT TERM HUP QUIT
pid=
while read -r line; do pid=$line; done
[ -n "$pid" ] && kill -"$1" "$pid" 2>/dev/null || exit 0
tenths=0
while kill -0 "$pid" 2>/dev/null; do
    if [ "$tenths" -ge "$2" ]; then kill -KILL "$pid"; exit; fi
    tenths=$((tenths + 1))
    sleep 0.1
done
"#;

/// Stops one server when it is released or dropped, or when this process dies, however that happens.
///
/// The pipe's end is closed on exec, so no other child keeps it open.
#[derive(Debug)]
pub struct Guard {
    /// Taken when the guard is released.
    orders: Option<ChildStdin>,
    shell: Child,
}

impl Guard {
    /// Starts a guard that watches nothing yet.
    ///
    /// `signal` (a name without `SIG`) asks its server for an orderly stop; `patience_seconds` later it is killed.
    ///
    /// # Errors
    /// When `/bin/sh` cannot be started.
    pub fn start(signal: &str, patience_seconds: u32) -> anyhow::Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "rowlock-guard", signal, &(patience_seconds * 10).to_string()])
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start /bin/sh to guard a private server")?;
        Ok(Self { orders: shell.stdin.take(), shell })
    }

    /// Watches the process `pid` from now on; `None`: nothing.
    ///
    /// # Errors
    /// When the guard is gone.
    pub async fn watch(&mut self, pid: Option<u32>) -> anyhow::Result<()> {
        let line = pid.map_or_else(|| "\n".to_owned(), |pid| format!("{pid}\n"));
        let orders = self.orders.as_mut().context("the guard was released already")?;
        orders.write_all(line.as_bytes()).await.context("the guard of a private server is gone")
    }

    /// Has the guard stop what it watches, at once and in the background.
    pub fn release(&mut self) {
        self.orders = None;
    }

    /// Waits for a released guard to end, which it does as soon as its server is gone and reaped.
    pub async fn ended(mut self) {
        self.release();
        if let Err(error) = self.shell.wait().await {
            tracing::warn!(%error, "cannot wait for a guard");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt, time::Duration};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn sleeper(script: &str) -> Child {
        Command::new("/bin/sh").args(["-c", script]).stdout(Stdio::piped()).spawn().expect("sh")
    }

    #[tokio::test]
    async fn a_dropped_guard_stops_what_it_watched_last() {
        let (mut first, mut second) = (sleeper("exec sleep 60"), sleeper("exec sleep 60"));
        let mut guard = Guard::start("TERM", 5).expect("a guard");
        guard.watch(first.id()).await.expect("told");
        guard.watch(second.id()).await.expect("told");
        drop(guard);
        let status = tokio::time::timeout(PATIENCE, second.wait()).await.expect("stopped").expect("a status");
        assert_eq!(status.signal(), Some(15));
        assert!(first.try_wait().expect("a status").is_none(), "the first one was no longer watched");
        first.kill().await.expect("killed");
    }

    #[tokio::test]
    async fn what_does_not_stop_is_killed() {
        use tokio::io::AsyncReadExt;
        let mut stubborn = sleeper("trap '' TERM; echo ready; while :; do sleep 0.1; done");
        let mut ready = [0; 5];
        stubborn.stdout.as_mut().expect("piped").read_exact(&mut ready).await.expect("its first word");
        let mut guard = Guard::start("TERM", 1).expect("a guard");
        guard.watch(stubborn.id()).await.expect("told");
        guard.release();
        let status = tokio::time::timeout(PATIENCE, stubborn.wait()).await.expect("killed").expect("a status");
        assert_eq!(status.signal(), Some(9));
        tokio::time::timeout(PATIENCE, guard.ended()).await.expect("the guard ends with it");
    }

    #[tokio::test]
    async fn a_guard_of_nothing_ends_quietly() {
        let mut spared = sleeper("exec sleep 60");
        let mut guard = Guard::start("TERM", 5).expect("a guard");
        guard.watch(spared.id()).await.expect("told");
        guard.watch(None).await.expect("told");
        tokio::time::timeout(PATIENCE, guard.ended()).await.expect("it ends");
        assert!(spared.try_wait().expect("a status").is_none());
        spared.kill().await.expect("killed");
    }
}
