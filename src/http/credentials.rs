//! Who is calling: customers by bearer token, admins by API key, the gateway by its signature over the body.

use poem::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use poem::http::{HeaderMap, HeaderValue};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaRequest, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use time::OffsetDateTime;

use crate::app::App;
use crate::auth::{AuthError, AuthFailure, only_value};
use crate::db::api_keys::AdminKey;
use crate::domain::Viewer;
use crate::http::app_of;
use crate::http::body::{Input, Received, check_media_type, parse, read, register, request_meta};
use crate::http::challenges::{API_KEY_HEADER, Credential};
use crate::http::sender::client_address_of;
use crate::metrics::CredentialFault;
use crate::problem::Problem;
use crate::problem::code::Code;

/// The calling customer: the `sub` of the bearer token.
pub(crate) struct Customer(pub String);

impl<'a> ApiExtractor<'a> for Customer {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Credential::BearerToken.register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![Credential::BearerToken.scheme()]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let app = app_of(request)?;
        let customer = bearer_token(request.headers()).and_then(|token| app.auth.customers.customer(token, OffsetDateTime::now_utc()));
        let customer = customer.map_err(|error| Credential::BearerToken.refuse_wrong(error, app, request))?;
        app.rate_limits.customer(&customer).map_err(Problem::from)?;
        Ok(Self(customer))
    }
}

/// The token of the `Authorization` header; the scheme's case does not matter.
fn bearer_token(headers: &HeaderMap) -> Result<&str, AuthError> {
    let value = only_value(headers, &AUTHORIZATION)?;
    let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer")).map(|(_, token)| token.trim());
    let token = token.ok_or(AuthError::malformed("the header Authorization must be `Bearer`, a space and the token"))?;
    if token.is_empty() { Err(AuthError::malformed("the header Authorization has no token after `Bearer`")) } else { Ok(token) }
}

/// The calling admin or box office.
pub(crate) struct Admin(pub AdminKey);

impl<'a> ApiExtractor<'a> for Admin {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Credential::ApiKey.register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![Credential::ApiKey.scheme()]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let app = app_of(request)?;
        let refused = |error| Credential::ApiKey.refuse_wrong(error, app, request);
        let key = only_value(request.headers(), &API_KEY_HEADER).map_err(refused)?;
        if key.is_empty() {
            return Err(refused(AuthError::malformed("the header X-Api-Key is empty")).into());
        }
        // Whoever tries one key after another does not keep the database busy.
        if app.auth.admins.recent(key).is_none() {
            app.rate_limits.may_be_wrong(|| client_address_of(app, request)).map_err(Problem::from)?;
        }
        match app.auth.admins.admin(&app.db, key).await {
            Ok(admin) => Ok(Self(admin)),
            Err(AuthFailure::Auth(error)) => Err(refused(error).into()),
            Err(AuthFailure::Db(error)) => Err(Problem::from(error).into()),
        }
    }
}

/// An optional API key, which shows what the public does not see. If one is sent, it must be valid.
pub(crate) struct MaybeAdmin(pub Option<AdminKey>);

impl MaybeAdmin {
    /// Who asks, as far as events care.
    pub(crate) fn viewer(&self) -> Viewer {
        if self.0.is_some() { Viewer::Admin } else { Viewer::Public }
    }

    /// Refuses what is only for admins.
    ///
    /// # Errors
    /// `unauthorized` without a key.
    pub(crate) fn or_refuse(&self, app: &App, detail: &str) -> Result<(), Problem> {
        if self.0.is_some() {
            return Ok(());
        }
        app.metrics.credential_refused(Credential::ApiKey.as_str(), CredentialFault::Missing);
        let challenge = HeaderValue::from_static(Credential::ApiKey.challenge());
        Err(Problem::new(Code::Unauthorized, detail).with_header(WWW_AUTHENTICATE, challenge))
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
        if !request.headers().contains_key(&API_KEY_HEADER) {
            return Ok(Self(None));
        }
        // Boxed: few readers are admins, but all of them would carry its state.
        let Admin(key) = Box::pin(Admin::from_request(request, body, options)).await?;
        Ok(Self(Some(key)))
    }
}

