//! The database URL: what it may contain, and what to do about the rest.
//!
//! The parser's messages are not passed on, because they may repeat a part of the URL, and with it a part of the password. A message
//! names what is in [`PARAMETERS`], and a misspelt parameter.

use std::error::Error;
use std::time::Duration;

use anyhow::{anyhow, bail};
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};

use crate::url_parameters;

/// The parameters that libpq knows, with what to do about one that Rowlock does not support, or about a bad value.
const PARAMETERS: &[(&str, &str)] = &[
    ("application_name", "it must be a string"),
    ("channel_binding", "it must be disable, prefer or require"),
    ("client_encoding", "leave it out: Rowlock always speaks UTF-8"),
    ("connect_timeout", "it must be whole seconds"),
    ("dbname", "it must be a string"),
    ("fallback_application_name", "write application_name instead"),
    ("gssdelegation", KERBEROS),
    ("gssencmode", KERBEROS),
    ("gsslib", KERBEROS),
    ("hostaddr", "it must be an IP address"),
    ("host", "it must be a name or an address; write an IPv6 address in brackets"),
    ("keepalives_count", "write keepalives_retries instead"),
    ("keepalives_idle", "it must be whole seconds"),
    ("keepalives_interval", "it must be whole seconds"),
    ("keepalives_retries", "it must be a whole number"),
    ("keepalives", "it must be 0 or 1"),
    ("krbsrvname", KERBEROS),
    ("load_balance_hosts", "it must be disable or random"),
    ("options", "it must be options of a PostgreSQL backend, such as -c%20search_path%3Dx"),
    ("passfile", "write the password into the URL"),
    ("password", "it must be a string"),
    ("port", "it must be a whole number from 1 to 65535; write special characters in the password percent-encoded, @ as %40 and : as %3A"),
    ("replication", "leave it out: Rowlock's connections are ordinary ones"),
    ("requirepeer", TLS),
    ("requiressl", "write sslmode=require instead"),
    ("require_auth", "leave it out: PostgreSQL's pg_hba.conf decides how a role authenticates"),
    ("service", SERVICE),
    ("servicefile", SERVICE),
    ("sslcert", CLIENT_CERTIFICATE),
    ("sslcertmode", CLIENT_CERTIFICATE),
    ("sslcompression", TLS),
    ("sslcrl", TLS),
    ("sslcrldir", TLS),
    ("sslkey", CLIENT_CERTIFICATE),
    ("sslmode", "it must be disable, prefer, require, verify-ca or verify-full"),
    ("sslnegotiation", "it must be postgres or direct"),
    ("sslpassword", CLIENT_CERTIFICATE),
    ("sslrootcert", "give the file with --database-ca-file (ROWLOCK_DATABASE_CA_FILE)"),
    ("sslsni", TLS),
    ("ssl_max_protocol_version", TLS),
    ("ssl_min_protocol_version", TLS),
    ("target_session_attrs", SESSION),
    ("tcp_user_timeout", "it must be whole seconds"),
    ("user", "it must be a string"),
];

const CLIENT_CERTIFICATE: &str = "leave it out: Rowlock sends no client certificate; it authenticates by password";
const KERBEROS: &str = "leave it out: Rowlock authenticates by password, not by Kerberos";
const SERVICE: &str = "write host, port, user, password and database into the URL";
const SESSION: &str = "write read-write, or leave it out: Rowlock needs the primary, and finds it among several hosts";
const TLS: &str = "leave it out: with sslmode=require the connection is TLS 1.2 or newer, and certificate and host name are verified";

/// What a good URL looks like.
const SHAPE: &str = "postgres://user:password@host:port/database, with special characters percent-encoded (@ as %40, / as %2F)";

/// Reads a `postgres://` URL; what it does not set gets defaults that suit a server.
///
/// # Errors
/// When it cannot be read; the message names the bad parameter and what to write instead, and no other part of the URL.
pub(super) fn read(url: &str) -> anyhow::Result<Config> {
    if url.contains("://") && !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        bail!("the database URL cannot be read: it must begin with postgres://");
    }
    // libpq's stricter modes ask for what is always done here: with TLS, certificate and host name are verified.
    let url = url.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
    let mut config = url.parse::<Config>().map_err(|error| unreadable(&url, &error))?;
    if config.get_hosts().is_empty() {
        bail!("the database URL names no host: it must be {SHAPE}");
    }
    if !url.contains("sslmode=") {
        config.ssl_mode(SslMode::Disable);
    }
    set_session_attributes(&mut config, url.contains("target_session_attrs="))?;
    set_timeouts(&mut config);
    if config.get_application_name().is_none() {
        config.application_name("rowlock");
    }
    Ok(config)
}

/// What is wrong with a URL, from the parser's message: "unknown option `x`", "invalid value for option `x`".
fn unreadable(url: &str, error: &tokio_postgres::Error) -> anyhow::Error {
    let words = error.source().map(ToString::to_string).unwrap_or_default();
    let (fault, name) = match words.split('`').collect::<Vec<_>>().as_slice() {
        ["unknown option ", name, ..] => ("does not support the parameter", *name),
        ["invalid value for option ", name, ..] => ("has a bad value for", *name),
        _ => return anyhow!("the database URL cannot be read: it must be {SHAPE}"),
    };
    match PARAMETERS.iter().find(|(known, _)| *known == name) {
        Some((known, advice)) => anyhow!("the database URL {fault} {known}: {advice}"),
        None => anyhow!("the database URL has a parameter that PostgreSQL does not know{}", url_parameters::unknown(url, name, &taken())),
    }
}

/// The names of the parameters that Rowlock supports.
fn taken() -> Vec<&'static str> {
    PARAMETERS.iter().map(|(name, _)| *name).filter(|name| name_is_known(name)).collect()
}

/// Whether the parser knows the name, so that it can only object to the value.
fn name_is_known(name: &str) -> bool {
    let error = format!("{name}=?").parse::<Config>().err();
    error.is_none_or(|error| error.source().is_none_or(|words| !words.to_string().starts_with("unknown option")))
}

/// After a failover, a standby must not answer for the primary.
fn set_session_attributes(config: &mut Config, is_given: bool) -> anyhow::Result<()> {
    let is_good = match config.get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => true,
        TargetSessionAttrs::Any => !is_given || config.get_hosts().len() == 1,
        _ => false,
    };
    if !is_good {
        bail!("the database URL has a bad value for target_session_attrs: {SESSION}");
    }
    if config.get_hosts().len() > 1 {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    Ok(())
}

/// How long a connection waits for a host that does not answer, unless the URL says.
fn set_timeouts(config: &mut Config) {
    let untouched = Config::new();
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    if config.get_keepalives_idle() == untouched.get_keepalives_idle() {
        config.keepalives_idle(Duration::from_secs(10));
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(15));
    }
}

#[cfg(test)]
mod tests;
