//! The log's settings.

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

/// How the log is written.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line, for log collectors.
    Json,
}

/// The log's settings.
#[derive(Args, Clone)]
pub struct LogArgs {
    /// Format of the log, which goes to standard error
    #[arg(long, env = "ROWLOCK_LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// Rowlock's own log level: off, error, warn, info, debug or trace. Libraries log at warn unless target=level pairs say otherwise,
    /// for example info,tokio_postgres=debug
    #[arg(long, env = "ROWLOCK_LOG", default_value = "info", value_parser = LogFilter::parse)]
    pub log: LogFilter,
}

/// What is logged: a level for Rowlock's own lines, and `target=level` pairs for any target.
#[derive(Clone, Debug)]
pub struct LogFilter(String);

impl LogFilter {
    /// Reads `info`, `debug,tokio_postgres=info` and the like.
    ///
    /// # Errors
    /// When a part is neither a level nor a pair: the filter's own parser would read a misspelt level as a target.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut own = None;
        let mut pairs = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if let Some((target, level)) = part.split_once('=') {
                let is_good = !target.is_empty() && !level.is_empty() && level.parse::<LevelFilter>().is_ok();
                pairs.push(is_good.then_some(part).ok_or_else(|| format!("{part} is not a target=level pair"))?);
            } else {
                let level =
                    part.parse::<LevelFilter>().map_err(|_| format!("{part} is not one of off, error, warn, info, debug or trace"))?;
                if own.replace(level).is_some() {
                    return Err("only one level may be given without a target".to_owned());
                }
            }
        }
        let own = own.unwrap_or(LevelFilter::INFO);
        // Drivers and other libraries log more at `info` than operators want to read, and much more at `debug`.
        let others = own.min(LevelFilter::WARN);
        Ok(Self([format!("{others},rowlock={own}")].into_iter().chain(pairs.into_iter().map(str::to_owned)).collect::<Vec<_>>().join(",")))
    }

    /// The filter in the syntax of `tracing`; a target includes those below it, and `rowlock` includes `rowlock_lab`.
    pub(crate) fn directives(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn a_bare_level_is_for_our_own_lines_and_pairs_are_for_anybodys() {
        let directives = |text: &str| LogFilter::parse(text).map(|filter| filter.directives().to_owned());
        for (text, expected) in [
            ("info", "warn,rowlock=info"),
            ("debug", "warn,rowlock=debug"),
            ("TRACE", "warn,rowlock=trace"),
            ("warn", "warn,rowlock=warn"),
            ("error", "error,rowlock=error"),
            ("off", "off,rowlock=off"),
            ("", "warn,rowlock=info"),
            ("debug,tokio_postgres=info", "warn,rowlock=debug,tokio_postgres=info"),
            ("tokio_postgres=debug, rowlock::lanes=trace", "warn,rowlock=info,tokio_postgres=debug,rowlock::lanes=trace"),
        ] {
            assert_eq!(directives(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_neither_a_level_nor_a_pair_is_refused() {
        for (text, expected) in [
            ("inof", "inof is not one of off, error"),
            ("tokio_postgres", "tokio_postgres is not one of off, error"),
            ("info,debug", "only one level"),
            ("rowlock=verbose", "rowlock=verbose is not a target=level pair"),
            ("=debug", "=debug is not a target=level pair"),
            ("rowlock=", "rowlock= is not a target=level pair"),
        ] {
            let error = LogFilter::parse(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
