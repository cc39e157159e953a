//! Request bodies: read up to a limit, with the right media type, and checked against their schema before they become a type.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use poem::http::HeaderValue;
use poem::http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH};
use poem::{Body, Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::ParseFromJSON;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::app::HttpLimits;
use crate::budget::Share;
use crate::http::app_of;
use crate::http::content_encoding::decoded;
use crate::http::schema::Schema;
use crate::http::strict_json::Distinct;
use crate::problem::Problem;
use crate::problem::code::Code;

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

/// `application/json` or a type built on it, with any parameters.
pub(crate) fn check_media_type(request: &Request) -> Result<(), Problem> {
    let media_type = request.content_type().unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType, "the body must be sent as `application/json`"))
}

const BROKE_OFF: &str = "the body was cut off";
/// How much of an oversized body is read and discarded before the refusal.
const DISCARDED_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How long a body for which there is no memory is read and discarded before the refusal.
const DISCARDED_FOR: Duration = Duration::from_millis(500);
/// When to try again, in seconds, after there was no memory for a body.
const RETRY_AFTER_S: u32 = 1;

/// A body in memory, which counts among the bodies in flight until this is dropped.
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    share: Share,
}

impl Received {
    /// The body without its content coding; the limit of `bytes_max` bytes applies to the result, too.
    pub(crate) async fn decoded(mut self, request: &Request, bytes_max: usize) -> Result<Self, Problem> {
        if request.headers().contains_key(CONTENT_ENCODING) {
            if !self.share.grow(bytes_max) {
                return Err(no_memory());
            }
            self.bytes = decoded(request.headers(), self.bytes, bytes_max).await?;
        }
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
        if !share.grow(chunk.len()) {
            drop((gathered, share));
            tokio::time::timeout(DISCARDED_FOR, discard(chunks)).await.ok();
            return Err(no_memory());
        }
        // Most bodies come in one piece, which need not be copied. Of several, each would keep all of the buffer that it was read into.
        if gathered.is_empty() && announced == Some(chunk.len()) {
            return Ok(Received { bytes: chunk, share });
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
        let detail = format!("the body did not arrive within {} s", arrival_max.as_secs());
        Err(Problem::new(Code::RequestTimeout, detail).with_header(CONNECTION, HeaderValue::from_static("close")))
    };
    tokio::time::timeout(arrival_max, arrival).await.unwrap_or_else(too_slow)
}

fn no_memory() -> Problem {
    Problem::passing(Code::Overloaded, RETRY_AFTER_S).with_detail("too many request bodies are arriving at the same time; nothing was done")
}

pub(crate) fn parse<T: Input>(bytes: &[u8]) -> Result<T, Problem> {
    let Distinct(value) = serde_json::from_slice(bytes).map_err(|error| Problem::invalid("body", format!("is not JSON: {error}")))?;
    T::schema().check(&value)?;
    // The type accepts what the schema accepts; if they ever differ, the type decides.
    T::parse_from_json(Some(value)).map_err(|error| Problem::invalid("body", error.into_message()))
}

#[cfg(test)]
mod tests;
