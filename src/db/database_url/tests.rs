//! URLs that are read, and what the others are told.

use pretty_assertions::assert_eq;

use super::*;

const PASSWORD: &str = "hunter2";

/// Why this URL is refused; the password must not be among the reasons.
#[track_caller]
fn refused(url: &str) -> String {
    let error = format!("{:#}", read(url).expect_err(url));
    assert!(!error.contains(PASSWORD) && !error.contains("secret"), "{error}");
    error
}

fn with(parameters: &str) -> String {
    format!("postgres://user:{PASSWORD}@db.example:5433/rowlock?{parameters}")
}

#[test]
fn a_good_url_is_read_whole() {
    let config = read(&with("application_name=a&connect_timeout=3&keepalives_idle=4&tcp_user_timeout=6")).unwrap();
    assert_eq!((config.get_user(), config.get_dbname()), (Some("user"), Some("rowlock")));
    assert_eq!((config.get_password(), config.get_ports()), (Some(PASSWORD.as_bytes()), [5433].as_slice()));
    assert_eq!((config.get_application_name(), config.get_ssl_mode()), (Some("a"), SslMode::Disable));
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(config.get_connect_timeout().copied(), seconds(3));
    assert_eq!((Some(config.get_keepalives_idle()), config.get_tcp_user_timeout().copied()), (seconds(4), seconds(6)));
}

#[test]
fn what_the_url_leaves_open_is_set() {
    let config = read("postgresql://db.example").unwrap();
    assert_eq!((config.get_application_name(), config.get_ssl_mode()), (Some("rowlock"), SslMode::Disable));
    assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(5)));
    assert_eq!((config.get_keepalives_idle(), config.get_tcp_user_timeout()), (Duration::from_secs(10), Some(&Duration::from_secs(15))));
}

#[test]
fn tls_is_as_the_url_says_and_the_stricter_modes_of_libpq_are_taken() {
    for (mode, expected) in [
        ("disable", SslMode::Disable),
        ("prefer", SslMode::Prefer),
        ("require", SslMode::Require),
        ("verify-ca", SslMode::Require),
        ("verify-full", SslMode::Require),
    ] {
        assert_eq!(read(&with(&format!("sslmode={mode}"))).unwrap().get_ssl_mode(), expected, "{mode}");
    }
    assert_eq!(
        refused(&with("sslmode=allow")),
        "the database URL has a bad value for sslmode: it must be disable, prefer, require, verify-ca or verify-full"
    );
}

#[test]
fn a_parameter_that_is_not_taken_is_named_with_what_serves_instead() {
    let root = refused(&with("sslmode=verify-full&sslrootcert=/etc/secret.pem"));
    assert_eq!(
        root,
        "the database URL does not support the parameter sslrootcert: give the file with --database-ca-file (ROWLOCK_DATABASE_CA_FILE)"
    );
    for (name, _) in PARAMETERS.iter().filter(|(name, _)| !name_is_known(name)) {
        assert!(refused(&with(&format!("{name}=1"))).contains(&format!(" {name}: ")), "{name}");
    }
    for (parameter, name) in [("port=x", "port"), ("connect_timeout=soon", "connect_timeout"), ("channel_binding=maybe", "channel_binding")]
    {
        assert!(refused(&with(parameter)).contains(&format!("bad value for {name}: ")), "{parameter}");
    }
}

#[test]
fn the_primary_is_looked_for_whatever_else_is_asked_for() {
    let attributes = |url: &str| read(url).map(|config| config.get_target_session_attrs());
    let several = "postgres://one,two/rowlock";
    assert_eq!(attributes(several).unwrap(), TargetSessionAttrs::ReadWrite);
    assert_eq!(attributes(&format!("{several}?target_session_attrs=read-write")).unwrap(), TargetSessionAttrs::ReadWrite);
    assert_eq!(attributes("postgres://one/rowlock?target_session_attrs=any").unwrap(), TargetSessionAttrs::Any);
    for url in
        [&format!("{several}?target_session_attrs=any"), &with("target_session_attrs=read-only"), &with("target_session_attrs=standby")]
    {
        assert!(refused(url).contains("target_session_attrs: write read-write"), "{url}");
    }
}

#[test]
fn no_part_of_a_password_that_was_not_encoded_is_repeated() {
    for url in [
        format!("postgres://user:{PASSWORD}@secret?secret=1@host/rowlock"),
        format!("postgres://user@host/rowlock?password=x&{PASSWORD}=1"),
        format!("host=db user=u password=x {PASSWORD}=1"),
        format!("host=db user=u password='{PASSWORD}"),
        format!("postgres://user:{PASSWORD}/secret"),
        format!("mysql://user:{PASSWORD}@host/rowlock"),
        format!("{PASSWORD} secret"),
        format!("postgres://%FF:{PASSWORD}@host/rowlock"),
    ] {
        let error = refused(&url);
        assert!(error.starts_with("the database URL "), "{error}");
    }
}

#[test]
fn a_misspelt_parameter_is_named_with_what_may_be_meant_and_what_is_taken() {
    let taken = "after the ? it takes application_name, channel_binding, connect_timeout, dbname, hostaddr, host, keepalives_idle, \
                 keepalives_interval, keepalives_retries, keepalives, load_balance_hosts, options, password, port, sslmode, \
                 sslnegotiation, target_session_attrs, tcp_user_timeout, user";
    for (parameter, name) in [
        ("sslmod=require", "\"sslmod\" (did you mean sslmode?)"),
        ("sslmode=require&aplication_name=x", "\"aplication_name\" (did you mean application_name?)"),
        ("colour=green", "\"colour\""),
    ] {
        let expected = format!("the database URL has a parameter that PostgreSQL does not know, {name}: {taken}");
        assert_eq!(refused(&with(parameter)), expected, "{parameter}");
    }
    assert_eq!(refused(&with("pasword=hunter2&user=u")), refused(&with("pasword=x")), "not its value");
}

#[test]
fn a_url_that_is_none_is_told_what_one_looks_like() {
    assert!(refused("").contains("names no host: it must be postgres://user:password@host:port/database"));
    assert!(refused("postgres:///rowlock").contains("names no host"));
    assert!(refused("rowlock").contains("cannot be read: it must be postgres://user:password@host:port/database"));
    assert_eq!(refused("mysql://host/rowlock"), "the database URL cannot be read: it must begin with postgres://");
}
