//! What HTTP demands of the head of any request, and the parser leaves to the server: whoever reads a request differently from the proxy
//! in front of it serves somebody else.

use poem::Request;
use poem::http::header::{HOST, TRANSFER_ENCODING};
use poem::http::uri::Authority;
use poem::http::{HeaderMap, HeaderValue, Version};

use crate::http::challenges::API_KEY_HEADER;
use crate::problem::Problem;
use crate::problem::code::Code;

/// Headers that say who is calling: of two, a proxy might believe the other one.
const ONLY_ONCE: [&str; 2] = ["Authorization", API_KEY_HEADER];

/// Refuses a request whose host is not certain, whose body is coded in a way that nobody here decodes, or that names two callers.
pub(crate) fn check(request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    check_host(headers, request.version())?;
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    if headers.get(TRANSFER_ENCODING).is_some_and(|coding| !is_chunked(coding) || is_repeated(headers, TRANSFER_ENCODING.as_str())) {
        return Err(Problem::plain(Code::UnsupportedTransferCoding));
    }
    match ONLY_ONCE.into_iter().find(|name| is_repeated(headers, name)) {
        Some(name) => Err(Problem::invalid(name, "must be sent only once")),
        None => Ok(()),
    }
}

/// Exactly one (RFC 9112, 3.2); HTTP/1.0 does not demand it.
fn check_host(headers: &HeaderMap, version: Version) -> Result<(), Problem> {
    let invalid = |expected| Err(Problem::invalid("Host", expected));
    match headers.get(HOST) {
        None if version == Version::HTTP_11 => invalid("must be sent with every request of HTTP/1.1"),
        Some(_) if is_repeated(headers, HOST.as_str()) => invalid("must be sent only once"),
        Some(host) if !is_host(host) => invalid("must be a host, with or without a port"),
        _ => Ok(()),
    }
}

fn is_host(value: &HeaderValue) -> bool {
    let is_authority = |value: &[u8]| Authority::try_from(value).is_ok_and(|authority| !authority.as_str().contains('@'));
    value.is_empty() || is_authority(value.as_bytes())
}

fn is_repeated(headers: &HeaderMap, name: &str) -> bool {
    headers.get_all(name).iter().nth(1).is_some()
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
        for name in ONLY_ONCE {
            assert_eq!(checked(Version::HTTP_11, &[("host", "a"), (name, "x")]), Ok(()));
            let twice = checked(Version::HTTP_11, &[("host", "a"), (name, "x"), (name, "x")]);
            assert_eq!(twice, Err((Code::InvalidRequest, Some(name.to_owned()))));
        }
    }
}
