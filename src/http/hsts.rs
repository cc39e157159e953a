//! Tells browsers that came by TLS to come by TLS only (RFC 6797). The server itself speaks no TLS: a proxy in front does, and says in a
//! header whether a client came that way.

use poem::http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) struct Hsts {
    /// Where the proxy says how the client came.
    told_in: HeaderName,
    /// `Strict-Transport-Security`.
    policy: HeaderValue,
}

impl Hsts {
    /// `told_in` is a header that the proxy sets or removes in every request.
    pub(crate) fn new(told_in: HeaderName, max_age_s: u32) -> Self {
        // Digits and letters are a good value.
        let policy = HeaderValue::try_from(format!("max-age={max_age_s}")).unwrap_or_else(|_| HeaderValue::from_static("max-age=0"));
        Self { told_in, policy }
    }

    /// What to answer a request with these headers; nothing if it did not come by TLS, where browsers ignore it.
    pub(crate) fn policy_for(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let told = headers.get(&self.told_in)?.to_str().ok()?;
        is_tls(told).then(|| self.policy.clone())
    }
}

/// Reads `https` or `on`, and `proto=https` of `Forwarded` (RFC 7239). In a list, the first element is about the client.
fn is_tls(told: &str) -> bool {
    let about_client = told.split(',').next().unwrap_or_default();
    about_client.split(';').map(str::trim).any(|part| {
        let (name, value) = part.split_once('=').unwrap_or(("proto", part));
        let value = value.trim_matches('"');
        name.eq_ignore_ascii_case("proto") && (value.eq_ignore_ascii_case("https") || value.eq_ignore_ascii_case("on"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proxies_say_of_tls_is_understood_and_nothing_else() {
        for told in ["https", "HTTPS", "on", " https , http", "for=192.0.2.1;proto=https", "Proto=\"https\"; for=x, for=y;proto=http"] {
            assert!(is_tls(told), "{told}");
        }
        for told in ["http", "off", "", "http, https", "for=https", "for=192.0.2.1;proto=http, proto=https", "httpss", "host=a;by=https"] {
            assert!(!is_tls(told), "{told}");
        }
    }
}
