//! What HTTP demands of the head of any request, and the parser leaves to the server: whoever reads a request differently from the proxy
//! in front of it serves somebody else.

use std::net::Ipv6Addr;

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
        // The host of such a URL overrides `Host` (RFC 9112, 3.2.2).
        _ if request.uri().authority().is_some_and(|authority| !is_host_with_port(authority)) => {
            Err(Problem::new(Code::InvalidRequest, "a URL in place of the path must name a host, with or without a port, and no user"))
        }
        (None, Seen { transfer_coding: Some(coding), .. }) if !is_chunked(coding) => Err(Problem::plain(Code::UnsupportedTransferCoding)),
        _ => Ok(()),
    }
}

fn is_host(value: &HeaderValue) -> bool {
    let host = value.as_bytes();
    host.is_empty() || is_plain_host(host) || Authority::try_from(host).is_ok_and(|authority| is_host_with_port(&authority))
}

/// The parser takes a user's name, any port, and anything between brackets.
fn is_host_with_port(authority: &Authority) -> bool {
    let host = authority.host();
    let port = authority.as_str().strip_prefix(host).and_then(|rest| if rest.is_empty() { Some("") } else { rest.strip_prefix(':') });
    let address = host.strip_prefix('[').map(|address| address.trim_end_matches(']'));
    !host.is_empty() && port.is_some_and(|port| is_port(port.as_bytes())) && address.is_none_or(|it| it.parse::<Ipv6Addr>().is_ok())
}

/// Whether it is a name or an IPv4 address, with or without a port: nearly every host is, and it is quicker to see than to parse.
fn is_plain_host(host: &[u8]) -> bool {
    let (name, port) = host.iter().position(|byte| *byte == b':').map_or((host, &[][..]), |colon| (&host[..colon], &host[colon + 1..]));
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    !name.is_empty() && name.iter().all(is_name) && is_port(port)
}

/// Whether it is the number of a port, or nothing, which stands for the usual one.
fn is_port(port: &[u8]) -> bool {
    let and_digit = |number: u16, byte: &u8| number.checked_mul(10)?.checked_add(u16::from(byte.checked_sub(b'0').filter(|it| *it < 10)?));
    port.iter().try_fold(0, and_digit).is_some()
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
        for host in ["rowlock", "rowlock:8080", "127.0.0.1:80", "a:65535", "a:00080", "a:", "row_lock:80", "[::1]", "[::1]:8080", ""] {
            assert_eq!(checked(Version::HTTP_11, &[("host", host)]), Ok(()), "{host}");
        }
        let odd_ports = ["rowlock:port:1", "rowlock:port", "a:65536", "a:99999", "a:+80", "row_lock:65536", "[::1]:65536", "[::1]80", ":"];
        let odd_names = ["a b", "a/b", "user@rowlock", "user@row_lock", "a@a"];
        let odd_addresses = ["[::1", "[::1%25eth0]:80", "[::1%eth0]", "[v1.x]", "[a]", "[]"];
        for host in odd_ports.iter().chain(&odd_names).chain(&odd_addresses) {
            assert_eq!(checked(Version::HTTP_11, &[("host", host)]), refused, "{host}");
        }
        assert_eq!(checked(Version::HTTP_11, &[]), refused);
        assert_eq!(checked(Version::HTTP_10, &[]), Ok(()));
        for version in [Version::HTTP_10, Version::HTTP_11] {
            assert_eq!(checked(version, &[("host", "a"), ("host", "a")]), refused);
        }
    }

    #[test]
    fn a_url_in_place_of_a_path_names_a_host_like_the_header() {
        let asked = |url: &str| {
            let request = Request::builder().version(Version::HTTP_11).uri(url.parse().expect("a URL")).header("host", "a").finish();
            check(&request).map_err(|problem| problem.code())
        };
        for url in ["http://a/", "http://b:80/v1", "http://[::1]/", "/http://u@b/"] {
            assert_eq!(asked(url), Ok(()), "{url}");
        }
        for url in ["http://u@a/", "http://u:p@a/", "http://a:65536/", "http://[::1%25eth0]/"] {
            assert_eq!(asked(url), Err(Code::InvalidRequest), "{url}");
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
