//! Who calls: customers by bearer token, admins by API key, the gateway by its signature over the body.

use poem::http::header::AUTHORIZATION;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaRequest, MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::auth::{AuthError, AuthFailure};
use crate::db::api_keys::AdminKey;
use crate::domain::Audience;
use crate::http::app_of;
use crate::http::body::{Input, check_media_type, parse, read, request_meta};
use crate::http::content_encoding::decoded;
use crate::problem::Problem;
use crate::problem::code::Code;

const BEARER: &str = "Bearer";
const API_KEY: &str = "ApiKey header=\"X-Api-Key\"";

/// The customer who calls: the `sub` of the bearer token.
pub struct Customer(pub String);

impl<'a> ApiExtractor<'a> for Customer {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            "CustomerToken",
            MetaSecurityScheme {
                ty: "http",
                description: Some(
                    "A customer's JSON Web Token (HS256, RS256 or EdDSA), sent as `Authorization: Bearer …`. `sub` is the customer's id; \
                     `exp` is required, `nbf` is obeyed. `rowlock token` makes one for development.",
                ),
                name: None,
                key_in: None,
                scheme: Some("bearer"),
                bearer_format: Some("JWT"),
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec!["CustomerToken"]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let token = request.headers().get(AUTHORIZATION).and_then(|value| bearer_token(value.to_str().ok()?));
        let customer = token.ok_or(AuthError::Missing).and_then(|token| app_auth(request, token));
        Ok(Self(customer.map_err(|error| refused(&error, BEARER))?))
    }
}

fn app_auth(request: &Request, token: &str) -> Result<String, AuthError> {
    app_of(request).map_err(|_| AuthError::Invalid)?.auth.customer(token)
}

/// The token of an `Authorization` header; the scheme's case does not matter.
fn bearer_token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case(BEARER).then(|| token.trim()).filter(|token| !token.is_empty())
}

/// The admin or box office that calls.
pub struct Admin(pub AdminKey);

impl<'a> ApiExtractor<'a> for Admin {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            "AdminKey",
            MetaSecurityScheme {
                ty: "apiKey",
                description: Some(
                    "The key of an admin or a box office, sent as `X-Api-Key`. `rowlock api-key create` makes it and prints it once; only \
                     its hash is kept.",
                ),
                name: Some("X-Api-Key"),
                key_in: Some("header"),
                scheme: None,
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec!["AdminKey"]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let app = app_of(request)?;
        let key = request.headers().get("x-api-key").and_then(|value| value.to_str().ok()).filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| refused(&AuthError::Missing, API_KEY))?;
        match app.auth.admin(&app.db, key).await {
            Ok(admin) => Ok(Self(admin)),
            Err(AuthFailure::Auth(error)) => Err(refused(&error, API_KEY).into()),
            Err(AuthFailure::Db(error)) => Err(Problem::from(error).into()),
        }
    }
}

/// An admin's key where none is needed: it shows what the public does not see. A key that is sent must be good.
pub struct MaybeAdmin(pub Option<AdminKey>);

impl MaybeAdmin {
    /// As whom the caller asks.
    pub fn audience(&self) -> Audience {
        if self.0.is_some() { Audience::Admins } else { Audience::Public }
    }

    /// Refuses what only admins may ask.
    ///
    /// # Errors
    /// `unauthorized` without a key.
    pub fn or_refuse(&self, detail: &str) -> Result<(), Problem> {
        match self.0 {
            Some(_) => Ok(()),
            None => Err(Problem::new(Code::Unauthorized, detail).with_challenge(API_KEY)),
        }
    }
}

impl<'a> ApiExtractor<'a> for MaybeAdmin {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Admin::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        Admin::security_schemes()
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, options: ExtractParamOptions<()>) -> poem::Result<Self> {
        if !request.headers().contains_key("x-api-key") {
            return Ok(Self(None));
        }
        // Boxed: few readers are admins, and all would carry its state.
        let Admin(key) = Box::pin(Admin::from_request(request, body, options)).await?;
        Ok(Self(Some(key)))
    }
}

fn refused(error: &AuthError, challenge: &'static str) -> Problem {
    match error {
        AuthError::Missing => Problem::new(Code::Unauthorized, "this operation needs credentials, and none came").with_challenge(challenge),
        AuthError::Invalid => Problem::new(Code::Unauthorized, "these credentials are not good").with_challenge(challenge),
        AuthError::Expired => Problem::plain(Code::TokenExpired).with_challenge("Bearer error=\"invalid_token\""),
    }
}

/// A JSON body whose Standard Webhooks signature held. It is verified over the bytes as they came, before anything looks into them.
pub struct SignedJson<T>(pub T);

impl<'a, T: Input> ApiExtractor<'a> for SignedJson<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject, ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
        registry.create_security_scheme(
            "GatewaySignature",
            MetaSecurityScheme {
                ty: "apiKey",
                description: Some(
                    "The payment gateway signs each notice after [Standard Webhooks](https://www.standardwebhooks.com): `webhook-id` \
                     names the message, `webhook-timestamp` is the time of sending in seconds since 1970 and must be within 5 minutes, and \
                     `webhook-signature` is `v1,` and the base64 HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}` under the shared \
                     `whsec_` secret.",
                ),
                name: Some("webhook-signature"),
                key_in: Some("header"),
                scheme: None,
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec!["GatewaySignature"]
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(request_meta::<T>())
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let app = app_of(request)?;
        let bytes_max = T::bytes_max(&app.limits);
        let bytes = read(request, body, bytes_max).await?;
        app.auth.gateway(request.headers(), &bytes).map_err(|_| {
            Problem::plain(Code::InvalidSignature).with_challenge("Signature headers=\"webhook-id webhook-timestamp webhook-signature\"")
        })?;
        check_media_type(request)?;
        Ok(Self(parse(&decoded(request.headers(), bytes, bytes_max).await?)?))
    }
}

#[cfg(test)]
mod tests {
    use super::bearer_token;

    #[test]
    fn bearer_tokens() {
        assert_eq!(bearer_token("Bearer abc"), Some("abc"));
        assert_eq!(bearer_token("bearer  abc "), Some("abc"));
        assert_eq!(bearer_token("Basic abc"), None);
        assert_eq!(bearer_token("Bearer "), None);
        assert_eq!(bearer_token("abc"), None);
    }
}
