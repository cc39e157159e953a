//! Parameters of a URL that nobody knows: they are refused by name. A URL may have a password in it, and if somebody forgot to encode its
//! special characters, a part of it looks like a parameter.

use crate::quoting::quoted;

/// The least similarity, from 0 to 1, of a name to the one that is probably meant.
const SIMILARITY_MIN: f64 = 0.7;

/// What follows "a parameter that is not known": which one, what may be meant, and what is known.
pub(crate) fn unknown(url: &str, name: &str, known: &[&str]) -> String {
    let which = match nearest(name, known) {
        _ if may_be_of_a_password(url, name) => String::new(),
        Some(near) => format!(", {:?} (did you mean {near}?)", quoted(name)),
        None => format!(", {:?}", quoted(name)),
    };
    format!("{which}: after the ? it takes {}", known.join(", "))
}

/// Whether the name may be the rest of a password: of one before the host, so that an `@` is still to come, or of one that is a parameter
/// itself. Without `://`, it is not known where a password would end.
fn may_be_of_a_password(url: &str, name: &str) -> bool {
    let query = url.split_once("://").and_then(|(_, rest)| rest.split_once('?')).map(|(_, query)| query);
    let Some(query) = query.filter(|query| !query.contains('@')) else { return true };
    let names = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    // Where it is not there in these letters, it is not known what comes before it.
    !names.take_while(|one| !one.contains("pass")).any(|one| one == name)
}

/// The known name that this one resembles most, if it resembles any.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = name.to_ascii_lowercase();
    let similar = known.iter().map(|known| (strsim::normalized_damerau_levenshtein(&name, known), *known));
    similar.filter(|(similarity, _)| *similarity >= SIMILARITY_MIN).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    const KNOWN: [&str; 3] = ["application_name", "port", "sslmode"];

    fn said(url: &str, name: &str) -> String {
        let said = unknown(url, name, &KNOWN);
        said.strip_suffix(": after the ? it takes application_name, port, sslmode").expect("what is known").to_owned()
    }

    #[test]
    fn a_misspelt_name_is_told_what_may_be_meant() {
        for (name, meant) in [("sslmod", 2), ("ssl_mode", 2), ("SSLMODE", 2), ("aplication_name", 0), ("prot", 1)] {
            assert_eq!(said(&format!("postgres://u:p@h/d?{name}=x"), name), format!(", {name:?} (did you mean {}?)", KNOWN[meant]));
        }
        for name in ["colour", "ssl", "name", ""] {
            assert_eq!(said(&format!("postgres://u:p@h/d?sslmode=require&{name}=x"), name), format!(", {name:?}"));
        }
        let long = "x".repeat(1_000);
        assert!(said(&format!("redis://h?{long}=x"), &long).len() < 100, "it is cut");
        assert_eq!(said("redis://h?a%0Ab=x", "a\nb"), "", "not in the URL in these letters");
    }

    #[test]
    fn what_may_be_a_part_of_a_password_is_not_repeated() {
        for url in [
            "postgres://u:hunter@2?secret=1@h/d",
            "postgres://u:hunter?secret=1@h/d",
            "redis://u:6379?secret=1@h",
            "postgres://u@h/d?password=hunter&secret=1",
            "unix:///redis.sock?pass=hunter&secret=1",
            "postgres://u@h/d?sslmode=require&password=hunter&my=2&secret=1",
            "postgres://u@h/d?nosecret=1&password=hunter&secret=1",
            "host=h user=u password=hunter?2 secret=1",
        ] {
            assert_eq!(said(url, "secret"), "", "{url}");
        }
    }
}
