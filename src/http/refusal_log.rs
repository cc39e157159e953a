//! Limits the log of refused requests code by code: a sale refuses thousands of claims per second, and their lines would cost more than the
//! claims; and during an outage, anybody could fill the log.

use tracing::Level;

use crate::log_limit::LogLimit;
use crate::problem::code::Code;

/// The limit of each code.
pub(crate) struct RefusalLog([LogLimit; Code::ALL.len()]);

impl RefusalLog {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| LogLimit::default()))
    }

    /// Whether to log this refusal; if not, it is counted in a summary line.
    pub(crate) fn admits(&self, code: Code) -> bool {
        let summary = move |left_out| tracing::info!(code = code.as_str(), left_out, "more requests were refused than were logged");
        tracing::enabled!(Level::INFO) && self.0[code as usize].admits(summary)
    }

    /// The same for a request that was not served because this server or PostgreSQL is at fault.
    pub(crate) fn admits_fault(&self, code: Code) -> bool {
        self.0[code as usize]
            .admits(move |left_out| tracing::warn!(code = code.as_str(), left_out, "more requests were not served than were logged"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_storm_of_one_code_hides_no_other() {
        let log = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
        let _guard = tracing::subscriber::set_default(log);
        let refusals = RefusalLog::new();
        assert!((0..100).any(|_| !refusals.admits(Code::SeatTaken)));
        for code in Code::ALL.iter().copied().filter(|code| *code != Code::SeatTaken) {
            assert!(refusals.admits(code), "{code:?}");
        }
    }
}
