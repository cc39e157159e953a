//! Request bodies: read up to a limit, with the right media type, and checked against their schema before they become a type.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use poem::http::HeaderValue;
use poem::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use poem::{Body, Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::ParseFromJSON;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::app::HttpLimits;
use crate::budget::Share;
use crate::http::app_of;
use crate::http::content_encoding::{decoded, is_coded};
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
        let received = read(request, body, bytes_max).await?.decoded(request, bytes_max).await?;
        Ok(Self(parse(&received.bytes)?))
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
/// How long a body for which there is no memory is read and discarded before the refusal.
const DISCARDED_FOR: Duration = Duration::from_millis(500);
/// When to try again, in seconds, after there was no memory for a body.
const RETRY_AFTER_S: u32 = 1;

/// A body in memory. If it came in several pieces or was compressed, it counts among the bodies in flight until this is dropped.
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    share: Share,
}

impl Received {
    /// The body without its content coding; the limit of `bytes_max` bytes applies to the result, too.
    pub(crate) async fn decoded(mut self, request: &Request, bytes_max: usize) -> Result<Self, Problem> {
        if is_coded(request.headers()) && !self.share.grow(bytes_max) {
            return Err(no_memory());
        }
        self.bytes = decoded(request.headers(), self.bytes, bytes_max).await?;
        Ok(self)
    }
}

/// Reads a body of at most `bytes_max` bytes, whether or not its length was announced. It takes memory only for what has arrived.
pub(crate) async fn read(request: &Request, body: &mut RequestBody, bytes_max: usize) -> Result<Received, Problem> {
    let app = app_of(request)?;
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let body = body.take().map_err(|error| Problem::internal(error.to_string()))?;
    in_time(app.limits.body_arrival_max, read_whole(body, announced, bytes_max, app.bodies.share())).await
}

async fn read_whole(body: Body, announced: Option<usize>, bytes_max: usize, mut share: Share) -> Result<Received, Problem> {
    let mut chunks = body.into_bytes_stream();
    let mut gathered = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::new(Code::InvalidRequest, BROKE_OFF))?;
        if gathered.len() + chunk.len() > bytes_max {
            drop((gathered, share));
            discard(chunks).await;
            return Err(Problem::new(Code::BodyTooLarge, format!("the body may have at most {bytes_max} bytes")));
        }
        // Most bodies come in one piece, which need not be copied and is never refused: it is used at once, however many bodies others
        // have begun and do not finish. Of several pieces, each would keep all of the buffer that it was read into.
        if gathered.is_empty() && announced == Some(chunk.len()) {
            return Ok(Received { bytes: chunk, share });
        }
        if !share.grow(chunk.len()) {
            drop((gathered, share));
            tokio::time::timeout(DISCARDED_FOR, discard(chunks)).await.ok();
            return Err(no_memory());
        }
        gathered.extend_from_slice(&chunk);
    }
    Ok(Received { bytes: gathered.into(), share })
}

/// Reads and discards a body; returns its number of bytes.
pub(crate) async fn discarded(body: Body, arrival_max: Duration) -> Result<u64, Problem> {
    in_time(arrival_max, async { Ok(discard(body.into_bytes_stream()).await) }).await
}

/// A client that is still sending would see a broken connection instead of the answer, so its body is read up to a limit.
async fn discard(mut chunks: impl Stream<Item = io::Result<Bytes>> + Unpin) -> u64 {
    let mut count = 0;
    // If the connection breaks, the count does not matter: the client gets no answer.
    while count < DISCARDED_BYTES_MAX
        && let Some(Ok(chunk)) = chunks.next().await
    {
        count += chunk.len() as u64;
    }
    count
}

/// A slow client must not hold its connection forever: its body arrives in time, or the connection is closed after the refusal.
async fn in_time<T>(arrival_max: Duration, arrival: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    let too_slow = |_| {
        let detail = format!("the body did not arrive within {} s: send all of it at once", arrival_max.as_secs());
        Err(Problem::new(Code::RequestTimeout, detail).with_header(CONNECTION, HeaderValue::from_static("close")))
    };
    tokio::time::timeout(arrival_max, arrival).await.unwrap_or_else(too_slow)
}

fn no_memory() -> Problem {
    Problem::passing(Code::Overloaded, RETRY_AFTER_S).with_detail("too many request bodies are arriving at the same time; nothing was done")
}

pub(crate) fn parse<T: Input>(bytes: &[u8]) -> Result<T, Problem> {
    let value = strict_json::read(bytes).map_err(|error| Problem::invalid("body", strict_json::objection(bytes, &error)))?;
    T::schema().check(&value)?;
    // The type accepts what the schema accepts; if they ever differ, the type decides.
    T::parse_from_json(Some(value)).map_err(|error| Problem::invalid("body", error.into_message()))
}

#[cfg(test)]
mod tests;
