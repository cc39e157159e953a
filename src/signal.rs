//! Signals to stop: Ctrl-C, SIGTERM, or a closed terminal.

use tokio::signal::unix::{SignalKind, signal};

/// Completes at the first SIGINT, SIGTERM or SIGHUP. From its first poll on, none of them ends the process by itself.
pub async fn stop_asked() {
    let arrived = |kind| async move {
        match signal(kind) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            // Without a handler, the signal ends the process at once, and its guards stop whatever it started.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = arrived(SignalKind::interrupt()) => {}
        () = arrived(SignalKind::terminate()) => {}
        () = arrived(SignalKind::hangup()) => {}
    }
}
