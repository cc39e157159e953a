//! Request bodies: read up to a limit, with the right media type, and checked against their schema before they become a type.

mod input;

use std::error::Error;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use poem::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use poem::{Body, Request, RequestBody};
use poem_openapi::registry::{MetaRequest, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::budget::Share;
use crate::http::app_of;
use crate::http::content_encoding::decoded;
use crate::http::sender::client_address_of;
use crate::off_runtime::off_runtime_if_large;
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::strict_json;
pub(crate) use input::{Input, input, register, request_meta};

pub(crate) struct JsonBody<T>(pub T);

impl<'a, T: Input> ApiExtractor<'a> for JsonBody<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register::<T>(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(request_meta::<T>())
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        check_media_type(request)?;
        let bytes_max = T::bytes_max(&app_of(request)?.limits);
        let received = read(request, body, bytes_max).await?.decoded(request, bytes_max).await?;
        Ok(Self(parse(received).await?))
    }
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
/// How long a body that is refused is read and discarded first, so that a client which is still sending sees why.
const DISCARDED_FOR: Duration = Duration::from_millis(500);

/// A body in memory. If it came in several pieces or was compressed, it counts among the bodies in flight until this is dropped.
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    /// Held until then.
    share: Share,
}

impl Received {
    /// The body without its content coding; the limit of `bytes_max` bytes applies to the result, too.
    pub(crate) async fn decoded(self, request: &Request, bytes_max: usize) -> Result<Self, Problem> {
        let (bytes, share) = decoded(request.headers(), self.bytes, bytes_max, self.share).await?;
        Ok(Self { bytes, share })
    }
}

/// Reads a body of at most `bytes_max` bytes, whether or not its length was announced. It takes memory only for what has arrived.
pub(crate) async fn read(request: &Request, body: &mut RequestBody, bytes_max: usize) -> Result<Received, Problem> {
    let app = app_of(request)?;
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let body = body.take().map_err(|error| Problem::internal(error.to_string()))?;
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        // Whoever waits for word before sending the body has sent none of it.
        if !request.headers().contains_key(EXPECT) {
            discard(body.into_bytes_stream()).await;
        }
        return Err(too_large(bytes_max));
    }
    let share = app.bodies.share(client_address_of(app, request));
    in_time(app.limits.body_arrival_max, read_whole(body, announced, bytes_max, share)).await
}

fn too_large(bytes_max: usize) -> Problem {
    Problem::new(Code::BodyTooLarge, format!("the body may have at most {bytes_max} bytes"))
}

async fn read_whole(body: Body, announced: Option<usize>, bytes_max: usize, mut share: Share) -> Result<Received, Problem> {
    let mut chunks = body.into_bytes_stream();
    let expected_max = announced.unwrap_or(bytes_max).min(bytes_max);
    let mut gathered = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| broken(&error))?;
        if gathered.len() + chunk.len() > bytes_max {
            drop((gathered, share));
            discard(chunks).await;
            return Err(too_large(bytes_max));
        }
        // Most bodies come in one piece, which need not be copied and is never refused: it is used at once, however many bodies others
        // have begun and do not finish. Of several pieces, each would keep all of the buffer that it was read into.
        if gathered.is_empty() && announced == Some(chunk.len()) {
            return Ok(Received { bytes: chunk, share });
        }
        if let Err(exceeded) = share.gather(&mut gathered, &chunk, expected_max) {
            drop((gathered, share));
            discard(chunks).await;
            return Err(exceeded.into());
        }
    }
    Ok(Received { bytes: gathered.into(), share })
}

/// Whether there is no body. One that is announced as chunked may have no bytes: that shows only when it is read.
pub(crate) async fn is_empty(body: Body, arrival_max: Duration) -> Result<bool, Problem> {
    if body.is_empty() {
        return Ok(true);
    }
    let mut chunks = body.into_bytes_stream();
    in_time(arrival_max, async move {
        while let Some(chunk) = chunks.next().await {
            if !chunk.map_err(|error| broken(&error))?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    })
    .await
}

/// Why the rest of a body cannot be read.
fn broken(error: &io::Error) -> Problem {
    // The innermost cause is the one of whoever read the chunks.
    let mut causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let is_nonsense = |error: &&io::Error| matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData);
    match causes.find_map(|cause| cause.downcast_ref::<io::Error>().filter(is_nonsense)) {
        Some(nonsense) => Problem::invalid("body", format!("is not divided into chunks as HTTP/1.1 demands: {nonsense}")),
        None => Problem::new(Code::InvalidRequest, BROKE_OFF),
    }
}

/// A client that is still sending would see a broken connection instead of the answer, so its body is read up to a limit.
async fn discard(mut chunks: impl Stream<Item = io::Result<Bytes>> + Unpin) {
    let all = async {
        let mut count = 0;
        while count < DISCARDED_BYTES_MAX
            && let Some(Ok(chunk)) = chunks.next().await
        {
            count += chunk.len() as u64;
        }
    };
    tokio::time::timeout(DISCARDED_FOR, all).await.ok();
}

/// A slow client must not hold its connection forever: its body arrives in time, or the connection is closed after the refusal.
async fn in_time<T>(arrival_max: Duration, arrival: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    let too_slow = |_| {
        let detail = format!("the body did not arrive within {} s: send all of it at once", arrival_max.as_secs());
        Err(Problem::new(Code::RequestTimeout, detail))
    };
    tokio::time::timeout(arrival_max, arrival).await.unwrap_or_else(too_slow)
}

/// The value of a body.
pub(crate) async fn parse<T: Input>(received: Received) -> Result<T, Problem> {
    // The body counts as memory in use until its value has been read.
    off_runtime_if_large(received.bytes.len(), move || parse_bytes(&received.bytes)).await
}

fn parse_bytes<T: Input>(bytes: &[u8]) -> Result<T, Problem> {
    let value = strict_json::read(bytes).map_err(|error| Problem::invalid("body", strict_json::objection(bytes, &error)))?;
    T::schema().check(&value)?;
    // The type accepts what the schema accepts; if they ever differ, the type decides.
    T::parse_from_json(Some(value)).map_err(|error| Problem::invalid("body", error.into_message()))
}

#[cfg(test)]
mod tests;