impl Credential {
    /// Refuses a request that does not prove who is calling; wrong credentials are counted, and too many are told only that.
    fn refuse_wrong(self, error: AuthError, app: &App, request: &Request) -> Problem {
        app.metrics.credential_refused(self.as_str(), error.fault());
        if let AuthError::Invalid(CredentialFault::OffTime, reason) = &error {
            warn_of_clock(app, reason);
        } else if matches!(error, AuthError::Invalid(..))
            && let Err(too_many) = app.rate_limits.wrong_credentials(|| client_address_of(app, request))
        {
            return too_many.into();
        }
        self.refuse(error, request.headers())
    }

    /// Refuses a request without it, which is refused for something else otherwise: a signature is over the body, which is used up here.
    pub(crate) async fn expect_of(self, request: &mut Request) -> poem::Result<()> {
        let (body, options) = (&mut RequestBody::new(request.take_body()), ExtractParamOptions::default());
        match self {
            Self::BearerToken => Customer::from_request(request, body, options).await.map(|_| ()),
            Self::ApiKey => Admin::from_request(request, body, options).await.map(|_| ()),
            Self::GatewaySignature => {
                let bytes_max = app_of(request)?.limits.body_max_bytes;
                Ok(signed(request, body, bytes_max).await.map(|_| ())?)
            }
        }
    }
}

/// A JSON body with a valid Standard Webhooks signature, which is verified over the bytes as received, before anything parses them.
pub(crate) struct SignedJson<T>(pub T);

impl<'a, T: Input> ApiExtractor<'a> for SignedJson<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject, ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register::<T>(registry);
        Credential::GatewaySignature.register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![Credential::GatewaySignature.scheme()]
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(request_meta::<T>())
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let bytes_max = T::bytes_max(&app_of(request)?.limits);
        let received = signed(request, body, bytes_max).await?;
        check_media_type(request)?;
        Ok(Self(parse(received.decoded(request, bytes_max).await?).await?))
    }
}

/// A body that the gateway signed. Only what has the form of a signature lets it be read: whether it is right depends on the body.
async fn signed(request: &Request, body: &mut RequestBody, bytes_max: usize) -> Result<Received, Problem> {
    let app = app_of(request)?;
    let refused = |error| Credential::GatewaySignature.refuse_wrong(error, app, request);
    let signature = app.auth.gateway.read(request.headers(), OffsetDateTime::now_utc()).map_err(refused)?;
    let received = read(request, body, bytes_max).await?;
    signature.check(&received.bytes).map_err(refused)?;
    Ok(received)
}

/// A gateway whose clock is wrong loses every payment until somebody sees it.
fn warn_of_clock(app: &App, reason: &str) {
    if app.auth.off_time.admits(|left_out| tracing::warn!(left_out, "more notices had a wrong timestamp than were logged")) {
        tracing::warn!("a payment notice was refused: {reason}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&'static str]) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        bearer_token(&headers).map(str::to_owned).map_err(|error| match error {
            AuthError::Missing => "nothing was sent".to_owned(),
            AuthError::Invalid(_, reason) => reason.into_owned(),
            AuthError::Expired => panic!("nobody looked at the token"),
        })
    }

    #[test]
    fn bearer_tokens() {
        assert_eq!(read(&["Bearer abc"]).as_deref(), Ok("abc"));
        assert_eq!(read(&["bearer  abc "]).as_deref(), Ok("abc"));
        assert_eq!(read(&[]).unwrap_err(), "nothing was sent");
        for value in ["Basic abc", "abc", "Bearer"] {
            assert!(read(&[value]).unwrap_err().contains("must be `Bearer`, a space and the token"), "{value}");
        }
        assert!(read(&["Bearer  "]).unwrap_err().contains("has no token"));
        assert!(read(&["Bearer abc", "Bearer abc"]).unwrap_err().contains("more than once"));
    }
}
