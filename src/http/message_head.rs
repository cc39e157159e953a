//! What HTTP demands of the head of any request, and the parser leaves to the server: whoever reads a request differently from the proxy
//! in front of it serves somebody else.

use poem::Request;
use poem::http::header::{AUTHORIZATION, HOST, TRANSFER_ENCODING};
use poem::http::uri::Authority;
use poem::http::{HeaderValue, Version};

use crate::http::challenges::API_KEY_HEADER;
use crate::problem::Problem;
use crate::problem::code::Code;

/// What a head may have at most one of, as far as it matters here.
#[derive(Default)]
struct Seen<'a> {
    host: Option<&'a HeaderValue>,
    transfer_coding: Option<&'a HeaderValue>,
    has_token: bool,
    has_api_key: bool,
}

/// Refuses a request whose host is not certain, whose body is coded in a way that nobody here decodes, or that names two callers: of two
/// headers that say who is calling, a proxy might believe the other one.
pub(crate) fn check(request: &Request) -> Result<(), Problem> {
    let (mut seen, mut repeated) = (Seen::default(), None);
    // One look at each of a few headers costs less than looking each name up.
    for (name, value) in request.headers() {
        let (label, is_repeated) = match name {
            name if *name == HOST => ("Host", seen.host.replace(value).is_some()),
            name if *name == TRANSFER_ENCODING => ("Transfer-Encoding", seen.transfer_coding.replace(value).is_some()),
            name if *name == AUTHORIZATION => ("Authorization", std::mem::replace(&mut seen.has_token, true)),
            name if *name == API_KEY_HEADER => ("X-Api-Key", std::mem::replace(&mut seen.has_api_key, true)),
            _ => continue,
        };
        if is_repeated {
            repeated.get_or_insert(label);
        }
    }
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    match (repeated, seen) {
        (Some("Transfer-Encoding"), _) => Err(Problem::plain(Code::UnsupportedTransferCoding)),
        (Some(name), _) => Err(Problem::invalid(name, "must be sent only once")),
        (None, Seen { host: None, .. }) if request.version() == Version::HTTP_11 => {
            Err(Problem::invalid("Host", "must be sent with every request of HTTP/1.1"))
        }
        (None, Seen { host: Some(host), .. }) if !is_host(host) => Err(Problem::invalid("Host", "must be a host, with or without a port")),
        (None, Seen { transfer_coding: Some(coding), .. }) if !is_chunked(coding) => Err(Problem::plain(Code::UnsupportedTransferCoding)),
        _ => Ok(()),
    }
}

fn is_host(value: &HeaderValue) -> bool {
    let is_authority = |value: &[u8]| Authority::try_from(value).is_ok_and(|authority| !authority.as_str().contains('@'));
    value.is_empty() || is_authority(value.as_bytes())
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn checked(version: Version, headers: &[(&str, &str)]) -> Result<(), (Code, Option<String>)> {
        let mut request = Request::builder().version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.finish()).map_err(|problem| (problem.code(), problem.field().map(str::to_owned)))
    }

    #[test]
    fn a_request_has_one_host() {
        let refused = Err((Code::InvalidRequest, Some("Host".to_owned())));
        for host in ["rowlock", "rowlock:8080", "127.0.0.1:80", "[::1]:8080", ""] {
            assert_eq!(checked(Version::HTTP_11, &[("host", host)]), Ok(()), "{host}");
        }
        for host in ["a b", "a/b", "user@rowlock", "rowlock:port:1"] {
            assert_eq!(checked(Version::HTTP_11, &[("host", host)]), refused, "{host}");
        }
        assert_eq!(checked(Version::HTTP_11, &[]), refused);
        assert_eq!(checked(Version::HTTP_10, &[]), Ok(()));
        for version in [Version::HTTP_10, Version::HTTP_11] {
            assert_eq!(checked(version, &[("host", "a"), ("host", "a")]), refused);
        }
    }

    #[test]
    fn only_chunked_is_decoded() {
        for (coding, good) in [("chunked", true), ("Chunked", true), ("gzip, chunked", false), ("chunked, chunked", false), ("", false)] {
            let expected = if good { Ok(()) } else { Err((Code::UnsupportedTransferCoding, None)) };
            assert_eq!(checked(Version::HTTP_11, &[("host", "a"), ("transfer-encoding", coding)]), expected, "{coding}");
        }
        let twice = [("host", "a"), ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        assert_eq!(checked(Version::HTTP_11, &twice), Err((Code::UnsupportedTransferCoding, None)));
    }

    #[test]
    fn who_is_calling_is_said_once() {
        for name in ["Authorization", "X-Api-Key"] {
            assert_eq!(checked(Version::HTTP_11, &[("host", "a"), (name, "x")]), Ok(()));
            let twice = checked(Version::HTTP_11, &[("host", "a"), (name, "x"), (name, "x")]);
            assert_eq!(twice, Err((Code::InvalidRequest, Some(name.to_owned()))));
        }
    }
}
