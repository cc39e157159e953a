//! The three kinds of credentials, and how a 401 asks for them.

use poem::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use poem::http::{HeaderMap, HeaderName, HeaderValue};
use poem_openapi::registry::{MetaSecurityScheme, Registry};

use crate::auth::{AuthError, WEBHOOK_HEADERS};
use crate::problem::Problem;
use crate::problem::code::Code;

/// Names of headers are compared as such: each comparison with a text would first make a name of it.
pub(crate) static API_KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    BearerToken,
    ApiKey,
    GatewaySignature,
}

impl Credential {
    const ALL: [Self; 3] = [Self::BearerToken, Self::ApiKey, Self::GatewaySignature];

    /// The kind with this name in the document.
    pub(crate) fn of_scheme(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|credential| credential.scheme() == name)
    }

    /// What the document calls it.
    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Self::BearerToken => "CustomerToken",
            Self::ApiKey => "AdminKey",
            Self::GatewaySignature => "GatewaySignature",
        }
    }

    /// A word for the metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::BearerToken => "token",
            Self::ApiKey => "api_key",
            Self::GatewaySignature => "signature",
        }
    }

    /// Adds it to the document.
    pub(crate) fn register(self, registry: &mut Registry) {
        let (header, description) = match self {
            Self::BearerToken => (
                None,
                "A customer's JSON Web Token (HS256, RS256 or EdDSA), sent as `Authorization: Bearer …`. `sub` is the customer's id; \
                 `exp` is required, `nbf` is checked; both may have fractions. `rowlock token` creates one for development.",
            ),
            Self::ApiKey => (
                Some("X-Api-Key"),
                "The key of an admin or a box office, sent as `X-Api-Key`. `rowlock api-key create` creates it and prints it once; only \
                 its hash is stored.",
            ),
            Self::GatewaySignature => (
                Some("webhook-signature"),
                "The payment gateway signs each notice according to [Standard Webhooks](https://www.standardwebhooks.com): `webhook-id` \
                 identifies the message, `webhook-timestamp` is the time of sending in seconds since 1970, within 5 minutes of the \
                 server's clock, and `webhook-signature` is `v1,` followed by the base64 HMAC-SHA256 of \
                 `{webhook-id}.{webhook-timestamp}.{body}` with the shared `whsec_` secret.",
            ),
        };
        let scheme = MetaSecurityScheme {
            ty: if header.is_some() { "apiKey" } else { "http" },
            description: Some(description),
            name: header,
            key_in: header.map(|_| "header"),
            scheme: header.is_none().then_some("bearer"),
            bearer_format: header.is_none().then_some("JWT"),
            flows: None,
            openid_connect_url: None,
        };
        registry.create_security_scheme(self.scheme(), scheme);
    }

    /// `WWW-Authenticate` for a request without this credential.
    pub(crate) fn challenge(self) -> &'static str {
        match self {
            Self::BearerToken => "Bearer",
            Self::ApiKey => "ApiKey header=\"X-Api-Key\"",
            Self::GatewaySignature => "Signature headers=\"webhook-id webhook-timestamp webhook-signature\"",
        }
    }

    fn what_it_is(self) -> &'static str {
        match self {
            Self::BearerToken => "a customer's token in `Authorization: Bearer …`",
            Self::ApiKey => "an API key in `X-Api-Key`",
            Self::GatewaySignature => "the payment gateway's signature in `webhook-id`, `webhook-timestamp` and `webhook-signature`",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::BearerToken => "a bearer token",
            Self::ApiKey => "an API key",
            Self::GatewaySignature => "a gateway signature",
        }
    }

    /// Whether one of this kind was sent, good or not.
    pub(crate) fn is_in(self, headers: &HeaderMap) -> bool {
        match self {
            Self::BearerToken => headers
                .get(AUTHORIZATION)
                .is_some_and(|value| value.as_bytes().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))),
            Self::ApiKey => headers.contains_key(&API_KEY_HEADER),
            Self::GatewaySignature => WEBHOOK_HEADERS.iter().any(|name| headers.contains_key(name)),
        }
    }

    /// The detail for a request without this credential; it says so if another kind was sent.
    fn missing(self, headers: &HeaderMap) -> String {
        let sent = Self::ALL.into_iter().find(|other| *other != self && other.is_in(headers));
        sent.map_or_else(
            || format!("this operation takes {}, and none was sent", self.what_it_is()),
            |other| format!("this operation takes {}, not {}", self.what_it_is(), other.name()),
        )
    }

    /// The refusal of a request that does not prove who is calling.
    ///
    /// According to RFC 6750, the challenge names an error only if a credential of the right kind was sent.
    pub(crate) fn refuse(self, error: AuthError, headers: &HeaderMap) -> Problem {
        let code = match (self, &error) {
            (Self::GatewaySignature, _) => Code::InvalidSignature,
            (_, AuthError::Expired) => Code::TokenExpired,
            _ => Code::Unauthorized,
        };
        let (problem, challenge) = match error {
            AuthError::Missing => (Problem::new(code, self.missing(headers)), HeaderValue::from_static(self.challenge())),
            // An API key or a signature is in a header of its own; a token shares its header with other schemes.
            AuthError::Invalid(_, reason) if self == Self::BearerToken && !self.is_in(headers) => {
                (Problem::new(code, &*reason), HeaderValue::from_static(self.challenge()))
            }
            AuthError::Invalid(_, reason) => (Problem::new(code, &*reason), self.challenge_to(&reason)),
            AuthError::Expired => (Problem::plain(code), self.challenge_to("the token has expired")),
        };
        problem.with_header(WWW_AUTHENTICATE, challenge)
    }

    fn challenge_to(self, reason: &str) -> HeaderValue {
        let error = match self {
            Self::BearerToken => "invalid_token",
            Self::ApiKey => "invalid_key",
            Self::GatewaySignature => "invalid_signature",
        };
        let separator = if self == Self::BearerToken { "" } else { "," };
        let text = format!("{}{separator} error=\"{error}\", error_description=\"{}\"", self.challenge(), quotable(reason));
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(self.challenge()))
    }
}

