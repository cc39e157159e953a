//! Request bodies: read within a limit, of the right media type, and held against their schema before they become a type.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use poem::http::header::CONTENT_LENGTH;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSecurityScheme, Registry};
use poem_openapi::types::ParseFromJSON;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use tokio::io::AsyncReadExt;

use super::code::Code;
use super::distinct::Distinct;
use super::problem::Problem;
use super::schema::Schema;
use super::security::app;
use crate::app::HttpLimits;

/// A type that comes in as a JSON body.
pub trait Input: ParseFromJSON + Send {
    /// Its schema, made once.
    fn schema() -> &'static Schema;

    /// How many bytes a body may have.
    fn bytes_max(limits: &HttpLimits) -> usize {
        limits.body_max_bytes
    }
}

/// Declares an input type; `= field` names the limit that is not the usual one.
macro_rules! input {
    ($type:ty $(= $limit:ident)?) => {
        impl $crate::api::json::Input for $type {
            fn schema() -> &'static $crate::api::schema::Schema {
                static SCHEMA: std::sync::LazyLock<$crate::api::schema::Schema> =
                    std::sync::LazyLock::new($crate::api::schema::Schema::of::<$type>);
                &SCHEMA
            }

            $(
                fn bytes_max(limits: &$crate::app::HttpLimits) -> usize {
                    limits.$limit
                }
            )?
        }
    };
}
pub(crate) use input;

/// A JSON body.
pub struct JsonBody<T>(pub T);

impl<'a, T: Input> ApiExtractor<'a> for JsonBody<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(request_meta::<T>())
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        check_media_type(request)?;
        let bytes = read(request, body, T::bytes_max(&app(request)?.limits)).await?;
        Ok(Self(parse(&bytes)?))
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
        let app = app(request)?;
        let bytes = read(request, body, T::bytes_max(&app.limits)).await?;
        app.auth.gateway(request.headers(), &bytes).map_err(|_| {
            Problem::plain(Code::InvalidSignature).with_challenge("Signature headers=\"webhook-id webhook-timestamp webhook-signature\"")
        })?;
        check_media_type(request)?;
        Ok(Self(parse(&bytes)?))
    }
}

fn request_meta<T: Input>() -> MetaRequest {
    let content = vec![MetaMediaType { content_type: "application/json", schema: T::schema_ref() }];
    MetaRequest { description: None, content, required: true }
}

/// `application/json` or a type built on it, with any parameters.
fn check_media_type(request: &Request) -> Result<(), Problem> {
    let media_type = request.content_type().unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem::plain(Code::UnsupportedMediaType))
}

const BROKE_OFF: &str = "the body broke off";
/// How much of a body that is too large is read and thrown away before the refusal.
const DISCARDED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How long a body may take to arrive; a client that trickles would hold its connection for ever.
const ARRIVAL_MAX: Duration = Duration::from_secs(30);

/// Reads a body of at most `bytes_max` bytes, whether or not its length was announced.
async fn read(request: &Request, body: &mut RequestBody, bytes_max: usize) -> Result<Bytes, Problem> {
    let too_slow = || Problem::new(Code::InvalidRequest, "the body did not arrive in time");
    tokio::time::timeout(ARRIVAL_MAX, read_whole(request, body, bytes_max)).await.unwrap_or_else(|_| Err(too_slow()))
}

async fn read_whole(request: &Request, body: &mut RequestBody, bytes_max: usize) -> Result<Bytes, Problem> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let body = body.take().map_err(|error| Problem::internal(error.to_string()))?;
    if announced.is_some_and(|length| length <= bytes_max) {
        // The server reads no more than was announced, and mostly in one piece that needs no copy.
        return body.into_bytes().await.map_err(|_| Problem::new(Code::InvalidRequest, BROKE_OFF));
    }
    let mut reader = body.into_async_read();
    let mut bytes = Vec::new();
    let within = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    (&mut reader).take(within).read_to_end(&mut bytes).await.map_err(|_| Problem::new(Code::InvalidRequest, BROKE_OFF))?;
    if bytes.len() <= bytes_max {
        return Ok(bytes.into());
    }
    // A client that is still sending would see a broken connection instead of the answer: hear it out, up to a point.
    tokio::io::copy(&mut reader.take(DISCARDED_BYTES_MAX), &mut tokio::io::sink()).await.ok();
    Err(Problem::new(Code::BodyTooLarge, format!("the body may have at most {bytes_max} bytes")))
}

fn parse<T: Input>(bytes: &[u8]) -> Result<T, Problem> {
    let Distinct(value) = serde_json::from_slice(bytes).map_err(|error| Problem::invalid("body", format!("is not JSON: {error}")))?;
    T::schema().check(&value)?;
    // What the schema lets through the type takes; should they ever differ, the type has the last word.
    T::parse_from_json(Some(value)).map_err(|error| Problem::invalid("body", error.into_message()))
}

/// The application behind this server, for extractors.
pub type SharedApp = Arc<crate::app::App>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types() {
        let with = |media_type: &str| check_media_type(&Request::builder().content_type(media_type).finish()).is_ok();
        assert!(with("application/json"));
        assert!(with("Application/JSON; charset=utf-8"));
        assert!(with("application/cloudevents+json"));
        assert!(!with("text/plain"));
        assert!(!with("application/jsonp"));
        assert!(check_media_type(&Request::builder().finish()).is_err());
    }

    #[tokio::test]
    async fn bodies_are_limited_whether_or_not_their_length_is_announced() {
        let read = async |sent: usize, announced: Option<usize>| {
            let mut request = Request::builder();
            if let Some(length) = announced {
                request = request.header("content-length", length.to_string());
            }
            let body = poem::Body::from(vec![b' '; sent]);
            read(&request.finish(), &mut RequestBody::new(body), 100).await.map(|bytes| bytes.len()).map_err(|problem| problem.code())
        };
        for announced in [Some(100), None] {
            assert_eq!(read(100, announced).await, Ok(100));
        }
        for announced in [Some(101), None, Some(usize::MAX)] {
            assert_eq!(read(101, announced).await, Err(Code::BodyTooLarge));
        }
        assert_eq!(read(0, Some(0)).await, Ok(0));
    }
}
