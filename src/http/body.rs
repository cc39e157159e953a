//! Request bodies: read up to a limit, with the right media type, and checked against their schema before they become a type.

use std::time::Duration;

use bytes::Bytes;
use poem::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use poem::{Body, Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::ParseFromJSON;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::app::HttpLimits;
use crate::http::app_of;
use crate::http::content_encoding::decoded;
use crate::http::schema::Schema;
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::strict_json;

/// A type that comes in as a JSON body.
pub(crate) trait Input: ParseFromJSON + Send {
    /// Its schema, built once.
    fn schema() -> &'static Schema;

    /// How many bytes a body may have.
    fn bytes_max(limits: &HttpLimits) -> usize {
        limits.body_max_bytes
    }
}

/// Declares an input type; `= field` names a limit other than the usual one.
macro_rules! input {
    ($type:ty $(= $limit:ident)?) => {
        impl $crate::http::body::Input for $type {
            fn schema() -> &'static $crate::http::schema::Schema {
                static SCHEMA: std::sync::LazyLock<$crate::http::schema::Schema> =
                    std::sync::LazyLock::new($crate::http::schema::Schema::of::<$type>);
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

pub(crate) struct JsonBody<T>(pub T);

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
        let bytes_max = T::bytes_max(&app_of(request)?.limits);
        let bytes = read(request, body, bytes_max).await?;
        Ok(Self(parse(&decoded(request.headers(), bytes, bytes_max).await?)?))
    }
}

pub(crate) fn request_meta<T: Input>() -> MetaRequest {
    let content = vec![MetaMediaType { content_type: "application/json", schema: T::schema_ref() }];
    MetaRequest { description: None, content, required: true }
}

const MEDIA_TYPE_EXPECTED: &str = "the body must be sent as `application/json`, with no parameter but `charset=utf-8`";

/// Refuses a body that is not declared as `application/json`, once and in UTF-8: a proxy might understand any other differently.
pub(crate) fn check_media_type(request: &Request) -> Result<(), Problem> {
    let mut sent = request.headers().get_all(CONTENT_TYPE).iter();
    let is_json = sent.next().is_some_and(|media_type| media_type.to_str().is_ok_and(is_json));
    let detail = match (is_json, sent.next()) {
        (true, None) => return Ok(()),
        (false, None) => MEDIA_TYPE_EXPECTED,
        (_, Some(_)) => "the header Content-Type was sent more than once: send the body as `application/json`",
    };
    Err(Problem::new(Code::UnsupportedMediaType, detail))
}

/// `application/json`, with no parameter but `charset=utf-8`, which says nothing new (RFC 8259, 8.1).
fn is_json(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    let is_utf_8 = |parameter: &str| {
        let charset = parameter.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("charset"));
        charset.is_some_and(|(_, charset)| ["utf-8", "\"utf-8\""].iter().any(|known| charset.eq_ignore_ascii_case(known)))
    };
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| parameter.is_empty() || is_utf_8(parameter))
}

const BROKE_OFF: &str = "the body was cut off: its end did not arrive";
/// How much of an oversized body is read and discarded before the refusal.
const DISCARDED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How long a body may take to arrive; otherwise a slow client could hold its connection forever.
const ARRIVAL_MAX: Duration = Duration::from_secs(30);

/// Reads a body of at most `bytes_max` bytes, whether or not its length was announced.
pub(crate) async fn read(request: &Request, body: &mut RequestBody, bytes_max: usize) -> Result<Bytes, Problem> {
    let too_slow = || {
        Problem::new(Code::InvalidRequest, format!("the body did not arrive within {} s: send all of it at once", ARRIVAL_MAX.as_secs()))
    };
    tokio::time::timeout(ARRIVAL_MAX, read_whole(request, body, bytes_max)).await.unwrap_or_else(|_| Err(too_slow()))
}

async fn read_whole(request: &Request, body: &mut RequestBody, bytes_max: usize) -> Result<Bytes, Problem> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let body = body.take().map_err(|error| Problem::internal(error.to_string()))?;
    if announced.is_some_and(|length| length <= bytes_max) {
        // The server reads no more than was announced, usually in one piece that need not be copied.
        return body.into_bytes().await.map_err(|_| Problem::new(Code::InvalidRequest, BROKE_OFF));
    }
    let mut reader = body.into_async_read();
    let mut bytes = Vec::new();
    let within = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    (&mut reader).take(within).read_to_end(&mut bytes).await.map_err(|_| Problem::new(Code::InvalidRequest, BROKE_OFF))?;
    if bytes.len() <= bytes_max {
        return Ok(bytes.into());
    }
    discard(reader).await;
    Err(Problem::new(Code::BodyTooLarge, format!("the body may have at most {bytes_max} bytes")))
}

/// Reads and discards a body; returns its number of bytes.
pub(crate) async fn discarded(body: Body) -> u64 {
    tokio::time::timeout(ARRIVAL_MAX, discard(body.into_async_read())).await.unwrap_or(1)
}

/// A client that is still sending would see a broken connection instead of the answer, so its body is read up to a limit.
async fn discard(reader: impl AsyncRead + Unpin) -> u64 {
    // If the connection breaks, the count does not matter: the client gets no answer.
    tokio::io::copy(&mut reader.take(DISCARDED_BYTES_MAX), &mut tokio::io::sink()).await.unwrap_or(1)
}

pub(crate) fn parse<T: Input>(bytes: &[u8]) -> Result<T, Problem> {
    let value = strict_json::read(bytes).map_err(|error| Problem::invalid("body", strict_json::objection(bytes, &error)))?;
    T::schema().check(&value)?;
    // The type accepts what the schema accepts; if they ever differ, the type decides.
    T::parse_from_json(Some(value)).map_err(|error| Problem::invalid("body", error.into_message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_declared_as_json_in_utf_8_and_as_nothing_else() {
        let refusal = |media_types: &[&str]| {
            let request = media_types.iter().fold(Request::builder(), |request, media_type| request.header("content-type", *media_type));
            check_media_type(&request.finish()).map_err(|problem| (problem.code(), problem.detail().to_owned()))
        };
        for good in ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\"", "application/json ;"] {
            assert_eq!(refusal(&[good]), Ok(()), "{good}");
        }
        let once = (Code::UnsupportedMediaType, MEDIA_TYPE_EXPECTED.to_owned());
        for bad in [
            "application/problem+json",
            "application/cloudevents+json",
            "application/json; charset=latin1",
            "application/json; charset",
            "application/json; version=2",
            "application/json, text/plain",
            "text/plain",
            "application/jsonp",
            "application",
            "",
        ] {
            assert_eq!(refusal(&[bad]).as_ref(), Err(&once), "{bad}");
        }
        assert_eq!(refusal(&[]).as_ref(), Err(&once));
        for twice in [["application/json", "application/json"], ["application/json", "text/plain"], ["text/plain", "application/json"]] {
            assert!(refusal(&twice).unwrap_err().1.contains("more than once"), "{twice:?}");
        }
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