/// The text without anything that is not allowed in an `error_description` (RFC 6750, section 3): only visible ASCII, without quotes and
/// backslashes.
fn quotable(text: &str) -> String {
    text.chars().map(|char| if matches!(char, ' '..='~' if char != '"' && char != '\\') { char } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    fn challenge(problem: Problem) -> String {
        problem.into_response("r").headers()["www-authenticate"].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_wrong_kind_of_credential_is_told_which_one_is_taken() {
        let token = headers(&[("authorization", "bearer abc")]);
        let key = headers(&[("x-api-key", "rlk_x")]);
        let signature = headers(&[("webhook-id", "msg_1")]);
        let basic = headers(&[("authorization", "Basic abc")]);
        for (credential, sent, expected) in [
            (Credential::BearerToken, &key, "a customer's token in `Authorization: Bearer …`, not an API key"),
            (Credential::BearerToken, &signature, "a customer's token in `Authorization: Bearer …`, not a gateway signature"),
            (Credential::ApiKey, &token, "an API key in `X-Api-Key`, not a bearer token"),
            (Credential::ApiKey, &signature, "an API key in `X-Api-Key`, not a gateway signature"),
            (Credential::ApiKey, &basic, "an API key in `X-Api-Key`, and none was sent"),
            (Credential::GatewaySignature, &token, "`webhook-timestamp` and `webhook-signature`, not a bearer token"),
            (Credential::GatewaySignature, &key, "`webhook-timestamp` and `webhook-signature`, not an API key"),
            (Credential::ApiKey, &HeaderMap::new(), "an API key in `X-Api-Key`, and none was sent"),
        ] {
            let reason = credential.missing(sent);
            assert!(reason.starts_with("this operation takes ") && reason.ends_with(expected), "{reason}");
            let problem = credential.refuse(AuthError::Missing, sent);
            assert_eq!(problem.detail(), reason);
            assert_eq!(challenge(problem), credential.challenge());
        }
    }

    #[test]
    fn a_challenge_names_the_error_where_a_credential_was_sent() {
        let sent = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("bearer x"))]);
        let invalid = |credential: Credential| challenge(credential.refuse(AuthError::malformed("why"), &sent));
        let another_scheme = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Basic x"))]);
        assert_eq!(challenge(Credential::BearerToken.refuse(AuthError::malformed("why"), &another_scheme)), "Bearer");
        assert_eq!(invalid(Credential::BearerToken), "Bearer error=\"invalid_token\", error_description=\"why\"");
        assert_eq!(invalid(Credential::ApiKey), "ApiKey header=\"X-Api-Key\", error=\"invalid_key\", error_description=\"why\"");
        let signature = "Signature headers=\"webhook-id webhook-timestamp webhook-signature\", error=\"invalid_signature\", \
                         error_description=\"why\"";
        assert_eq!(invalid(Credential::GatewaySignature), signature);
        let expired = Credential::BearerToken.refuse(AuthError::Expired, &HeaderMap::new());
        assert_eq!(expired.code(), Code::TokenExpired);
        assert_eq!(challenge(expired), "Bearer error=\"invalid_token\", error_description=\"the token has expired\"");
    }

    #[test]
    fn nothing_breaks_out_of_a_challenge() {
        assert_eq!(quotable("a \"b\" \\ `c` …\r\nd\u{7f}"), "a ?b? ? `c` ???d?");
        let reason = "x\"\r\nSet-Cookie: a=b";
        let challenge = challenge(Credential::ApiKey.refuse(AuthError::malformed(reason), &HeaderMap::new()));
        assert!(challenge.ends_with("error_description=\"x???Set-Cookie: a=b\""), "{challenge}");
    }
}
