//! Secrets on the command line, where everybody on the machine can read them.

use clap::ArgMatches;
use clap::parser::ValueSource;

/// The settings that hold secrets, and what else sets each of them: an environment variable and a flag that names a file.
const SECRETS: [(&str, &str, &str); 4] = [
    ("jwt_secret", "ROWLOCK_JWT_SECRET", "--jwt-secret-file"),
    ("webhook_secret", "ROWLOCK_WEBHOOK_SECRET", "--webhook-secret-file"),
    ("database_url", "DATABASE_URL", "--database-url-file"),
    ("redis_url", "REDIS_URL", "--redis-url-file"),
];

/// A warning for each secret that was given on the command line.
pub(super) fn warnings(matches: &ArgMatches) -> Vec<String> {
    let own = SECRETS.iter().filter_map(|(id, variable, file_flag)| {
        let is_exposed = matches.ids().any(|known| known == id)
            && matches.value_source(id) == Some(ValueSource::CommandLine)
            && matches.get_one::<String>(id).is_some_and(|value| !id.ends_with("_url") || has_password(value));
        let flag = id.replace('_', "-");
        is_exposed
            .then(|| format!("everybody on this machine can read --{flag} on the command line: set {variable} or {file_flag} instead"))
    });
    let inner = matches.subcommand().map(|(_, matches)| warnings(matches)).unwrap_or_default();
    own.chain(inner).collect()
}

/// Whether a URL, or a list of libpq's settings, contains a password.
fn has_password(url: &str) -> bool {
    let place = url.split_once("://").map_or(url, |(_, place)| place);
    place.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) || url.contains("password=")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::commands::Command;

    #[test]
    fn a_password_in_a_url_is_a_secret_and_its_user_is_none() {
        for url in ["postgres://me:x@h/d", "redis://:x@h", "rediss://u:p@h:1/0", "user=me password=x", "postgres://me@h/d?password=x"] {
            assert!(has_password(url), "{url}");
        }
        for url in ["postgres://me@h:5432/d", "postgres://h:5432/d", "redis://127.0.0.1:6379", "nonsense"] {
            assert!(!has_password(url), "{url}");
        }
    }

    #[test]
    fn what_is_on_the_command_line_is_warned_of_in_every_command_and_what_is_elsewhere_is_not() {
        let said = |args: &[&str]| {
            let args = std::iter::once("rowlock").chain(args.iter().copied());
            warnings(&Command::command().try_get_matches_from(args).unwrap_or_else(|error| panic!("{error}")))
        };
        let url = "postgres://me:hunter2@h/d";
        let all = said(&[
            "serve",
            "--database-url",
            url,
            "--redis-url",
            "redis://:hunter2@h",
            "--jwt-secret",
            "hunter2",
            "--webhook-secret",
            "hunter2",
        ]);
        let flags = ["--jwt-secret ", "--webhook-secret ", "--database-url ", "--redis-url "];
        assert_eq!(all.len(), flags.len());
        for (warning, flag) in all.iter().zip(flags) {
            assert!(warning.contains(flag) && !warning.contains("hunter2"), "{warning}");
        }
        assert_eq!(said(&["api-key", "list", "--database-url", url]).len(), 1);
        assert_eq!(said(&["token", "--customer", "a", "--jwt-secret", "x"]).len(), 1);
        assert_eq!(said(&["migrate", "--database-url", "postgres://me@h/d"]), Vec::<String>::new());
        let files = ["serve", "--database-url-file", "a", "--redis-url-file", "b", "--jwt-secret-file", "c", "--webhook-secret-file", "d"];
        assert_eq!(said(&files), Vec::<String>::new());
        assert!(Command::try_parse_from(["rowlock", "migrate", "--database-url", url, "--database-url-file", "a"]).is_err(), "which?");
        assert!(
            Command::try_parse_from(["rowlock", "migrate"]).is_err()
                && Command::try_parse_from(["rowlock", "token", "--customer", "a"]).is_err()
        );
    }
}
