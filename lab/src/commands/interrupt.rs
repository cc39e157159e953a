//! Ending a command early, and saying so.

use rowlock::signal::stop_asked;
use tokio_util::sync::CancellationToken;

/// What a command answers that ended early because somebody wished so; the exit status says it as shells do.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

impl Interrupted {
    /// The exit status of a program that Ctrl-C ended.
    pub const EXIT_STATUS: u8 = 130;
}

/// A token that the first wish to stop cancels. The second ends the process at once, and the guards stop what it had started.
pub fn cancelled_when_asked() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        stop_asked().await;
        cancelled.cancel();
        stop_asked().await;
        std::process::exit(Interrupted::EXIT_STATUS.into());
    });
    token
}
