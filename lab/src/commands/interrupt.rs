//! Ending a command early, and saying so.

use rowlock::signal::stop_asked;
use tokio_util::sync::CancellationToken;

/// The error of a command that was stopped early; the exit status follows the convention of shells.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

impl Interrupted {
    /// The exit status of a program that Ctrl-C ended.
    pub const EXIT_STATUS: u8 = 130;
}

/// A token that the first signal cancels. The second ends the process at once, and the guards stop what it had started.
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
